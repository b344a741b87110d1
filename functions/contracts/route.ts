/** How bytes leave the platform. One schema per route; `readers/<type>.ts` implements it. */
import { z } from 'zod'

/** `SHA256:` and the unpadded base64 of the key's hash, as `ssh-keygen -lf` prints it. */
export const hostKeySchema = z
  .string()
  .regex(/^SHA256:[A-Za-z0-9+/]{43}=?$/, 'a host key is written SHA256:…, as ssh-keygen -lf prints it')

export const sftpRouteSchema = z
  .strictObject({
    type: z.literal('sftp'),
    /** Host to reach over SSH. `{node}` stands for the name of the node that made the archive. */
    host: z.string().min(1),
    port: z.int().min(1).max(65_535).default(22),
    username: z.string().min(1),
    /** PEM or OpenSSH private key. Either this or `password`. */
    privateKey: z.string().includes('-----BEGIN').optional(),
    /** Passphrase of the private key, when it has one. */
    passphrase: z.string().optional(),
    password: z.string().min(1).optional(),
    /**
     * Accepted host keys. There is no trust on first use: a site without one is refused, and the error prints what
     * the server showed, for the operator to compare and enter.
     */
    hostKeys: z.array(hostKeySchema).default([]),
    /** Replaced at the front of the archive's path: a chrooted account sees `/dump` where the node has `/var/lib/vz/dump`. */
    pathPrefix: z.strictObject({ from: z.string(), to: z.string() }).optional(),
  })
  .refine((route) => (route.privateKey === undefined) !== (route.password === undefined), {
    error: 'give either privateKey or password',
  })
export type SftpRoute = z.infer<typeof sftpRouteSchema>

export const routeSchema = z.discriminatedUnion('type', [sftpRouteSchema])
export type Route = z.infer<typeof routeSchema>

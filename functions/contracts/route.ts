/** How bytes leave the platform. One schema per route; `readers/<type>.ts` implements it. */
import * as z from 'zod'
import { tlsSchema } from './tls.ts'

/**
 * `SHA256:` and the unpadded base64 of the key's hash. The whole line that `ssh-keygen -lf` prints may be pasted
 * (`256 SHA256:… root@pve1 (ED25519)`); only the hash is kept.
 */
export const hostKeySchema = z
  .string()
  .transform((text) => /SHA256:[A-Za-z0-9+/]{43}(?![A-Za-z0-9+/])/.exec(text)?.[0] ?? text.trim())
  .pipe(
    z
      .string()
      .refine((text) => !/^(ssh-|ecdsa-)/.test(text), {
        error: 'that is a public key; its fingerprint is wanted, which ssh-keygen -lf <file> prints',
        abort: true,
      })
      .regex(/^SHA256:[A-Za-z0-9+/]{43}=?$/, 'a host key is written SHA256:…, as ssh-keygen -lf prints it'),
  )

/** How an account logs in over SSH: the same for every route that uses it. */
const sshLogin = {
  /** Host to reach over SSH. `{node}` stands for the name of the node that made the archive. */
  host: z.string().min(1),
  port: z.int().min(1).max(65_535).default(22),
  username: z.string().min(1),
  /** Private key as text: OpenSSH, PKCS#8, PKCS#1, SEC1 or PuTTY. Either this or `password`. */
  privateKey: z
    .string()
    .refine((text) => /-----BEGIN|^PuTTY-User-Key-File/.test(text), {
      error: 'holds no private key, whose text begins with -----BEGIN; the file that ends in .pub is the public one',
    })
    .optional(),
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
}

function oneSecret(route: { privateKey?: string | undefined; password?: string | undefined }): boolean {
  return (route.privateKey === undefined) !== (route.password === undefined)
}
const secretComplaint = { error: 'give either privateKey or password' }

/** SFTP, read-only: works with `internal-sftp -R` and a chroot. */
export const sftpRouteSchema = z
  .strictObject({ type: z.literal('sftp'), ...sshLogin })
  .refine(oneSecret, secretComplaint)
export type SftpRoute = z.infer<typeof sftpRouteSchema>

/**
 * The node reads and sends the parts itself, to URLs that are each good for one part with known checksums. Guestlift
 * talks to it over SSH; no archive byte passes a function, and no key of the bucket is on the node.
 */
export const pushRouteSchema = z
  .strictObject({ type: z.literal('push'), ...sshLogin })
  .refine(oneSecret, secretComplaint)
export type PushRoute = z.infer<typeof pushRouteSchema>

/** What a route needs to open an SSH connection. */
export type SshLogin = Omit<SftpRoute, 'type'>

const urlPlaceholders = ['node', 'storage', 'volume', 'file', 'path'] as const

/** A file server at the site that knows Range (RFC 9110): a web server on the node, or the NAS that holds the storage. */
export const httpsRouteSchema = z.strictObject({
  type: z.literal('https'),
  /**
   * Where an archive is: `https://{node}.example.com/{storage}/dump/{file}`. `{node}`, `{storage}`, `{volume}` (what the
   * platform calls it within the storage), `{file}` (its name alone) and `{path}` (its path on the node) are filled in.
   */
  url: z
    .string()
    .startsWith('https://', 'the URL starts with https://')
    .refine(
      (url) => [...url.matchAll(/\{([^}]*)\}/g)].every(([, name]) => urlPlaceholders.some((known) => known === name)),
      { error: `a URL may hold ${urlPlaceholders.map((name) => `{${name}}`).join(', ')}` },
    )
    .refine((url) => /\{(volume|file|path)\}/.test(url), {
      error: 'the URL has to name the archive: {file}, {volume} or {path}',
    })
    .refine((url) => URL.canParse(url.replaceAll(/[{}]/g, '')), { error: 'not a URL' }),
  tls: tlsSchema.default({ mode: 'system' }),
  /** Left out where the server asks for nothing (then it should listen for known addresses only). */
  auth: z
    .discriminatedUnion('type', [
      z.strictObject({ type: z.literal('basic'), username: z.string().regex(/^[^:]+$/), password: z.string() }),
      z.strictObject({ type: z.literal('bearer'), token: z.string().regex(/^[\x21-\x7E]+$/) }),
    ])
    .optional(),
})
export type HttpsRoute = z.infer<typeof httpsRouteSchema>

export const routeSchema = z.discriminatedUnion('type', [sftpRouteSchema, httpsRouteSchema, pushRouteSchema])
export type Route = z.infer<typeof routeSchema>

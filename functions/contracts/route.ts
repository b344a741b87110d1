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

/** How an account logs in over SSH: the same for every route and delivery that uses it. */
const sshLogin = {
  host: z.string().min(1).describe('The SSH server. `{node}` stands for the name of the node.'),
  port: z.int().min(1).max(65_535).default(22).describe('Port of the SSH server.'),
  username: z.string().min(1).describe('The account.'),
  privateKey: z
    .string()
    .refine((text) => /-----BEGIN|^PuTTY-User-Key-File/.test(text), {
      error: 'holds no private key, whose text begins with -----BEGIN; the file that ends in .pub is the public one',
    })
    .optional()
    .describe('Private key as text: OpenSSH, PKCS#8, PKCS#1, SEC1 or PuTTY. Either this or `password`.'),
  passphrase: z.string().optional().describe('Passphrase of the private key, if it has one.'),
  password: z.string().min(1).optional().describe('Password of the account. Either this or `privateKey`.'),
  hostKeys: z
    .array(hostKeySchema)
    .default([])
    .describe(
      'Accepted host keys, each as `SHA256:…` or the whole line of `ssh-keygen -lf`. Without one the site is refused, and the error shows the key that the server has.',
    ),
  pathPrefix: z
    .strictObject({
      from: z.string().describe("Front of the archive's path on the node, as `/var/lib/vz`."),
      to: z.string().describe('What the account sees in its place; empty for a chroot to `from`.'),
    })
    .optional()
    .describe("What is replaced at the front of an archive's path, for accounts in a chroot."),
}

function oneSecret(login: { privateKey?: string | undefined; password?: string | undefined }): boolean {
  return (login.privateKey === undefined) !== (login.password === undefined)
}
const secretComplaint = { error: 'give either privateKey or password' }

/** A way that is used over SSH: its type, and the account. */
export function overSsh<Type extends string>(type: Type, description: string) {
  return z.strictObject({ type: z.literal(type).describe(description), ...sshLogin }).refine(oneSecret, secretComplaint)
}

/** SFTP, read-only: works with `internal-sftp -R` and a chroot. */
export const sftpRouteSchema = overSsh('sftp', 'Files are read over SFTP.')
export type SftpRoute = z.infer<typeof sftpRouteSchema>

/**
 * The node reads and sends the parts itself, to URLs that are each good for one part with known checksums. Guestlift
 * talks to it over SSH; no archive byte passes a function, and no key of the bucket is on the node.
 */
export const pushRouteSchema = overSsh(
  'push',
  'The node itself sends the files to S3, which it is asked to do over SSH.',
)
export type PushRoute = z.infer<typeof pushRouteSchema>

/** What a route or a delivery needs to open an SSH connection. */
export type SshLogin = Omit<SftpRoute, 'type'>

const urlPlaceholders = ['node', 'storage', 'volume', 'file', 'path'] as const

/** A file server at the site that knows Range (RFC 9110): a web server on the node, or the NAS that holds the storage. */
export const httpsRouteSchema = z.strictObject({
  type: z.literal('https').describe('Files are read from a web server.'),
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
    .refine((url) => URL.canParse(url.replaceAll(/[{}]/g, '')), { error: 'not a URL' })
    .describe(
      'Where an archive is, as `https://{node}.example.com/{storage}/dump/{file}`. At least one of `{file}`, `{volume}` and `{path}` has to be in it.',
    ),
  tls: tlsSchema.default({ mode: 'system' }).describe('How the web server proves who it is.'),
  auth: z
    .discriminatedUnion('type', [
      z.strictObject({
        type: z.literal('basic').describe('User name and password, as HTTP Basic.'),
        username: z
          .string()
          .regex(/^[^:]+$/)
          .describe('The account, without a colon.'),
        password: z.string().describe('Its password.'),
      }),
      z.strictObject({
        type: z.literal('bearer').describe('A token in the header Authorization.'),
        token: z
          .string()
          .regex(/^[\x21-\x7E]+$/)
          .describe('The token: printable text without blanks.'),
      }),
    ])
    .optional()
    .describe('How we log in to the web server. Without it, the server should answer known addresses only.'),
})
export type HttpsRoute = z.infer<typeof httpsRouteSchema>

export const routeSchema = z.discriminatedUnion('type', [sftpRouteSchema, httpsRouteSchema, pushRouteSchema])
export type RouteConfig = z.infer<typeof routeSchema>

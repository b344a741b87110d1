/** What a person writes to describe a Proxmox VE site: a file for local runs, the secret's content when deployed. */
import * as z from 'zod'
import { siteLimitsSchema } from '../../contracts/limits.ts'
import { routeSchema } from '../../contracts/route.ts'
import { CLOCK_TOLERANCE_SECONDS, CLOCK_WARNING_SECONDS } from '../../domain/time/clock-offset.ts'
import { siteNameSchema } from '../../contracts/nouns.ts'
import { tlsSchema } from '../../contracts/tls.ts'
import { parseTotpSecret } from './totp.ts'

/** Printable ASCII without blanks: the value travels in a header. */
const headerSafe = /^[\x21-\x7E]+$/
const realmPattern = /^[A-Za-z][A-Za-z0-9._-]+$/

const endpointSchema = z.string().transform((text, context) => {
  const complain = (message: string) => {
    context.addIssue({ code: 'custom', message, input: text })
    return z.NEVER
  }
  if (!URL.canParse(text)) return complain('an endpoint is a URL, as https://pve1.example.com:8006')
  const url = new URL(text)
  if (url.protocol !== 'https:') return complain('an endpoint starts with https:// (Proxmox VE speaks nothing else)')
  if (url.username !== '' || url.password !== '') return complain('credentials belong in auth, not in the endpoint')
  if (url.pathname !== '/' || url.search !== '' || url.hash !== '') {
    return complain('an endpoint is scheme, host and port only, as https://pve1.example.com:8006')
  }
  return url.origin
})

/** An API token: recommended for runs that nobody watches (no second factor, no expiry by the clock, own privileges). */
const tokenFields = {
  /** `user@realm!name`, as the token's creation showed it. */
  tokenId: z
    .string()
    .regex(
      /^[^\s:/!]+@[A-Za-z][A-Za-z0-9._-]+![A-Za-z][A-Za-z0-9._-]+$/,
      'a token id is user@realm!name, as backup@pve!guestlift',
    )
    .max(128),
  /** The value that was shown once, when the token was made. */
  secret: z.string().regex(headerSafe, 'the secret is printable text without blanks'),
}

const passwordFields = {
  /** User name, with or without `@realm`. */
  username: z
    .string()
    .regex(/^[^\s:/!]+$/, 'a user name has no blanks, colons or slashes')
    .max(64),
  /**
   * Where the user is kept: `pam` (the node's own accounts), `pve`, or the name of a directory. Without one, the part of
   * `username` after its last `@` counts, and then `pam`, which is what Proxmox's own login form starts with.
   */
  realm: z.string().regex(realmPattern, 'a realm is a name like pam or pve').optional(),
  password: z.string().min(1),
  /**
   * Where the account has a second factor of type TOTP: the secret that was shown when it was added, as base32 text or as
   * the whole `otpauth://` address behind the QR code. A token needs none and is the better choice for unattended runs.
   */
  totpSecret: z
    .string()
    .refine((text) => parseTotpSecret(text) !== undefined, {
      error: 'totpSecret is base32 text of 16 or more letters, or an otpauth://totp/ address',
    })
    .optional(),
}

export type ProxmoxAuth =
  | { tokenId: string; secret: string }
  | { username: string; realm: string; password: string; totpSecret?: string }

/**
 * Either a token or a password. A union would answer a typing mistake with "invalid input", so it is one object whose
 * fields are checked together. Parsing the result again yields the same: `username` comes out without its realm.
 */
const authSchema = z
  .strictObject({
    tokenId: tokenFields.tokenId.optional(),
    secret: tokenFields.secret.optional(),
    username: passwordFields.username.optional(),
    realm: passwordFields.realm,
    password: passwordFields.password.optional(),
    totpSecret: passwordFields.totpSecret,
  })
  .transform(({ tokenId, secret, username, realm, password, totpSecret }, context): ProxmoxAuth => {
    const complain = (message: string) => {
      // No input: zod would keep it in the issue, and it holds the secret.
      context.addIssue({ code: 'custom', message })
      return z.NEVER
    }
    const withPassword = username !== undefined || realm !== undefined || password !== undefined
    if (tokenId !== undefined || secret !== undefined) {
      if (totpSecret !== undefined) return complain('a token needs no second factor: leave totpSecret out')
      if (withPassword) return complain('give either tokenId and secret, or username and password')
      if (tokenId === undefined || secret === undefined) return complain('a token needs both tokenId and secret')
      return { tokenId, secret }
    }
    if (username === undefined || password === undefined) {
      return complain('give either tokenId and secret, or username and password')
    }
    const factor = totpSecret === undefined ? {} : { totpSecret }
    if (realm === undefined) return { ...splitUser(username), password, ...factor }
    if (username.endsWith(`@${realm}`)) return complain(`name the realm once: username without @${realm}, or no realm`)
    return { username, realm, password, ...factor }
  })

function splitUser(username: string): { username: string; realm: string } {
  const at = username.lastIndexOf('@')
  return at < 1 ? { username, realm: 'pam' } : { username: username.slice(0, at), realm: username.slice(at + 1) }
}

/** One Proxmox VE node or cluster. Nothing else is needed to reach it. */
export const proxmoxSiteSchema = z.strictObject({
  provider: z.literal('proxmox'),
  /** What the site is called in jobs and keys. Where it is told elsewhere too, both have to agree. */
  name: siteNameSchema.optional(),
  /** URLs of the API, each as `https://host:8006`. Several nodes of one cluster: when one can't be reached, the next is asked. */
  endpoints: z.array(endpointSchema).min(1, 'name at least one endpoint'),
  /** How the endpoints prove who they are. Proxmox signs its certificates itself unless told otherwise: `ca` or `fingerprint`. */
  tls: tlsSchema.default({ mode: 'system' }),
  /** Who we are: an API token (recommended) or a password. */
  auth: authSchema,
  /** How the archives' bytes leave: the API of no version lets them be downloaded. */
  route: routeSchema,
  /** What transfers may take of the site's line and of each node. */
  limits: siteLimitsSchema.prefault({}),
  /**
   * How far the nodes' clocks may be off, in seconds; beyond it a guest isn't backed up. The offset is measured and kept
   * with each archive either way.
   */
  clockToleranceSeconds: z.int().min(CLOCK_WARNING_SECONDS).default(CLOCK_TOLERANCE_SECONDS),
})
export type ProxmoxSite = z.infer<typeof proxmoxSiteSchema>

/** The account as Proxmox writes it: `user@realm` or `user@realm!token`. It owns the tasks we start. */
export function accountOf(auth: ProxmoxAuth): string {
  return 'tokenId' in auth ? auth.tokenId : `${auth.username}@${auth.realm}`
}

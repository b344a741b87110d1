/** What a person writes to describe a Proxmox VE site: a file for local runs, the secret's content when deployed. */
import * as z from 'zod'
import { drillCommandNameSchema } from '../../contracts/drill.ts'
import { deliverySchema } from '../../contracts/delivery.ts'
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
  tokenId: z
    .string()
    .regex(
      /^[^\s:/!]+@[A-Za-z][A-Za-z0-9._-]+![A-Za-z][A-Za-z0-9._-]+$/,
      'a token id is user@realm!name, as backup@pve!guestlift',
    )
    .max(128)
    .describe('`user@realm!name`, as the creation of the token showed it.'),
  secret: z
    .string()
    .regex(headerSafe, 'the secret is printable text without blanks')
    .describe("The token's value, which was shown once."),
}

const passwordFields = {
  username: z
    .string()
    .regex(/^[^\s:/!]+$/, 'a user name has no blanks, colons or slashes')
    .max(64)
    .describe('User name, with or without `@realm`.'),
  // `pam` without a realm: what Proxmox's own login form starts with.
  realm: z
    .string()
    .regex(realmPattern, 'a realm is a name like pam or pve')
    .optional()
    .describe('`pam`, `pve`, or the name of a directory. Without it the `@realm` of `username` counts, else `pam`.'),
  password: z.string().min(1).describe("The account's password."),
  totpSecret: z
    .string()
    .refine((text) => parseTotpSecret(text) !== undefined, {
      error: 'totpSecret is base32 text of 16 or more letters, or an otpauth://totp/ address',
    })
    .optional()
    .describe(
      'Only for a second factor of type TOTP: its secret as base32 text, or the whole `otpauth://totp/…` address.',
    ),
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
  provider: z.literal('proxmox').describe('The platform: Proxmox VE.'),
  name: siteNameSchema
    .optional()
    .describe('What jobs and keys call the site. Where an option or the job names it too, they have to agree.'),
  endpoints: z
    .array(endpointSchema)
    .min(1, 'name at least one endpoint')
    .describe(
      'API of one or several nodes of one cluster, each as `https://host:8006`. When one cannot be reached, the next one is asked.',
    ),
  tls: tlsSchema
    .default({ mode: 'system' })
    .describe(
      'How the endpoints prove who they are. Proxmox VE signs its own certificates: use `ca` or `fingerprint`.',
    ),
  auth: authSchema.describe('Who we are: an API token (recommended) or a password.'),
  // The API of no version lets backups be downloaded.
  route: routeSchema.describe("How the archives' bytes leave the site."),
  limits: siteLimitsSchema.prefault({}).describe('Bandwidth and connections of this site, over all runs together.'),
  // An account that makes guests may overwrite them, too: no function that backs up gets to see it.
  restore: z
    .strictObject({
      auth: authSchema.describe('Who makes the guests: an API token (recommended) or a password.'),
      delivery: deliverySchema.describe("How an archive's file comes to the node that restores it."),
      drillCommands: z
        .record(drillCommandNameSchema, z.array(z.string().min(1)).min(1).max(50))
        .default({})
        .describe(
          'What drills may run in virtual machines, by name: a program and its arguments. Nothing else runs there.',
        ),
    })
    .optional()
    .describe('The account that brings guests back. Only the functions that restore read it.'),
  clockToleranceSeconds: z
    .int()
    .min(CLOCK_WARNING_SECONDS)
    .default(CLOCK_TOLERANCE_SECONDS)
    .describe("How far a node's clock may be off, in seconds. Beyond it, the node's guests fail."),
})
export type ProxmoxSite = z.infer<typeof proxmoxSiteSchema>

/** The account as Proxmox writes it: `user@realm` or `user@realm!token`. It owns the tasks we start. */
export function accountOf(auth: ProxmoxAuth): string {
  return 'tokenId' in auth ? auth.tokenId : `${auth.username}@${auth.realm}`
}

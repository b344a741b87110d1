/** Who is calling: tickets with their CSRF token, API tokens, logins, a second factor (facts: pve-access-control 9.1). */
import { createHmac, createPrivateKey, createPublicKey, sign, timingSafeEqual, verify } from 'node:crypto'
import { ApiError } from './api-error.ts'
import { type AuthId, capabilities, may, require, userOf } from './permissions.ts'
import { type LabUser, unixSeconds, type World } from './world.ts'

const TICKET_SECONDS = 7_200
/** Clocks of cluster members may differ by this much. */
const CLOCK_GRACE_SECONDS = 300

export interface Caller {
  who: AuthId
  viaToken: boolean
}

const unauthorized = (text: string): ApiError => new ApiError(401, text)
const REJECTED = 'Authentication failed!'

function hexTime(seconds: number): string {
  return seconds.toString(16).toUpperCase().padStart(8, '0')
}

function signed(world: World, subject: string): string {
  const plain = `PVE:${subject}:${hexTime(unixSeconds(world))}`
  return `${plain}::${sign('sha256', Buffer.from(plain), createPrivateKey(world.site.ticketKey)).toString('base64')}`
}

/** The signed text between `PVE:` and the time, or `undefined` for anything forged, changed or out of date. */
function subjectOf(world: World, ticket: string): string | undefined {
  const match = /^(PVE:(\S+):([0-9A-F]{8}))::([A-Za-z0-9+/]+={0,2})$/.exec(ticket)
  if (match === null) return undefined
  const [, plain = '', subject = '', time = '', signature = ''] = match
  const age = unixSeconds(world) - Number.parseInt(time, 16)
  if (age > TICKET_SECONDS || age < -CLOCK_GRACE_SECONDS) return undefined
  if (Number.parseInt(time, 16) < world.site.ticketsValidFrom) return undefined
  const key = createPublicKey(world.site.ticketKey)
  return verify('sha256', Buffer.from(plain), key, Buffer.from(signature, 'base64')) ? subject : undefined
}

function csrfDigest(world: World, time: string, user: string): string {
  return createHmac('sha256', world.site.csrfKey).update(`${time}:${user}`).digest('base64').replace(/=+$/, '')
}

function csrfToken(world: World, user: string): string {
  const time = hexTime(unixSeconds(world))
  return `${time}:${csrfDigest(world, time, user)}`
}

function csrfValid(world: World, user: string, token: string | undefined): boolean {
  const match = /^([0-9A-F]{8}):(\S+)$/.exec(token ?? '')
  if (match === null) return false
  const [, time = '', digest = ''] = match
  const age = unixSeconds(world) - Number.parseInt(time, 16)
  if (age > TICKET_SECONDS || age < -CLOCK_GRACE_SECONDS) return false
  return same(digest, csrfDigest(world, time, user))
}

function same(one: string, other: string): boolean {
  const [a, b] = [Buffer.from(one), Buffer.from(other)]
  return a.length === b.length && timingSafeEqual(a, b)
}

function usable(world: World, userid: string): LabUser | undefined {
  const user = world.site.users.find((each) => each.userid === userid)
  const expired = user !== undefined && user.expire !== 0 && user.expire <= unixSeconds(world)
  return user === undefined || !user.enabled || expired ? undefined : user
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

/** `KEY=value` or `KEY value` in a header, up to a semicolon; the key's case matters. */
function headerValue(header: string | undefined, key: string): string | undefined {
  const match = new RegExp(`(?:^|\\s)${key}(?:=| )([^;]*)`).exec(header ?? '')
  return match === null ? undefined : decoded(match[1] ?? '')
}

/**
 * @throws ApiError 401 with the texts of 9.1.5 and later, which don't tell why a ticket or token was refused
 */
export function authenticate(world: World, headers: Map<string, string>, changes: boolean, isUpload: boolean): Caller {
  const authorization = headers.get('authorization')
  const ticket = headerValue(headers.get('cookie'), 'PVEAuthCookie') ?? headerValue(authorization, 'PVEAuthCookie')
  if (ticket !== undefined && ticket !== '') {
    const subject = subjectOf(world, ticket)
    if (subject?.startsWith('!tfa!') === true) throw unauthorized('No ticket')
    if (subject === undefined || usable(world, subject) === undefined) throw unauthorized(REJECTED)
    if (changes && !isUpload && !csrfValid(world, subject, headers.get('csrfpreventiontoken'))) {
      throw unauthorized('Permission denied - invalid csrf token')
    }
    return { who: subject, viaToken: false }
  }
  const token = headerValue(authorization, 'PVEAPIToken')
  if (token === undefined) throw unauthorized('No ticket')
  const match = /^([^\s:/]+@[A-Za-z][A-Za-z0-9.\-_]+)!([A-Za-z][A-Za-z0-9.\-_]+)=(\S+)$/.exec(token)
  const [, userid = '', id = '', secret = ''] = match ?? []
  const known = usable(world, userid)?.tokens.find((each) => each.id === id)
  const expired = known !== undefined && known.expire !== 0 && known.expire <= unixSeconds(world)
  if (known === undefined || expired || !same(known.secret, secret)) throw unauthorized(REJECTED)
  return { who: `${userid}!${id}`, viaToken: true }
}

/** RFC 6238, six digits, thirty seconds, one step of grace either way. */
export function totpCode(base32: string, seconds: number): string {
  const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'
  const binary = Array.from(base32.replace(/=+$/, ''))
    .map((letter) => letters.indexOf(letter).toString(2).padStart(5, '0'))
    .join('')
  const key = Buffer.from((binary.match(/.{8}/g) ?? []).map((byte) => Number.parseInt(byte, 2)))
  const counter = Buffer.alloc(8)
  counter.writeBigUInt64BE(BigInt(Math.floor(seconds / 30)))
  const digest = createHmac('sha1', key).update(counter).digest()
  const offset = (digest.at(-1) ?? 0) & 0x0f
  return String((digest.readUInt32BE(offset) & 0x7fffffff) % 1_000_000).padStart(6, '0')
}

/** The step of the last code that each user was let in with: the server takes none of that step or before again. */
const lastSteps = new WeakMap<LabUser, number>()

function totpValid(world: World, user: LabUser, answer: string): boolean {
  const secret = user.totpSecret
  const code = /^totp:(\d{6})$/.exec(answer)?.[1]
  if (secret === undefined || code === undefined) return false
  const shift = [-30, 0, 30].find((each) => same(code, totpCode(secret, unixSeconds(world) + each)))
  if (shift === undefined) return false
  const step = Math.floor((unixSeconds(world) + shift) / 30)
  if (step <= (lastSteps.get(user) ?? 0)) return false
  lastSteps.set(user, step)
  return true
}

/** A realm that takes no notice of case lets in anyone whose name is the same but for it, under the name that is on record. */
function knownName(world: World, typed: string): string {
  const realm = world.site.realms?.find((each) => typed.endsWith(`@${each.realm}`))
  if (realm?.caseSensitive !== false) return typed
  const same = world.site.users.filter((user) => user.userid.toLowerCase() === typed.toLowerCase())
  return same.length === 1 ? (same[0]?.userid ?? typed) : typed
}

const loginFailed = (): ApiError => unauthorized('authentication failure\n')

/**
 * POST /access/ticket. Every failure looks alike.
 * @throws ApiError 401
 */
export function logIn(world: World, parameters: Record<string, string>): Record<string, unknown> {
  const { username = '', password = '', realm } = parameters
  const userid = knownName(world, username.includes('@') ? username : `${username}@${realm ?? ''}`)
  const user = usable(world, userid)
  if (user === undefined) throw loginFailed()
  const challenge = parameters['tfa-challenge']
  if (challenge !== undefined) {
    const subject = subjectOf(world, challenge)
    if (subject?.startsWith('!tfa!') !== true || tfaUser(subject) !== userid) throw loginFailed()
    if (!totpValid(world, user, password)) throw loginFailed()
  } else if (password.startsWith('PVE:')) {
    const subject = subjectOf(world, password)
    if (subject !== userid && subject !== 'root@pam') throw loginFailed()
  } else {
    if (!same(user.password, password)) throw loginFailed()
    const otp = parameters['otp']
    if (user.totpSecret !== undefined && !(otp !== undefined && totpValid(world, user, otp)))
      return pending(world, userid)
  }
  const { path, privs } = parameters
  if (path !== undefined && privs !== undefined) {
    try {
      for (const privilege of privs.split(/[,;\s]+/)) require(world.site, userid, path, privilege)
    } catch {
      throw loginFailed()
    }
    return { username: userid }
  }
  return {
    ticket: signed(world, userid),
    username: userid,
    CSRFPreventionToken: csrfToken(world, userid),
    cap: capabilities(world.site, userid),
    ...clusterName(world, userid),
  }
}

/** Only of a cluster, and only for those who may look at it. */
function clusterName(world: World, userid: string): { clustername?: string } {
  const members = world.site.nodes.filter((node) => node.member)
  return members.length > 1 && may(world.site, userid, '/', 'Sys.Audit') ? { clustername: world.cluster().name } : {}
}

/** A ticket that is good for nothing but answering the second factor. The user travels in it, hidden as the recovery state is. */
function pending(world: World, userid: string): Record<string, unknown> {
  const state = encodeURIComponent(JSON.stringify({ totp: true, user: userid }))
  return {
    ticket: signed(world, `!tfa!${state}`),
    username: userid,
    CSRFPreventionToken: csrfToken(world, userid),
    NeedTFA: 1,
  }
}

function tfaUser(subject: string): string | undefined {
  try {
    const state: unknown = JSON.parse(decodeURIComponent(subject.slice('!tfa!'.length)))
    return typeof state === 'object' && state !== null && 'user' in state && typeof state.user === 'string'
      ? state.user
      : undefined
  } catch {
    return undefined
  }
}

/** A user's own tasks are also those its tokens started; a token's are only its own. */
export function ownsTask(who: AuthId, taskUser: string): boolean {
  return who === taskUser || who === userOf(taskUser)
}

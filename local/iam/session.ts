/**
 * Credentials of a role, as a session gets them on AWS: a key pair and a token. The token carries the role's policies,
 * sealed with the administrator's secret key. Anyone who checks requests needs nothing but that secret: no register of roles
 * that a restart would lose.
 */
import { createHash, createHmac, timingSafeEqual } from 'node:crypto'
import { deflateRawSync, inflateRawSync } from 'node:zlib'
import type { Context } from './conditions.ts'
import type { Principal } from './evaluate.ts'
import type { Statement } from './policy.ts'

/** A role of the synthesised app, and what its policies and those of the bucket say. */
export interface Role {
  /** What runs as this role: a function's stem, a workflow's key, a build's name. */
  readonly name: string
  /** The role's own ARN. */
  readonly arn: string
  readonly identity: readonly Statement[]
  /** Policies of the resources that it meets. */
  readonly resource: readonly Statement[]
  /** What each of its requests brings for conditions. */
  readonly context?: Context
}

export interface SessionCredentials {
  accessKeyId: string
  secretAccessKey: string
  sessionToken: string
}

/** The role as a policy or an error calls it while it is at work. An ARN that is no role's stands for itself. */
export function principalOf({ arn, name }: Role): Principal {
  const account = arn.split(':')[4] ?? ''
  const session = arn.replace(/:iam:(.*):role\//, `:sts:$1:assumed-role/`)
  const atWork = session === arn ? arn : `${session}/${name}`
  return { arn: atWork, kind: 'AWS', names: [arn, atWork], account: [account, `arn:aws:iam::${account}:root`] }
}

/** @param secretAccessKey the administrator's */
export function openSession(role: Role, secretAccessKey: string): SessionCredentials {
  const content = deflateRawSync(JSON.stringify(role)).toString('base64url')
  const sessionToken = `${content}.${seal(content, secretAccessKey)}`
  return { ...keysOf(sessionToken, secretAccessKey), sessionToken }
}

/**
 * The role behind a token, and its key pair.
 * @returns `undefined` for a token that this administrator's key did not seal
 */
export function readSession(
  sessionToken: string,
  secretAccessKey: string,
): { role: Role; accessKeyId: string; secretAccessKey: string } | undefined {
  const [content = '', given = '', ...rest] = sessionToken.split('.')
  const wanted = Buffer.from(seal(content, secretAccessKey))
  const found = Buffer.from(given)
  if (rest.length > 0 || wanted.length !== found.length || !timingSafeEqual(wanted, found)) return undefined
  const role = JSON.parse(inflateRawSync(Buffer.from(content, 'base64url')).toString()) as Role
  return { role, ...keysOf(sessionToken, secretAccessKey) }
}

function seal(content: string, secretAccessKey: string): string {
  return createHmac('sha256', secretAccessKey).update(`role ${content}`).digest('base64url')
}

function keysOf(token: string, secretAccessKey: string): { accessKeyId: string; secretAccessKey: string } {
  // Keys of sessions begin like this on AWS.
  const accessKeyId = `ASIA${createHash('sha256').update(token).digest('hex').slice(0, 16).toUpperCase()}`
  return { accessKeyId, secretAccessKey: createHmac('sha256', secretAccessKey).update(`key ${token}`).digest('base64') }
}

/** What runs as which role on this machine: guards for what is asked of it here, sessions for the embedded S3. */
import { GetBucketVersioningCommand, type S3Client } from '@aws-sdk/client-s3'
import { type Guard, guardOf, type OnJudgement } from '../iam/guard.ts'
import { openSession, type Role, type SessionCredentials } from '../iam/session.ts'
import { SERVER_NAME } from '../s3/respond.ts'
import type { SynthesisedFunction } from './synthesised.ts'
import type { SynthesisedRoles } from './synthesised-roles.ts'
import { ownRole, type Places } from './own-roles.ts'

export interface RoleSession {
  guard: Guard
  /** Absent where S3 is somebody else's: it knows no roles of ours, and the person's own key is used. */
  credentials: SessionCredentials | undefined
}

/** A session of each role, made when it is first asked for. */
export type SessionOf = (role: Role) => RoleSession

interface Settings {
  own: Places
  /** Their names. */
  sites: readonly string[]
  onJudgement: OnJudgement | undefined
}

/** @param s3 the person's own client, whose key is the administrator's where S3 is embedded */
export async function openSessions(
  s3: S3Client,
  s3Url: string | undefined,
  functions: Readonly<Record<string, SynthesisedFunction>>,
  { own, sites, onJudgement }: Settings,
): Promise<SessionOf> {
  const secret = (await isEmbedded(s3Url)) ? (await s3.config.credentials()).secretAccessKey : undefined
  const deployed = deployedPlaces(functions, own.bucket)
  const keepsVersions = secret === undefined || (await keepsVersionsNow(s3, own.bucket))
  const sessions = new Map<Role, RoleSession>()
  return (role) => {
    const known = sessions.get(role)
    if (known !== undefined) return known
    const placed = ownRole(role, deployed, { ...own, keepsVersions }, sites)
    const session = {
      guard: guardOf(placed, onJudgement),
      credentials: secret === undefined ? undefined : openSession(placed, secret),
    }
    sessions.set(role, session)
    return session
  }
}

/** Asked without a signature: only this project's own S3 says that it is. */
async function isEmbedded(s3Url: string | undefined): Promise<boolean> {
  if (s3Url === undefined) return false
  try {
    const { headers } = await fetch(s3Url, { method: 'HEAD' })
    return headers.get('server') === SERVER_NAME
  } catch {
    // Nobody answers there; the run's first request says so better.
    return false
  }
}

/** A bucket that isn't there keeps nothing; the run says so better. */
async function keepsVersionsNow(s3: S3Client, bucket: string): Promise<boolean> {
  try {
    return (await s3.send(new GetBucketVersioningCommand({ Bucket: bucket }))).Status !== undefined
  } catch {
    return true
  }
}

/** What the deployment says to its functions says where its places are. */
function deployedPlaces(functions: Readonly<Record<string, SynthesisedFunction>>, bucket: string): Places {
  const said = (name: string): string =>
    Object.values(functions).find(({ environment }) => environment[name] !== undefined)?.environment[name] ?? ''
  return { bucket, keyPrefix: said('KEY_PREFIX'), secretPrefix: said('SITE_SECRET_PREFIX') }
}

/** The role of a part of the app. @throws Error where the template gives it none */
export function roleOf(roles: SynthesisedRoles, kind: keyof SynthesisedRoles, name: string): Role {
  const byName: Readonly<Record<string, Role>> = roles[kind]
  const role = byName[name]
  if (role === undefined)
    throw new Error(`The synthesised app has no role for ${name}; synthesise it anew: npm run synth`)
  return role
}

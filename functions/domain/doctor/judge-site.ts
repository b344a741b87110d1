/** Which check an error of a site speaks against, and what a storage's room means. Pure. */
import { formatBytes } from '../words/byte-size.ts'
import { type CheckName, type Finding, failed, passed, unchecked } from './finding.ts'

/** What ends a login is told by the error's name; anything else is no word of a login. */
const OF_LOGIN: Readonly<Record<string, CheckName>> = {
  CredentialsRejected: 'login',
  SecondFactorRequired: 'login',
  PrivilegeMissing: 'privileges',
  TlsIdentityMismatch: 'identity',
  InvalidJob: 'privileges',
  ClusterChanged: 'cluster',
}

/** The checks that come after a login, in the order in which they are made. */
export const AFTER_LOGIN = ['privileges', 'cluster', 'guests', 'node', 'storage', 'route'] as const

/** A login that failed, and what could not be checked for it. */
export function refusedLogin(error: Error): Finding[] {
  return [failed(OF_LOGIN[error.name] ?? 'api', error), ...withoutLogin(error.name in OF_LOGIN ? [] : ['login'])]
}

export function withoutLogin(further: readonly CheckName[] = ['login']): Finding[] {
  return [...further, ...AFTER_LOGIN].map((check) => unchecked(check, 'Nobody could log in.'))
}

/** No guest is backed up into less: the log and the configuration alone take some. */
const FULL_BYTES = 256 * 1024 * 1024

interface Room {
  storage: string
  freeBytes: number
  totalBytes: number
}

/** A storage that takes backups, by the room that it has. */
export function storageFinding({ storage, freeBytes, totalBytes }: Room, at: string): Finding {
  const room = `${storage} has ${formatBytes(freeBytes)} free of ${formatBytes(totalBytes)}`
  if (freeBytes >= FULL_BYTES) return passed('storage', room, at)
  const message = `Storage ${room}, too little for a backup. Make room on it, or name another storage in the job.`
  return failed('storage', { name: 'StorageUnusable', message }, at)
}

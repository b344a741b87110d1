/** What the doctor finds: one finding for each check, and for each place where a check is made. Pure. */

/** All checks by their names, in the order in which they are shown, with their titles. */
export const CHECKS = {
  secret: "the site's secret",
  stacks: 'stacks of the deployment',
  schedules: 'schedules',
  alarms: "the alarms' path",
  reach: 'endpoint answers',
  identity: 'TLS identity',
  api: "the platform's API",
  clock: 'clock',
  login: 'login',
  privileges: 'privileges',
  cluster: 'cluster',
  configuration: "the site's set-up",
  guests: 'guests',
  node: 'node',
  storage: 'storage',
  route: 'route',
  restore: 'account for restores',
  'restore-storage': 'storage for restores',
  'restore-privileges': 'privileges for restores',
  store: 'store answers as S3',
  keys: 'credentials',
  bucket: 'bucket',
  region: 'region',
  upload: 'multipart upload',
  lists: 'lists',
  checksum: 'full-object CRC-32',
  conditions: 'conditional writes',
  reading: 'reading',
  removal: 'removal',
  versioning: 'versions',
  lock: 'Object Lock',
  rules: 'lifecycle rules',
  ownership: 'owner of objects',
  policy: "the bucket's policy",
} as const
export type CheckName = keyof typeof CHECKS

/** `unchecked`: an earlier check failed, or what it needs wasn't given. */
export type FindingVerdict = 'passed' | 'warning' | 'failed' | 'unchecked'

export interface Finding {
  check: CheckName
  /** The endpoint, node or storage, where there may be several. */
  at?: string
  verdict: FindingVerdict
  /** What was seen; where something is wrong, also what to do about it. */
  message: string
  /** Name of the error that a run would fail with. */
  error?: string
}

/** The checks that failed, in the order of the table. */
export function failedOf(findings: readonly Finding[]): Finding[] {
  const order = Object.keys(CHECKS)
  return findings
    .filter(({ verdict }) => verdict === 'failed')
    .toSorted((one, other) => order.indexOf(one.check) - order.indexOf(other.check))
}

export function passed(check: CheckName, message: string, at?: string): Finding {
  return { check, ...(at === undefined ? {} : { at }), verdict: 'passed', message }
}

export function warning(check: CheckName, message: string, at?: string): Finding {
  return { check, ...(at === undefined ? {} : { at }), verdict: 'warning', message }
}

export function failed(check: CheckName, error: { name: string; message: string }, at?: string): Finding {
  const { name, message } = error
  return { check, ...(at === undefined ? {} : { at }), verdict: 'failed', message, error: name }
}

export function unchecked(check: CheckName, because: string): Finding {
  return { check, verdict: 'unchecked', message: because }
}

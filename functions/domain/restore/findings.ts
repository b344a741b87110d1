import type { RestoreFinding } from '../../contracts/restore.ts'

/** What the restore would fail by, or would harm. */
export function refusals(findings: readonly RestoreFinding[]): RestoreFinding[] {
  return findings.filter(({ level }) => level === 'refusal')
}

/** Findings on the guest that has the id: they may have come up since the target was checked. */
const ON_THE_ID: ReadonlySet<RestoreFinding['name']> = new Set<RestoreFinding['name']>([
  'id-in-use',
  'guest-hidden',
  'guest-of-other-kind',
  'guest-elsewhere',
  'guest-running',
  'guest-protected',
  'guest-locked',
  'cluster-changed',
  'node-unknown',
  'node-offline',
])

/** Refusals that still count once the file was delivered: space for it is taken by it. */
export function refusalsOfTheId(findings: readonly RestoreFinding[]): RestoreFinding[] {
  return refusals(findings).filter(({ name }) => ON_THE_ID.has(name))
}

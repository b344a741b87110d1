/** What a drill has to show, from the record of its restore. Pure. */
import type { DrillCheck } from '../../contracts/drill.ts'
import type { RestoreRecord } from '../../contracts/restore-record.ts'
import { counted } from '../words/counted.ts'

/**
 * All that was looked for. What a drill never came to is a check that failed: absence proves nothing.
 * @param failure what the restore failed with, a sentence; `null` when it came to its end
 */
export function drillChecks({ steps, comparison, probes }: RestoreRecord, failure: string | null): DrillCheck[] {
  const made = steps.createdAt !== undefined
  const restored: DrillCheck = {
    name: 'restored',
    passed: made,
    seen: made ? 'The platform made the guest from the archive.' : (failure ?? 'The platform did not make the guest.'),
  }
  if (!made) return [restored]
  const missing: DrillCheck = {
    name: 'started',
    passed: false,
    seen: failure ?? 'The guest was not started.',
  }
  const seen = probes ?? [missing]
  const late = failure !== null && probes !== undefined ? [{ ...missing, name: 'still-running' as const }] : []
  return [restored, likeArchive(comparison), ...seen, ...late]
}

function likeArchive(comparison: RestoreRecord['comparison']): DrillCheck {
  const check = (passed: boolean, seen: string): DrillCheck => ({ name: 'as-archived', passed, seen })
  if (comparison === undefined) return check(false, 'The guest was not compared with its archive.')
  const [first] = comparison.differences
  if (first === undefined) return check(true, 'Its configuration and disks are as they were archived.')
  return check(
    false,
    `It has ${counted(comparison.differences.length, 'difference')} from its archive. ${first.key}: ${first.why}`,
  )
}

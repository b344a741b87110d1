/** How consistent what was frozen is, and what it doesn't hold. Pure. */
import type { Gap, Grade } from '../../contracts/grade.ts'
import type { MachineDisk } from './disks.ts'
import type { Freeze, WantedConsistency } from './options.ts'

export interface Reached {
  freeze: Freeze
  /** The guest wasn't running. */
  off: boolean
  wanted: WantedConsistency
  /** Of the restore point, as Azure has it: `ApplicationConsistent`, … */
  mode: string | undefined
  /** Why it is no better one, in Azure's words. */
  because: string | undefined
  /** So many were frozen. */
  disks: number
  skipped: readonly MachineDisk[]
  /** It has a virtual TPM, or another state beside its disks. */
  guestState: boolean
}

const AT_ONCE = 'All disks are of one instant, as after a pulled plug.'

export function gradeOf(reached: Reached): Grade {
  const { skipped, guestState } = reached
  const gaps: Gap[] = skipped.map(({ name, slot }) => ({
    name: 'disks',
    what: `the disk ${name} (${slot === 'os' ? 'os' : `LUN ${slot}`})`,
    chosen: true,
  }))
  if (guestState) {
    gaps.push({
      name: 'configuration',
      what: 'the guest state of trusted launch, as its virtual TPM',
      advice: 'Keep recovery keys of what is sealed by it, and let the job accept `configuration`.',
    })
  }
  return { ...consistencyOf(reached), gaps }
}

function consistencyOf({ freeze, off, wanted, mode, because, disks }: Reached): Omit<Grade, 'gaps'> {
  if (off) return { consistency: 'application', reason: "The guest wasn't running." }
  if (freeze === 'snapshots' && disks > 1) {
    return {
      reason: 'Each disk was frozen by itself, so they are of different instants.',
      expected: 'crash',
      advice: 'With `"freeze": "restore-point"` all disks are of one instant.',
    }
  }
  if (freeze === 'snapshots') return { consistency: 'crash', reason: AT_ONCE }
  if (mode === 'ApplicationConsistent') {
    return {
      consistency: 'application',
      reason: 'Azure says that applications were brought to a safe point (VSS, or scripts).',
    }
  }
  if (mode === 'FileSystemConsistent') {
    return { consistency: 'file-system', reason: 'Azure says that the file systems were made quiet.' }
  }
  if (mode !== 'CrashConsistent') return { reason: 'Azure does not say how consistent the restore point is.' }
  if (wanted === 'crash') return { consistency: 'crash', reason: AT_ONCE }
  const why = because === undefined ? '' : ` (${because.replace(/\.$/, '')})`
  return {
    consistency: 'crash',
    reason: `${AT_ONCE} An application-consistent restore point failed${why}.`,
    expected: 'application',
    advice: 'See that the VM agent and the snapshot extension run in the guest, or set `consistency` to `crash`.',
  }
}

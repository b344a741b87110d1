/** How consistent a snapshot is, and what it doesn't hold. Pure. */
import type { Gap, Grade } from '../../contracts/grade.ts'
import type { MachineDisk } from './machine.ts'
import type { Quiesce } from './options.ts'

export interface Reached {
  poweredOff: boolean
  quiesced: boolean
  wanted: Quiesce
  skipped: readonly MachineDisk[]
}

export function gradeOf({ poweredOff, quiesced, wanted, skipped }: Reached): Grade {
  const gaps: Gap[] = skipped.map(({ label, fileName }) => ({
    name: 'disks',
    what: `the disk ${label} (${fileName})`,
    chosen: true,
  }))
  if (poweredOff) return { consistency: 'application', reason: "The guest wasn't running.", gaps }
  if (quiesced) {
    return {
      consistency: 'file-system',
      reason: 'VMware Tools in the guest made its file systems quiet for the snapshot.',
      gaps,
    }
  }
  const reason = 'All disks are of one instant, as after a pulled plug.'
  if (wanted === 'never') return { consistency: 'crash', reason, gaps }
  return {
    consistency: 'crash',
    reason: `The guest was not made quiet. ${reason}`,
    expected: 'file-system',
    advice: 'See that VMware Tools run in the guest, or set `quiesce` to `never`.',
    gaps,
  }
}

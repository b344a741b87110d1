import type { Beds } from './beds.ts'
import type { Fault } from './fault.ts'
import { runBackupFault } from './run-backup-fault.ts'
import { runInstanceFault } from './run-instance-fault.ts'
import { runRestoreFault } from './run-restore-fault.ts'

/** What came of a fault. */
export interface Measured {
  ending: { outcome: string; verdict: string; reason: string }
  /** Parts that S3 took twice in one upload; of a restore, ranges that were brought again though they were proved. */
  partsTwice: number
  bytesTwice: number
  /** Requests with a part that S3 didn't take. */
  refused: number
  uploads: number
  /** Bytes of the archive that aren't in S3 as they lie on the node, or of the guest's disk that aren't as archived. */
  bytesLost: number
  cause: string
  /** What isn't as it has to be; empty when the fault ended as expected. */
  complaints: string[]
}

export interface Finding extends Measured {
  fault: Fault
  seconds: number
}

/** Try one fault on a bed of its kind. */
export function tryFault(fault: Fault, beds: Beds): Promise<Finding> {
  const timed = async (work: () => Promise<Measured>): Promise<Finding> => {
    const startedAt = performance.now()
    const measured = await work()
    return { fault, ...measured, seconds: (performance.now() - startedAt) / 1000 }
  }
  if (fault.scenario === 'instance') {
    return beds.instance.use('instance', (bed) => timed(() => runInstanceFault(fault, bed)))
  }
  return fault.scenario === 'backup'
    ? beds.backup.use(fault.bed ?? 'small', (bed) => timed(() => runBackupFault(fault, bed)))
    : beds.restore.use('restore', (bed) => timed(() => runRestoreFault(fault, bed)))
}

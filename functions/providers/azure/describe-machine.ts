import type { GuestDetails, GuestDisk } from '../guest-facts.ts'
import { chosenDisks, disksOf, hasGuestState, refusals, remarksOf, sizeBytesOf, type Wishes } from './disks.ts'
import { gradeOf } from './grade.ts'
import { firstKindOf } from './steps.ts'
import type { Disk, Machine } from './schemas.ts'

export interface PlannedWork {
  wishes: Wishes
  skipDisks: readonly string[]
  off: boolean
}

/** What is known of a machine beforehand. @param where for errors: site and guest */
export function describeMachine(
  where: string,
  machine: Machine,
  disks: ReadonlyMap<string, Disk>,
  planned: PlannedWork | undefined,
): GuestDetails {
  const all = disksOf(machine)
  const { meant, skipped } = chosenDisks(all, planned?.skipDisks ?? [], where)
  const against = planned === undefined ? [] : refusals(meant, disks, planned.wishes)
  return {
    description: '',
    disks: all.map((disk): GuestDisk => {
      const included = meant.includes(disk)
      const sizeBytes = sizeBytesOf(disk, disks.get(disk.slot))
      return {
        key: disk.slot === 'os' ? 'os' : `lun${disk.slot}`,
        volume: disk.name,
        ...(sizeBytes === undefined ? {} : { sizeBytes }),
        included,
        reason: included ? 'what Azure freezes holds it' : 'the job leaves it out',
      }
    }),
    ...(planned === undefined ? {} : { bestGrade: bestGrade(machine, planned, meant.length, skipped) }),
    replication: [],
    notes: [
      ...(against.length === 0 ? [] : [`It can't be archived: ${against.join(' ')}`]),
      ...remarksOf(machine, disks),
    ],
  }
}

function bestGrade(machine: Machine, { wishes, off }: PlannedWork, disks: number, skipped: ReturnType<typeof disksOf>) {
  const { freeze, consistency } = wishes
  const mode = firstKindOf({ consistency, off }) === 'crash' ? 'CrashConsistent' : 'ApplicationConsistent'
  const guestState = hasGuestState(machine)
  return gradeOf({ freeze, off, wanted: consistency, mode, because: undefined, disks, skipped, guestState })
}

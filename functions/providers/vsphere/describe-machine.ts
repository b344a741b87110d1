import { counted } from '../../domain/words/counted.ts'
import type { GuestDetails, GuestDisk } from '../guest-facts.ts'
import type { Detailed } from './backup.ts'
import { gradeOf } from './grade.ts'
import { layoutOf } from './layout.ts'
import type { Quiesce } from './options.ts'
import { chooseMode, isSkipped, refusals, type Wishes } from './refusals.ts'

/** What is known of a virtual machine beforehand. @param wishes absent where no backup is thought of */
export function describeMachine(
  details: Detailed,
  wishes: Wishes | undefined,
  { quiesce, toolsRun }: { quiesce: Quiesce; toolsRun: boolean },
): GuestDetails {
  const { machine, hardware, properties } = details
  const skipped = hardware.disks.filter((disk) => isSkipped(disk, wishes?.skipDisks ?? []))
  const thought = wishes ?? { skipDisks: [], mode: 'auto' as const, hasStaging: true }
  const against = refusals(details, thought)
  const chosen = chooseMode(details, layoutOf(properties.get('layoutEx')), thought)
  return {
    description: machine.annotation,
    disks: hardware.disks.map((disk): GuestDisk => {
      const included = !skipped.includes(disk)
      return {
        key: disk.label,
        volume: disk.fileName,
        ...(disk.capacityBytes === undefined ? {} : { sizeBytes: disk.capacityBytes }),
        included,
        reason: included ? 'our snapshot holds it' : 'the job leaves it out',
      }
    }),
    ...(wishes === undefined
      ? {}
      : {
          bestGrade: gradeOf({
            poweredOff: machine.powerState === 'poweredOff',
            quiesced: quiesce !== 'never' && toolsRun,
            wanted: quiesce,
            skipped,
          }),
        }),
    replication: [],
    notes: [
      ...against.map((sentence) => `It can't be archived now: ${sentence}`),
      ...('refusal' in chosen ? [chosen.refusal] : []),
      ...('mode' in chosen && chosen.mode === 'clone'
        ? ['Its files are read from a clone on the staging datastore.']
        : []),
      ...(machine.snapshots.length > 0
        ? [
            `It has ${counted(machine.snapshots.length, 'snapshot')} already, the oldest of ${machine.snapshots[0]?.createdAt?.slice(0, 10) ?? 'an unknown day'}: its files are archived as they are.`,
          ]
        : []),
      'Flat files hold the whole capacity of a disk, so all of it is read. Zeros cost next to nothing in the archive.',
    ],
  }
}

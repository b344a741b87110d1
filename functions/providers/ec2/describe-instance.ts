import type { GuestDetails, GuestDisk, PlannedBackup } from '../guest-facts.ts'
import { chosenVolumes } from './freeze.ts'
import { type AttachedVolume, hasNoDisks, remarksOf } from './instances.ts'
import type { Instance } from './schemas.ts'

const GIB = 2 ** 30

/** What is known of an instance beforehand. @param where for errors: site and guest */
export function describeInstance(
  where: string,
  instance: Instance,
  volumes: readonly AttachedVolume[],
  planned: PlannedBackup | undefined,
): GuestDetails {
  const options = planned?.options
  const meant =
    options === undefined
      ? new Set(volumes)
      : new Set(chosenVolumes(volumes, instance.rootDeviceName, options, where).meant)
  const why = hasNoDisks(instance)
  return {
    description: '',
    disks: volumes.map((volume): GuestDisk => {
      const included = meant.has(volume)
      return {
        key: volume.device,
        volume: volume.volumeId,
        sizeBytes: volume.size * GIB,
        included,
        reason: included ? 'a snapshot holds it' : 'the job leaves it out',
      }
    }),
    ...(options === undefined
      ? {}
      : {
          bestGrade: {
            consistency: 'crash' as const,
            reason: 'All its volumes are of one instant, as after a pulled plug.',
            gaps: volumes
              .filter((volume) => !meant.has(volume))
              .map(({ device, volumeId }) => ({
                name: 'disks' as const,
                what: `the volume ${device} (${volumeId})`,
                chosen: true,
              })),
          },
        }),
    replication: [],
    notes: [...(why === undefined ? [] : [`It can't be archived: ${why}.`]), ...remarksOf(instance)],
  }
}

/** What was made of restored disks against the archived instance, key by key. Pure. */
import type { ConfigurationChange, ConfigurationComparison } from '../../contracts/restore.ts'
import type { BroughtDisks } from '../capabilities/disk-restores.ts'
import { type ArchivedMachine, type ArchivedVolume, bootModeOf, isEncrypted } from './archived-machine.ts'
import type { Image, Volume } from './schemas.ts'

const GIB = 2 ** 30

interface DiskNow {
  sizeGib: number
  type: string
  encrypted: boolean
}

export function compareImage(
  machine: ArchivedMachine,
  brought: BroughtDisks,
  { architecture, rootDeviceName, bootMode, enaSupport, sriovNetSupport, tpmSupport, blockDeviceMapping }: Image,
): ConfigurationComparison {
  const { instance } = machine
  const machineKeys: [string, string, string][] =
    instance === undefined
      ? []
      : [
          ['architecture', instance.architecture, architecture],
          ['rootDeviceName', instance.rootDeviceName, rootDeviceName],
          ['bootMode', bootModeOf(instance), bootMode],
          ['enaSupport', instance.enaSupport || 'false', enaSupport || 'false'],
          ['sriovNetSupport', instance.sriovNetSupport, sriovNetSupport],
          ['tpmSupport', instance.tpmSupport, tpmSupport],
        ]
  const of = new Map(
    blockDeviceMapping.flatMap(({ ebs }) =>
      ebs === undefined
        ? []
        : [[ebs.snapshotId, { sizeGib: ebs.volumeSize, type: ebs.volumeType, encrypted: ebs.encrypted === 'true' }]],
    ),
  )
  return joined(machineKeys, brought, machine, ({ ref }) => of.get(ref))
}

export function compareVolumes(
  machine: ArchivedMachine | undefined,
  brought: BroughtDisks,
  volumes: readonly Volume[],
): ConfigurationComparison {
  const of = new Map(
    volumes.map(({ snapshotId, size, volumeType, encrypted }) => [
      snapshotId,
      { sizeGib: size, type: volumeType, encrypted: encrypted === 'true' },
    ]),
  )
  return joined([], brought, machine, ({ ref }) => of.get(ref))
}

function joined(
  keys: [string, string, string][],
  brought: BroughtDisks,
  machine: ArchivedMachine | undefined,
  nowOf: (disk: BroughtDisks['disks'][number]) => DiskNow | undefined,
): ConfigurationComparison {
  const differences: ConfigurationChange[] = keys
    .filter(([, archived, made]) => archived !== made)
    .map(([key, archived, made]) => ({
      key,
      archived,
      made,
      why: 'The image has another value than the instance had.',
    }))
  const expected: ConfigurationChange[] = []
  for (const disk of brought.disks) {
    const volume = machine?.volumes.get(disk.fileName)
    const key = volume?.device ?? disk.fileName
    const made = nowOf(disk)
    const size = brought.archive.disks.find(({ fileName }) => fileName === disk.fileName)?.sizeBytes ?? 0
    if (made === undefined) {
      differences.push({ key, archived: words(volume, size), why: 'Nothing was made of this disk.' })
      continue
    }
    const sameType = volume === undefined || volume.volumeType === '' || volume.volumeType === made.type
    if (made.sizeGib * GIB !== size || !sameType) {
      const now = `${made.sizeGib} GiB ${made.type}`
      differences.push({ key, archived: words(volume, size), made: now, why: 'The disk has another size or type.' })
    }
    if (volume !== undefined && isEncrypted(volume) && !made.encrypted) {
      differences.push({ key, archived: 'encrypted', made: 'not encrypted', why: 'The disk was encrypted.' })
    }
    if (volume !== undefined && !isEncrypted(volume) && made.encrypted) {
      const why = 'A key was asked for, or the account encrypts all new volumes.'
      expected.push({ key, archived: 'not encrypted', made: 'encrypted', why })
    }
  }
  return { differences, expected }
}

function words(volume: ArchivedVolume | undefined, sizeBytes: number): string {
  return `${Math.ceil(sizeBytes / GIB)} GiB${volume === undefined ? '' : ` ${volume.volumeType}`}`
}

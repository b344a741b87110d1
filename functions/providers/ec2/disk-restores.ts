/** Archived disks become snapshots, and an image or volumes of them. What each method promises stands in the capability. */
import { GuestNotFound } from '../../contracts/errors.ts'
import type { MadeOfDisks } from '../../contracts/restore-record.ts'
import type { BroughtDisks, DiskRemoval, DiskRestores } from '../capabilities/disk-restores.ts'
import { archivedMachine } from './archived-machine.ts'
import { compareImage, compareVolumes } from './compare-made.ts'
import { diskTarget, type RestoreAccount } from './disk-target.ts'
import { imageName, imageOf, imageOfToken, makeImage } from './make-image.ts'
import { makeVolumes, restoredVolumes } from './make-volumes.ts'
import { leftAfterRemoving } from './remove-each.ts'
import { removeRestored, snapshotIn, stateOfDisks } from './restored-disks.ts'

export function ec2DiskRestores(at: RestoreAccount): DiskRestores {
  const regionOfDisks = (disks: BroughtDisks['disks'] | Parameters<DiskRestores['removeMade']>[0]): string =>
    snapshotIn(disks[0])?.region ?? at.regions[0] ?? ''

  async function compare(brought: BroughtDisks, made: readonly MadeOfDisks[]) {
    const region = regionOfDisks(brought.disks)
    const machine = archivedMachine(brought.archive.description)
    if (brought.target.to === 'volume') {
      const refs = new Set(made.map(({ ref }) => ref))
      const volumes = await restoredVolumes(at, region, brought.token)
      return compareVolumes(
        machine,
        brought,
        volumes.filter(({ volumeId }) => refs.has(volumeId)),
      )
    }
    const image = await imageOf(at, region, imageName(brought))
    if (image !== undefined && machine !== undefined) return compareImage(machine, brought, image)
    throw new GuestNotFound(
      `Site ${at.site}, region ${region}: image ${made[0]?.ref ?? ''} is gone. Its snapshots may be there: register another of them.`,
    )
  }

  async function removeMade(...[disks, token, to]: Parameters<DiskRestores['removeMade']>): Promise<DiskRemoval> {
    const region = regionOfDisks(disks)
    if (to === 'image' && (await imageOfToken(at, region, token)) !== undefined) return { whole: true, left: [] }
    const volumes = to === 'volume' ? await restoredVolumes(at, region, token) : []
    if (volumes.length > 0 && volumes.length === disks.length) return { whole: true, left: [] }
    const ids = volumes.map(({ volumeId }) => volumeId)
    const left = await leftAfterRemoving(at.client, 'volume', region, ids)
    return { whole: false, left: [...left, ...(await removeRestored(at, region, disks, token))] }
  }

  return {
    checkTarget: (intended) => diskTarget(at, intended),
    stateOf: ({ disks, token }) => stateOfDisks(at, disks, token),
    make: (brought) => {
      const region = regionOfDisks(brought.disks)
      return brought.target.to === 'volume' ? makeVolumes(at, region, brought) : makeImage(at, region, brought)
    },
    compare,
    removeMade,
  }
}

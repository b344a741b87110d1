/** What a VM's disks hold, given and looked at behind the API's back. */
import { imageOf, storeImage } from './images.ts'
import { findGuest, type LabDisk, type LabGuest, type World } from './world.ts'

export interface DiskVerbs {
  /** From now on this is what a VM's disk holds, and how large it is. */
  storeDisk(vmid: number, key: string, content: Buffer): void
  /** The raw image of a disk that a restore or `storeDisk` wrote. @throws when what it holds follows from its seed */
  diskPath(vmid: number, key: string): string
}

export function createDiskVerbs(world: World): DiskVerbs {
  const diskOf = (vmid: number, key: string): { guest: LabGuest; disk: LabDisk } => {
    const guest = findGuest(world, vmid)
    const disk = guest?.disks.find((each) => each.key === key)
    if (guest === undefined || disk === undefined) throw new Error(`the lab has no disk ${key} of a guest ${vmid}`)
    return { guest, disk }
  }
  return {
    storeDisk(vmid, key, content) {
      const { guest, disk } = diskOf(vmid, key)
      storeImage(world, guest, disk, content)
    },
    diskPath(vmid, key) {
      const { guest, disk } = diskOf(vmid, key)
      const path = imageOf(world, guest, disk)
      if (path === undefined) throw new Error(`the lab has no file of the disk ${key} of guest ${vmid}`)
      return path
    },
  }
}

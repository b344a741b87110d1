import type { RestoredArchive } from '../../contracts/restore-record.ts'

/** Keys of all objects that a restore reads: those of its disks, or that of its file. */
export function objectsOf({ key, disks }: Pick<RestoredArchive, 'key' | 'disks'>): string[] {
  return disks?.map((disk) => disk.key) ?? [key]
}

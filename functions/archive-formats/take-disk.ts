/** One disk out of an archive, whatever its format. */
import type { ArchiveBytes, DiskWriter, TakenDisk } from './archive-bytes.ts'
import { extractDisk } from './proxmox/extract-disk.ts'
import { isDiskArchive } from './raw-disk/file-name.ts'
import { takeWholeDisk } from './raw-disk/take-disk.ts'

/**
 * @param name as the platform calls it: `scsi0`, `xvda`
 * @param open makes what the disk is written to, once its size is known
 * @throws Damage, NoSuchContent
 */
export function takeDisk(
  bytes: ArchiveBytes,
  name: string,
  open: (device: TakenDisk['device']) => Promise<DiskWriter>,
): Promise<TakenDisk> {
  return isDiskArchive(bytes.fileName) ? takeWholeDisk(bytes, name, open) : extractDisk(bytes, name, open)
}

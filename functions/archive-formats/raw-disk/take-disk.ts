/** A whole disk out of its own archive. */
import { crc32 } from 'node:zlib'
import { type ArchiveBytes, type DiskWriter, NoSuchContent, type TakenDisk } from '../archive-bytes.ts'
import { TappedSource } from '../tapped-source.ts'
import { DiskReader, indexBySeekTable, type RangedObject } from './disk-reader.ts'
import { diskNameOf, isVhd, isVhdx } from './file-name.ts'
import { unpack } from './unpack.ts'
import { diskBytesBefore, VHD_FOOTER_BYTES } from './vhd-footer.ts'

/** What `DiskWriter.passed` counts in. */
const CLUSTER_BYTES = 64 * 1024

/**
 * In one pass and in constant memory; all of the archive is read, and summed up. Zeros are left to the writer. Of a fixed
 * VHD, it is the disk without the footer.
 * @param name as `xvda`
 * @param open makes what the disk is written to, once its size is known
 * @throws Damage, NoSuchContent
 */
export async function takeWholeDisk(
  bytes: ArchiveBytes,
  name: string,
  open: (device: TakenDisk['device']) => Promise<DiskWriter>,
): Promise<TakenDisk> {
  const its = diskNameOf(bytes.fileName)
  if (name !== its) throw new NoSuchContent(`${bytes.fileName} holds no disk ${name}. It holds: ${its}.`)
  if (isVhdx(bytes.fileName)) {
    throw new NoSuchContent(
      `${bytes.fileName} holds the disk as VHDX, not as it is. Unpack it with "zstd -d", and convert it with "qemu-img convert -f vhdx".`,
    )
  }
  const sizeBytes = await diskSizeOf(bytes.fileName, { sizeBytes: bytes.sizeBytes, read: rangeOf(bytes) })
  const writer = await open({ name, sizeBytes })
  const sum = { crc32: 0 }
  const file = new TappedSource(bytes.stream(), (chunk) => {
    sum.crc32 = crc32(chunk, sum.crc32)
  })
  let [storedBytes, passedBytes] = [0, 0]
  try {
    for await (const piece of unpack(file)) {
      const endBytes = Math.min(sizeBytes, piece.positionBytes + piece.sizeBytes)
      const pieceBytes = endBytes - piece.positionBytes
      if (piece.bytes !== undefined && pieceBytes > 0) {
        storedBytes += pieceBytes
        await writer.write(piece.positionBytes, piece.bytes.subarray(0, pieceBytes))
      }
      // A cluster has passed with its last byte; the disk's last one may be cut short.
      for (; passedBytes < endBytes; passedBytes += CLUSTER_BYTES) {
        if (passedBytes + CLUSTER_BYTES > endBytes && endBytes < sizeBytes) break
        await writer.passed?.(passedBytes)
      }
    }
    await file.drain()
  } finally {
    await file.close()
  }
  return { device: { name, sizeBytes }, storedBytes, passed: { sizeBytes: file.bytes, crc32: sum.crc32 } }
}

/** By the archive's seek table, and the footer where the disk has one. @throws Damage */
export async function diskSizeOf(fileName: string, object: RangedObject): Promise<number> {
  const index = await indexBySeekTable(object)
  const { diskBytes } = index
  if (!isVhd(fileName) || diskBytes < VHD_FOOTER_BYTES) return diskBytes
  const footer = Buffer.alloc(VHD_FOOTER_BYTES)
  await new DiskReader(object, index).read(diskBytes - VHD_FOOTER_BYTES, footer)
  return diskBytesBefore(footer, diskBytes)
}

function rangeOf({ read }: ArchiveBytes) {
  return (firstByte: number, lastByte: number) => read(firstByte, lastByte - firstByte + 1)
}

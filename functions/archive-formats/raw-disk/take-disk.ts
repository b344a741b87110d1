/** A whole disk out of its own archive. */
import { crc32 } from 'node:zlib'
import { type ArchiveBytes, type DiskWriter, NoSuchContent, type TakenDisk } from '../archive-bytes.ts'
import { TappedSource } from '../tapped-source.ts'
import { indexBySeekTable } from './disk-reader.ts'
import { diskNameOf } from './file-name.ts'
import { unpack } from './unpack.ts'

/** What `DiskWriter.passed` counts in. */
const CLUSTER_BYTES = 64 * 1024

/**
 * In one pass and in constant memory; all of the archive is read, and summed up. Zeros are left to the writer.
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
  const object = { sizeBytes: bytes.sizeBytes, read: rangeOf(bytes) }
  const { diskBytes: sizeBytes } = await indexBySeekTable(object)
  const writer = await open({ name, sizeBytes })
  const sum = { crc32: 0 }
  const file = new TappedSource(bytes.stream(), (chunk) => {
    sum.crc32 = crc32(chunk, sum.crc32)
  })
  let [storedBytes, passedBytes] = [0, 0]
  try {
    for await (const piece of unpack(file)) {
      const endBytes = piece.positionBytes + piece.sizeBytes
      if (piece.bytes !== undefined) {
        storedBytes += piece.sizeBytes
        await writer.write(piece.positionBytes, piece.bytes)
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

function rangeOf({ read }: ArchiveBytes) {
  return (firstByte: number, lastByte: number) => read(firstByte, lastByte - firstByte + 1)
}

/**
 * Reads a qcow2 image (QEMU's docs/interop/qcow2) as `qemu-img convert` does: its clusters in their place, and nothing for
 * those that it lacks. Images with anything beyond that (backing files, compression, snapshots) are refused.
 */
import { closeSync, openSync, readSync } from 'node:fs'

export class NotQcow2 extends Error {}

const OFFSET = 0x00ff_ffff_ffff_fe00n
const COMPRESSED = 1n << 62n

export interface Qcow2Disk {
  sizeBytes: number
  /** Each cluster that it holds, by its place on the disk. */
  clusters(): Generator<{ offset: number; bytes: Buffer }>
  close(): void
}

/** @throws NotQcow2 */
export function openQcow2(path: string): Qcow2Disk {
  const file = openSync(path, 'r')
  const read = (at: number, bytes: number): Buffer => {
    const buffer = Buffer.alloc(bytes)
    if (readSync(file, buffer, 0, bytes, at) < bytes) throw new NotQcow2('Image is cut short')
    return buffer
  }
  try {
    const header = read(0, 104)
    if (header.toString('latin1', 0, 4) !== 'QFI\xfb') throw new NotQcow2('Image is not in qcow2 format')
    if (header.readBigUInt64BE(8) !== 0n) throw new NotQcow2('Image has a backing file')
    const incompatible = header.readUInt32BE(4) >= 3 ? header.readBigUInt64BE(72) : 0n
    if (incompatible !== 0n || header.readUInt32BE(32) !== 0 || header.readUInt32BE(60) !== 0) {
      throw new NotQcow2('Image uses features that the lab does not read')
    }
    const clusterBytes = 2 ** header.readUInt32BE(20)
    const sizeBytes = Number(header.readBigUInt64BE(24))
    const l1 = read(Number(header.readBigUInt64BE(40)), header.readUInt32BE(36) * 8)
    return {
      sizeBytes,
      *clusters() {
        for (let index = 0; index < l1.length / 8; index += 1) {
          const table = Number(l1.readBigUInt64BE(index * 8) & OFFSET)
          if (table === 0) continue
          const l2 = read(table, clusterBytes)
          for (let entry = 0; entry < clusterBytes / 8; entry += 1) {
            const place = l2.readBigUInt64BE(entry * 8)
            if ((place & COMPRESSED) !== 0n) throw new NotQcow2('Image is compressed')
            if ((place & OFFSET) === 0n) continue
            const offset = (index * (clusterBytes / 8) + entry) * clusterBytes
            yield { offset, bytes: read(Number(place & OFFSET), clusterBytes) }
          }
        }
      },
      close: () => closeSync(file),
    }
  } catch (error) {
    closeSync(file)
    throw error
  }
}

/** What a sparse file of ESXi holds, grain by grain: the reading side of `vmfs-sparse.ts` and `se-sparse.ts`. */
import type { Bytes } from './bytes.ts'

const SECTOR = 512

export interface Grain {
  offset: number
  bytes: Uint8Array
}

function* vmfsSparse(file: Bytes, header: Buffer): Generator<Grain> {
  const [grainSectors, directoryAt, entries] = [16, 20, 24].map((at) => header.readUInt32LE(at))
  if (grainSectors === undefined || directoryAt === undefined || entries === undefined) return
  const directory = Buffer.from(file.read(directoryAt * SECTOR, entries * 4))
  for (let table = 0; table < entries; table += 1) {
    const tableAt = directory.readUInt32LE(table * 4)
    if (tableAt === 0) continue
    const grains = Buffer.from(file.read(tableAt * SECTOR, 4096 * 4))
    for (let grain = 0; grain < 4096; grain += 1) {
      const at = grains.readUInt32LE(grain * 4)
      // 1 stands for a grain of zeros.
      if (at === 0) continue
      const bytes = at === 1 ? new Uint8Array(grainSectors * SECTOR) : file.read(at * SECTOR, grainSectors * SECTOR)
      yield { offset: (table * 4096 + grain) * grainSectors * SECTOR, bytes }
    }
  }
}

function* seSparse(file: Bytes, header: Buffer): Generator<Grain> {
  const field = (index: number): number => Number(header.readBigUInt64LE(index * 8))
  const [grainBytes, tableBytes] = [field(3) * SECTOR, field(4) * SECTOR]
  const entries = tableBytes / 8
  const directory = Buffer.from(file.read(field(16) * SECTOR, field(17) * SECTOR))
  for (let table = 0; table < directory.length / 8; table += 1) {
    const entry = directory.readBigUInt64LE(table * 8)
    if (entry >> 60n !== 1n) continue
    const tableAt = field(18) * SECTOR + Number(entry & 0xffffffffn) * tableBytes
    const grains = Buffer.from(file.read(tableAt, tableBytes))
    for (let grain = 0; grain < entries; grain += 1) {
      const place = grains.readBigUInt64LE(grain * 8)
      if (place >> 60n !== 3n) continue
      const number = ((place & 0x0fff000000000000n) >> 48n) | ((place & 0x0000ffffffffffffn) << 12n)
      const bytes = file.read(field(24) * SECTOR + Number(number) * grainBytes, grainBytes)
      yield { offset: (table * entries + grain) * grainBytes, bytes }
    }
  }
}

export function grainsOf(file: Bytes): Iterable<Grain> {
  const header = Buffer.from(file.read(0, Math.min(SECTOR, file.sizeBytes)))
  if (header.length < SECTOR) return []
  return header.toString('ascii', 0, 4) === 'COWD' ? vmfsSparse(file, header) : seSparse(file, header)
}

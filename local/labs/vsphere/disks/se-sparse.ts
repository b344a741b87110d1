/**
 * A `-sesparse.vmdk` as VMFS 6 has it: grains of 4 KiB, a directory and tables of 64-bit entries.
 * The layout is that which qemu's block/vmdk.c reads.
 */
import { BLOCK_BYTES } from '../../ec2/disk.ts'
import type { Blocks, Bytes } from './bytes.ts'
import { sparse } from './pieces.ts'

const SECTOR = 512
const GRAIN_SECTORS = 8
const TABLE_SECTORS = 64
const TABLE_ENTRIES = (TABLE_SECTORS * SECTOR) / 8
const GRAINS_PER_BLOCK = BLOCK_BYTES / (GRAIN_SECTORS * SECTOR)
const BLOCKS_PER_TABLE = TABLE_ENTRIES / GRAINS_PER_BLOCK

function header(places: Record<number, number>): Uint8Array {
  const bytes = Buffer.alloc(SECTOR)
  for (const [index, value] of Object.entries(places)) bytes.writeBigUInt64LE(BigInt(value), Number(index) * 8)
  return bytes
}

export function seSparseBytes(blocks: Blocks): Bytes {
  const capacity = Math.ceil(blocks.sizeBytes / SECTOR)
  const { written } = blocks
  const tables = [...new Set(written.map((index) => Math.floor(index / BLOCKS_PER_TABLE)))]
  const directoryEntries = Math.ceil(capacity / (TABLE_ENTRIES * GRAIN_SECTORS))
  const directorySectors = Math.ceil((directoryEntries * 8) / SECTOR)
  const directoryAt = 2
  const tablesAt = directoryAt + directorySectors
  const grainsAt = tablesAt + tables.length * TABLE_SECTORS
  const directory = Buffer.alloc(directorySectors * SECTOR)
  tables.forEach((table, place) => directory.writeBigUInt64LE(0x1000000000000000n | BigInt(place), table * 8))
  const entries = new Map(tables.map((table) => [table, Buffer.alloc(TABLE_SECTORS * SECTOR)]))
  written.forEach((index, place) => {
    const first = (index % BLOCKS_PER_TABLE) * GRAINS_PER_BLOCK
    const table = entries.get(Math.floor(index / BLOCKS_PER_TABLE))
    for (let grain = 0; grain < GRAINS_PER_BLOCK; grain += 1) {
      const number = BigInt(place * GRAINS_PER_BLOCK + grain)
      // The upper 12 bits of an entry's number hold the lowest of the grain's.
      const entry = 0x3000000000000000n | ((number & 0xfffn) << 48n) | (number >> 12n)
      table?.writeBigUInt64LE(entry, (first + grain) * 8)
    }
  })
  const constant = header({
    0: 0xcafebabe,
    1: 0x0000000200000001,
    2: capacity,
    3: GRAIN_SECTORS,
    4: TABLE_SECTORS,
    10: 1,
    11: 1,
    16: directoryAt,
    17: directorySectors,
    18: tablesAt,
    19: tables.length * TABLE_SECTORS,
    24: grainsAt,
    25: written.length * (BLOCK_BYTES / SECTOR),
  })
  const small = [constant, header({ 0: 0xcafecafe }), directory, ...entries.values()]
  return sparse(small, blocks)
}

/**
 * A `-delta.vmdk` as ESXi 5 and NFS have it: the header "COWD", a directory of grain tables, and grains of 512 bytes.
 * The layout is that which qemu's block/vmdk.c reads.
 */
import { BLOCK_BYTES } from '../../ec2/disk.ts'
import type { Blocks, Bytes } from './bytes.ts'
import { sparse } from './pieces.ts'

const SECTOR = 512
const TABLE_ENTRIES = 4096
const TABLE_SECTORS = (TABLE_ENTRIES * 4) / SECTOR
const HEADER_SECTORS = 4
const BLOCK_SECTORS = BLOCK_BYTES / SECTOR
const BLOCKS_PER_TABLE = TABLE_ENTRIES / BLOCK_SECTORS

function header(sectors: number, directoryEntries: number, fileSectors: number): Uint8Array {
  const bytes = Buffer.alloc(HEADER_SECTORS * SECTOR)
  bytes.write('COWD', 0, 'ascii')
  const fields = [1, 3, sectors, 1, HEADER_SECTORS, directoryEntries, fileSectors]
  fields.forEach((value, index) => bytes.writeUInt32LE(value, 4 + index * 4))
  return bytes
}

export function vmfsSparseBytes(blocks: Blocks): Bytes {
  const sectors = Math.ceil(blocks.sizeBytes / SECTOR)
  const directoryEntries = Math.ceil(sectors / TABLE_ENTRIES)
  const { written } = blocks
  const tables = [...new Set(written.map((index) => Math.floor(index / BLOCKS_PER_TABLE)))]
  const directorySectors = Math.ceil((directoryEntries * 4) / SECTOR)
  const firstTable = HEADER_SECTORS + directorySectors
  const firstGrain = firstTable + tables.length * TABLE_SECTORS
  const directory = Buffer.alloc(directorySectors * SECTOR)
  tables.forEach((table, place) => directory.writeUInt32LE(firstTable + place * TABLE_SECTORS, table * 4))
  const entries = new Map(tables.map((table) => [table, Buffer.alloc(TABLE_SECTORS * SECTOR)]))
  written.forEach((index, place) => {
    const first = (index % BLOCKS_PER_TABLE) * BLOCK_SECTORS
    const table = entries.get(Math.floor(index / BLOCKS_PER_TABLE))
    for (let grain = 0; grain < BLOCK_SECTORS; grain += 1)
      table?.writeUInt32LE(firstGrain + place * BLOCK_SECTORS + grain, (first + grain) * 4)
  })
  const all = firstGrain + written.length * BLOCK_SECTORS
  const small = [header(sectors, directoryEntries, all), directory, ...entries.values()]
  return sparse(small, blocks)
}

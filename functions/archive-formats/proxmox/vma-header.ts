/** The header of a VMA, version 1 (pve-qemu's vma_spec.txt): devices and configuration, all under one MD5. */
import { createHash } from 'node:crypto'
import type { EmbeddedConfiguration } from '../../contracts/verification.ts'
import type { ContentCursor } from '../content-cursor.ts'
import { Damage } from '../damage.ts'

export interface VmaDevice {
  id: number
  /** `drive-scsi0`, … */
  name: string
  sizeBytes: number
}

export interface VmaHeader {
  uuid: Buffer
  /** Seconds since 1970. */
  ctime: bigint
  configurations: EmbeddedConfiguration[]
  devices: VmaDevice[]
}

const FIXED_BYTES = 12_288
/** What the real writer allows itself is 512 KiB. Reading more of a damaged size would only cost memory. */
const MOST_BYTES = 16 * 1024 * 1024
const MD5_AT = 32
const CONFIG_NAMES_AT = 2_044
const CONFIG_DATA_AT = 3_068
const DEVICES_AT = 4_096
const SLOTS = 256

/** MD5 over the bytes with the sum's own sixteen read as zero. */
export function md5Fits(bytes: Buffer, at: number): boolean {
  const hash = createHash('md5').update(bytes.subarray(0, at)).update(Buffer.alloc(16))
  const sum = hash.update(bytes.subarray(at + 16)).digest()
  return sum.equals(bytes.subarray(at, at + 16))
}

/** @throws Damage */
export async function readVmaHeader(content: ContentCursor): Promise<VmaHeader> {
  const fixed = Buffer.from(await content.take(FIXED_BYTES))
  if (fixed.toString('latin1', 0, 4) !== 'VMA\0') throw damage('vma-magic', 'The content does not begin as a VMA.', 0)
  if (fixed.length < FIXED_BYTES) throw cutShort(fixed.length)
  const version = fixed.readUInt32BE(4)
  if (version !== 1) throw damage('vma-version', `The VMA says it is of version ${version}; only 1 is known.`, 4)
  const headerBytes = fixed.readUInt32BE(56)
  if (headerBytes <= FIXED_BYTES || headerBytes > MOST_BYTES) {
    throw damage('vma-header-size', `The VMA's header says it is ${headerBytes} bytes long.`, 56)
  }
  const all = Buffer.concat([fixed, await content.take(headerBytes - FIXED_BYTES)])
  if (all.length < headerBytes) throw cutShort(all.length)
  if (!md5Fits(all, MD5_AT)) throw damage('vma-header-md5', "The VMA's header does not fit its MD5.", MD5_AT)
  const blobs = blobTable(all)
  return {
    uuid: Buffer.from(all.subarray(8, 24)),
    ctime: all.readBigInt64BE(24),
    configurations: readConfigurations(all, blobs),
    devices: readDevices(all, blobs),
  }
}

const damage = (code: string, message: string, offset: number): Damage => new Damage(code, message, 'content', offset)

const cutShort = (offset: number): Damage =>
  damage('vma-cut-short', `The VMA ends at byte ${offset}, within its header.`, offset)

interface BlobTable {
  data(pointer: number, at: number): Buffer
  name(pointer: number, at: number): string
}

/** Blobs carry their length in two bytes, little endian, unlike everything else. `at` is where the pointer stands. */
function blobTable(all: Buffer): BlobTable {
  const from = all.readUInt32BE(48)
  const end = from + all.readUInt32BE(52)
  if (from < FIXED_BYTES || end > all.length) {
    throw damage('vma-blobs', `The VMA's table of names and configuration is said to lie outside its header.`, 48)
  }
  const data = (pointer: number, at: number): Buffer => {
    const start = from + pointer
    if (pointer < 1 || start + 2 > end || start + 2 + all.readUInt16LE(start) > end) {
      throw damage('vma-blobs', `The pointer at byte ${at} of the VMA's header leads outside its table.`, at)
    }
    return all.subarray(start + 2, start + 2 + all.readUInt16LE(start))
  }
  const name = (pointer: number, at: number): string => {
    const bytes = data(pointer, at)
    if (bytes.length < 2 || bytes.indexOf(0) !== bytes.length - 1) {
      throw damage('vma-blobs', `The pointer at byte ${at} of the VMA's header leads to something that is no name.`, at)
    }
    return bytes.toString('utf8', 0, bytes.length - 1)
  }
  return { data, name }
}

function readConfigurations(all: Buffer, blobs: BlobTable): EmbeddedConfiguration[] {
  const found: EmbeddedConfiguration[] = []
  for (let slot = 0; slot < SLOTS; slot += 1) {
    const [nameAt, dataAt] = [CONFIG_NAMES_AT + slot * 4, CONFIG_DATA_AT + slot * 4]
    const [name, data] = [all.readUInt32BE(nameAt), all.readUInt32BE(dataAt)]
    if (name === 0 && data === 0) continue
    found.push({ name: blobs.name(name, nameAt), text: blobs.data(data, dataAt).toString('utf8') })
  }
  return found
}

function readDevices(all: Buffer, blobs: BlobTable): VmaDevice[] {
  const found: VmaDevice[] = []
  // Slot 0 is never used: id 0 marks an empty place in an extent.
  for (let id = 1; id < SLOTS; id += 1) {
    const at = DEVICES_AT + id * 32
    const [name, size] = [all.readUInt32BE(at), all.readBigUInt64BE(at + 8)]
    if (name === 0 && size === 0n) continue
    // Clusters of 64 KiB are numbered in 32 bits.
    if (size === 0n || size > 2n ** 48n) {
      throw damage('vma-device', `Device ${id} of the VMA is said to hold ${size} bytes.`, at + 8)
    }
    found.push({ id, name: blobs.name(name, at), sizeBytes: Number(size) })
  }
  return found
}

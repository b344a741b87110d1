/**
 * A strict reader of VMA archives: every check that Proxmox's own reader makes, over a stream, keeping one bit per
 * cluster. Only headers carry checksums in this format; the disks' content is hashed for anyone who wants to compare it.
 */
import { createHash, type Hash } from 'node:crypto'
import { ExactSource } from './exact-source.ts'

const CLUSTER_BYTES = 65_536
const BLOCK_BYTES = 4_096
const FIXED_HEADER_BYTES = 12_288
const EXTENT_HEADER_BYTES = 512
const MAX_EXTENT_BYTES = 3_867_136

export class VmaError extends Error {}

export interface VmaDevice {
  id: number
  name: string
  sizeBytes: number
}

export interface VmaReport {
  uuid: string
  ctime: number
  configs: Record<string, string>
  devices: VmaDevice[]
  extents: number
  clusters: number
  zeroClusters: number
  storedBlocks: number
  /** SHA-256 over all clusters' numbers and stored blocks, in archive order. */
  contentHash: string
}

function sealed(header: Buffer, at: number): boolean {
  const copy = Buffer.from(header)
  copy.fill(0, at, at + 16)
  return createHash('md5')
    .update(copy)
    .digest()
    .equals(header.subarray(at, at + 16))
}

/** The blob at an offset of the table; names carry a NUL at their end. */
function blob(header: Buffer, base: number, end: number, pointer: number): Buffer {
  const at = base + pointer
  if (pointer < 1 || at + 2 > end) throw new VmaError(`blob pointer ${pointer} is outside the blob buffer`)
  const length = header.readUInt16LE(at)
  if (at + 2 + length > end) throw new VmaError(`blob at ${pointer} ends outside the blob buffer`)
  return header.subarray(at + 2, at + 2 + length)
}

function nameOf(header: Buffer, base: number, end: number, pointer: number): string {
  const bytes = blob(header, base, end, pointer)
  if (bytes.length < 2 || bytes.at(-1) !== 0) throw new VmaError(`name at ${pointer} is not NUL-terminated`)
  return bytes.toString('utf8', 0, bytes.length - 1)
}

interface Header {
  uuid: Buffer
  ctime: number
  configs: Record<string, string>
  devices: VmaDevice[]
}

async function readHeader(source: ExactSource): Promise<Header> {
  const fixed = await source.take(FIXED_HEADER_BYTES)
  if (fixed.length < FIXED_HEADER_BYTES) throw new VmaError('file ends within the header')
  if (fixed.toString('latin1', 0, 4) !== 'VMA\0') throw new VmaError('not a vma file - wrong magic number')
  if (fixed.readUInt32BE(4) !== 1) throw new VmaError(`unknown version ${fixed.readUInt32BE(4)}`)
  const headerBytes = fixed.readUInt32BE(56)
  if (headerBytes <= FIXED_HEADER_BYTES || headerBytes > 16 * 1024 ** 2)
    throw new VmaError(`impossible header size ${headerBytes}`)
  const table = await source.take(headerBytes - FIXED_HEADER_BYTES)
  const header = Buffer.concat([fixed, table])
  if (header.length < headerBytes) throw new VmaError('file ends within the header')
  if (!sealed(header, 32)) throw new VmaError('wrong vma header checksum')
  const base = header.readUInt32BE(48)
  const end = base + header.readUInt32BE(52)
  if (base + 1 <= FIXED_HEADER_BYTES || end > headerBytes) throw new VmaError('blob buffer is outside the header')
  const configs: Record<string, string> = {}
  for (let index = 0; index < 256; index += 1) {
    const [name, data] = [header.readUInt32BE(2044 + index * 4), header.readUInt32BE(3068 + index * 4)]
    if (name === 0 && data === 0) continue
    if (name === 0 || data === 0) throw new VmaError(`configuration ${index} has only one of name and data`)
    configs[nameOf(header, base, end, name)] = blob(header, base, end, data).toString('utf8')
  }
  const devices: VmaDevice[] = []
  for (let id = 0; id < 256; id += 1) {
    const at = 4096 + id * 32
    const pointer = header.readUInt32BE(at)
    if (pointer === 0) continue
    if (id === 0 || id === 255) throw new VmaError(`device id ${id} is reserved`)
    const sizeBytes = Number(header.readBigUInt64BE(at + 8))
    if (sizeBytes === 0) throw new VmaError(`device ${id} has no size`)
    devices.push({ id, name: nameOf(header, base, end, pointer), sizeBytes })
  }
  return { uuid: header.subarray(8, 24), ctime: Number(header.readBigInt64BE(24)), configs, devices }
}

/** Which clusters of a device were seen: one bit each. */
class Seen {
  readonly #bits: Uint8Array
  readonly total: number
  readonly device: VmaDevice
  constructor(device: VmaDevice) {
    this.device = device
    this.total = Math.ceil(device.sizeBytes / CLUSTER_BYTES)
    this.#bits = new Uint8Array(Math.ceil(this.total / 8))
  }
  add(cluster: number): void {
    if (cluster >= this.total) throw new VmaError(`cluster ${cluster} is beyond the end of ${this.device.name}`)
    const bit = 1 << (cluster & 7)
    if (((this.#bits[cluster >> 3] ?? 0) & bit) !== 0) {
      throw new VmaError(`found duplicated cluster ${cluster} for stream ${this.device.name}`)
    }
    this.#bits[cluster >> 3] = (this.#bits[cluster >> 3] ?? 0) | bit
  }
  missing(): number | undefined {
    for (let cluster = 0; cluster < this.total; cluster += 1) {
      if (((this.#bits[cluster >> 3] ?? 0) & (1 << (cluster & 7))) === 0) return cluster
    }
    return undefined
  }
}

interface Tally {
  extents: number
  clusters: number
  zeroClusters: number
  storedBlocks: number
  hash: Hash
}

/** Takes the disks' content while it is read. What it throws ends the reading. */
export interface VmaSink {
  /** Called once, before any block. */
  begin(configs: Record<string, string>, devices: readonly VmaDevice[]): void
  /** A block of 4 KiB that the archive stores; the last of a device may reach beyond its end. */
  block(device: number, atByte: number, data: Buffer): void
}

const bitsIn = (mask: number): number => {
  let bits = 0
  for (let left = mask; left !== 0; left &= left - 1) bits += 1
  return bits
}

/** @returns false at the end of the file */
async function readExtent(
  source: ExactSource,
  header: Header,
  seen: Map<number, Seen>,
  tally: Tally,
  sink: VmaSink | undefined,
): Promise<boolean> {
  const head = await source.take(EXTENT_HEADER_BYTES)
  if (head.length === 0) return false
  if (head.length < EXTENT_HEADER_BYTES) throw new VmaError(`read short extent (${head.length} bytes)`)
  if (head.toString('latin1', 0, 4) !== 'VMAE') throw new VmaError('wrong vma extent header magic')
  if (head.readUInt16BE(4) !== 0) throw new VmaError('reserved bytes of an extent header are not zero')
  if (!sealed(head, 24)) throw new VmaError('wrong vma extent header checksum')
  if (!head.subarray(8, 24).equals(header.uuid)) throw new VmaError('wrong vma extent uuid')
  const blocks = head.readUInt16BE(6)
  if (EXTENT_HEADER_BYTES + blocks * BLOCK_BYTES > MAX_EXTENT_BYTES)
    throw new VmaError(`extent of ${blocks} blocks is too large`)
  const data = await source.take(blocks * BLOCK_BYTES)
  if (data.length < blocks * BLOCK_BYTES) throw new VmaError('short vma extent')
  let used = 0
  for (let slot = 0; slot < 59; slot += 1) {
    const at = 40 + slot * 8
    const [mask, device, cluster] = [head.readUInt16BE(at), head.readUInt8(at + 3), head.readUInt32BE(at + 4)]
    if (device === 0) continue
    const target = seen.get(device)
    if (target === undefined) throw new VmaError(`extent names unknown device ${device}`)
    target.add(cluster)
    const inside = Math.min(16, Math.ceil((target.device.sizeBytes - cluster * CLUSTER_BYTES) / BLOCK_BYTES))
    if (mask >> inside !== 0)
      throw new VmaError(`cluster ${cluster} stores blocks beyond the end of ${target.device.name}`)
    if (sink !== undefined) passOn(sink, { mask, device, cluster }, data.subarray(used * BLOCK_BYTES))
    used += bitsIn(mask)
    tally.clusters += 1
    if (mask === 0) tally.zeroClusters += 1
  }
  if (used !== blocks) throw new VmaError(`vma extent error - missing blocks (${used} in masks, ${blocks} stored)`)
  tally.extents += 1
  tally.storedBlocks += blocks
  tally.hash.update(head.subarray(40)).update(data)
  return true
}

function passOn(sink: VmaSink, entry: { mask: number; device: number; cluster: number }, stored: Buffer): void {
  let at = 0
  for (let block = 0; block < 16; block += 1) {
    if ((entry.mask & (1 << block)) === 0) continue
    const data = stored.subarray(at, at + BLOCK_BYTES)
    // Fewer blocks than the masks promise: said once the whole extent is added up.
    if (data.length < BLOCK_BYTES) return
    sink.block(entry.device, entry.cluster * CLUSTER_BYTES + block * BLOCK_BYTES, data)
    at += BLOCK_BYTES
  }
}

/**
 * Read a whole archive (decompressed) and check it.
 * @throws VmaError naming the first thing that is wrong
 */
export async function checkVma(stream: AsyncIterable<Buffer>, sink?: VmaSink): Promise<VmaReport> {
  const source = new ExactSource(stream)
  const header = await readHeader(source)
  sink?.begin(header.configs, header.devices)
  const seen = new Map(header.devices.map((device) => [device.id, new Seen(device)]))
  const tally: Tally = { extents: 0, clusters: 0, zeroClusters: 0, storedBlocks: 0, hash: createHash('sha256') }
  while (await readExtent(source, header, seen, tally, sink)) {
    // Each call reads one extent.
  }
  for (const each of seen.values()) {
    // A file cut at the end of an extent shows nowhere else.
    const cluster = each.missing()
    if (cluster !== undefined) throw new VmaError(`detected missing cluster ${cluster} for stream ${each.device.name}`)
  }
  const { hash, ...counts } = tally
  return {
    uuid: header.uuid.toString('hex'),
    ctime: header.ctime,
    configs: header.configs,
    devices: header.devices,
    ...counts,
    contentHash: hash.digest('hex'),
  }
}

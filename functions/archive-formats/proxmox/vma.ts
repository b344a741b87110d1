/**
 * Walks a VM's archive (VMA version 1, pve-qemu's vma_spec.txt): the header, every extent's header, and that each
 * cluster of each device is there exactly once. MD5s cover headers alone: a bit that flipped in a disk's content shows
 * in the compressor's checksum or in the manifest's, and nowhere here. Extents carry no number: whole extents in another
 * order are the same disks, and restore as such.
 */
import type { DeviceEvidence, EmbeddedConfiguration } from '../../contracts/verification.ts'
import type { ContentCursor } from '../content-cursor.ts'
import { CLUSTER_BYTES, ClusterMap, VMA_BLOCK_BYTES } from './cluster-map.ts'
import { Damage, type Findings } from '../damage.ts'
import { md5Fits, readVmaHeader, type VmaDevice } from './vma-header.ts'

export interface VmaReport {
  uuid: string
  /** ISO instant, by the node's clock. */
  madeAt: string | undefined
  configurations: EmbeddedConfiguration[]
  devices: DeviceEvidence[]
  extents: number
  /** Extents before the last that have room left: the real writer fills each. */
  unfilledExtents: number
}

const EXTENT_HEADER_BYTES = 512
const SLOTS = 59
/** The writer flushes an extent at this many entries although there is room for one more. */
const SLOTS_WRITTEN = 58
/** The saved RAM of a guest: read as a stream, so its clusters have to be in order. */
const STATE_DEVICE = 'vmstate'

/** Takes the content of one disk: what the archive holds of it, in the archive's order. The rest of the disk is zero. */
export interface DiskTaker {
  deviceId: number
  /** `bytes` is a view: it is overwritten after the promise is kept. */
  write(offset: number, bytes: Buffer): Promise<void>
  /** The cluster at `offset` was written whole; what of it was not written is zero. Told once of each. */
  passed?(offset: number): Promise<void>
}

/**
 * @param choose the disk to take out, once it is known which there are
 * @throws Damage where nothing that follows could be understood
 */
export async function walkVma(
  content: ContentCursor,
  findings: Findings,
  choose: (devices: readonly VmaDevice[]) => Promise<DiskTaker> | undefined = () => undefined,
): Promise<VmaReport> {
  const header = await readVmaHeader(content)
  const taker = await choose(header.devices)
  const walk: Walk = {
    content,
    findings,
    taker,
    runs: [],
    passing: [],
    uuid: header.uuid,
    maps: new Map(header.devices.map((device) => [device.id, new ClusterMap(device)])),
    lastState: -1,
    extents: 0,
    unfilled: 0,
    lastUnfilled: false,
  }
  const told = (): VmaReport => ({
    uuid: header.uuid.toString('hex'),
    madeAt: instant(header.ctime),
    configurations: header.configurations,
    devices: [...walk.maps.values()].map(evidenceOf),
    extents: walk.extents,
    unfilledExtents: walk.unfilled,
  })
  while (await readExtent(walk)) {
    // Each call reads one extent.
  }
  reportMissing(walk)
  return told()
}

interface Walk {
  content: ContentCursor
  findings: Findings
  taker: DiskTaker | undefined
  /** What the extent at hand stores, in its order. */
  runs: Run[]
  /** Clusters of the disk that is taken out, in the extent at hand. */
  passing: number[]
  uuid: Buffer
  maps: Map<number, ClusterMap>
  /** The last cluster of the saved RAM. */
  lastState: number
  extents: number
  unfilled: number
  lastUnfilled: boolean
}

/** Blocks of an extent that follow each other: at a place of the disk that is taken out, or of no interest. */
interface Run {
  offset: number | undefined
  bytes: number
}

function evidenceOf(map: ClusterMap): DeviceEvidence {
  return {
    name: map.device.name,
    sizeBytes: map.device.sizeBytes,
    clustersFound: map.found,
    clustersExpected: map.expected,
    storedBytes: map.storedBlocks * VMA_BLOCK_BYTES,
  }
}

/** A time that no calendar has is no reason to refuse disks. */
function instant(seconds: bigint): string | undefined {
  return seconds >= 0n && seconds < 253_402_300_800n ? new Date(Number(seconds) * 1000).toISOString() : undefined
}

const damage = (code: string, message: string, offset: number): Damage => new Damage(code, message, 'content', offset)

/** Returns whether there was one. */
async function readExtent(walk: Walk): Promise<boolean> {
  const { content } = walk
  const at = content.offset
  const head = await content.take(EXTENT_HEADER_BYTES)
  if (head.length === 0) return false
  if (head.length >= 4 && head.toString('latin1', 0, 4) !== 'VMAE') {
    throw damage('vma-extent-magic', `What follows at byte ${at} is no extent of a VMA.`, at)
  }
  if (head.length < EXTENT_HEADER_BYTES) throw cutShort(content.offset, at)
  if (!md5Fits(head, 24)) throw damage('vma-extent-md5', `The extent at byte ${at} does not fit its MD5.`, at)
  if (!head.subarray(8, 24).equals(walk.uuid)) {
    throw damage('vma-extent-uuid', `The extent at byte ${at} belongs to another VMA.`, at)
  }
  const blocks = readEntries(head, at, walk)
  const stated = head.readUInt16BE(6)
  if (blocks !== stated || head.readUInt16BE(4) !== 0) {
    throw damage('vma-extent-blocks', `The extent at byte ${at} counts ${stated} blocks and lists ${blocks}.`, at + 6)
  }
  const runs = walk.taker === undefined ? [{ offset: undefined, bytes: blocks * VMA_BLOCK_BYTES }] : walk.runs
  for (const run of runs) await passRun(run, at, walk)
  for (const cluster of walk.passing) await walk.taker?.passed?.(cluster * CLUSTER_BYTES)
  walk.extents += 1
  return true
}

async function passRun({ offset, bytes }: Run, at: number, { content, taker, maps }: Walk): Promise<void> {
  if (taker === undefined || offset === undefined) {
    if ((await content.skip(bytes)) < bytes) throw cutShort(content.offset, at)
    return
  }
  const taken = await content.take(bytes)
  if (taken.length < bytes) throw cutShort(content.offset, at)
  // The last block of a disk may go beyond its end.
  const size = maps.get(taker.deviceId)?.device.sizeBytes ?? 0
  await taker.write(offset, taken.subarray(0, Math.max(0, size - offset)))
}

function addRuns(mask: number, offset: number | undefined, runs: Run[]): void {
  for (let block = 0; block < 16; block += 1) {
    if ((mask & (1 << block)) === 0) continue
    const at = offset === undefined ? undefined : offset + block * VMA_BLOCK_BYTES
    const last = runs.at(-1)
    const follows = last?.offset === undefined ? at === undefined : last.offset + last.bytes === at
    if (last !== undefined && follows) last.bytes += VMA_BLOCK_BYTES
    else runs.push({ offset: at, bytes: VMA_BLOCK_BYTES })
  }
}

const cutShort = (end: number, at: number): Damage =>
  damage('vma-cut-short', `The VMA ends at byte ${end}, within the extent at byte ${at}.`, end)

/** Marks the clusters that an extent lists. Returns how many blocks of data should follow. */
function readEntries(head: Buffer, at: number, walk: Walk): number {
  let blocks = 0
  let used = 0
  walk.runs = []
  walk.passing = []
  for (let slot = 0; slot < SLOTS; slot += 1) {
    const entryAt = 40 + slot * 8
    const [mask, id, cluster] = [
      head.readUInt16BE(entryAt),
      head.readUInt8(entryAt + 3),
      head.readUInt32BE(entryAt + 4),
    ]
    if (walk.taker !== undefined) {
      addRuns(mask, id === walk.taker.deviceId ? cluster * CLUSTER_BYTES : undefined, walk.runs)
    }
    if (id === 0) {
      if (mask !== 0) fault(walk, 'vma-entry', `Entry ${slot} stores blocks of no device`, at + entryAt)
      blocks += bitCount(mask)
      continue
    }
    used += 1
    blocks += bitCount(mask)
    readEntry({ mask, id, cluster, at: at + entryAt }, walk)
  }
  if (walk.lastUnfilled) walk.unfilled += 1
  walk.lastUnfilled = used < SLOTS_WRITTEN
  return blocks
}

function readEntry({ mask, id, cluster, at }: { mask: number; id: number; cluster: number; at: number }, walk: Walk) {
  const map = walk.maps.get(id)
  if (map === undefined) {
    fault(walk, 'vma-unknown-device', `Cluster ${cluster} belongs to device ${id}, which the header lacks`, at)
    return
  }
  const { name } = map.device
  if (cluster >= map.expected) {
    fault(walk, 'vma-cluster-beyond-end', `Cluster ${cluster} of ${name} lies beyond its last, ${map.expected - 1}`, at)
    return
  }
  if (!map.mark(cluster)) fault(walk, 'vma-cluster-twice', `Cluster ${cluster} of ${name} is there twice`, at)
  else if (id === walk.taker?.deviceId) walk.passing.push(cluster)
  if ((mask & ~map.allowedMask(cluster)) !== 0) {
    fault(walk, 'vma-mask', `Cluster ${cluster} of ${name} stores blocks beyond the end of the device`, at)
  }
  if (name === STATE_DEVICE) {
    if (cluster <= walk.lastState) {
      fault(walk, 'vma-state-order', `Cluster ${cluster} of ${name} comes after ${walk.lastState}`, at)
    }
    walk.lastState = cluster
  }
  map.storedBlocks += bitCount(mask)
}

function fault(walk: Walk, code: string, what: string, offset: number): void {
  walk.findings.add({ code, message: `${what} (entry at byte ${offset}).`, of: 'content', offset })
}

/** A file that was cut at the end of an extent shows nowhere else. */
function reportMissing({ maps, findings, content, extents }: Walk): void {
  for (const map of maps.values()) {
    const first = map.firstMissing()
    if (first === undefined) continue
    findings.add({
      code: 'vma-clusters-missing',
      message:
        `${map.expected - map.found} of ${map.expected} clusters of ${map.device.name} are missing when the VMA ends ` +
        `at byte ${content.offset}; the first is ${first}.`,
      of: 'content',
      offset: content.offset,
    })
  }
  // The writer ends even a VMA without disks with an extent, so one that lacks it was cut.
  if (extents === 0) {
    findings.add({
      code: 'vma-cut-short',
      message: `The VMA ends at byte ${content.offset}, after its header: not one extent follows.`,
      of: 'content',
      offset: content.offset,
    })
  }
}

function bitCount(mask: number): number {
  let left = mask
  let count = 0
  for (; left !== 0; left &= left - 1) count += 1
  return count
}

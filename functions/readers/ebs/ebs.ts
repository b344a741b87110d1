import { setTimeout as delay } from 'node:timers/promises'
import { crc32 } from 'node:zlib'
import type { EbsDeps } from '../../aws-api/ebs-calls.ts'
import { EBS_BLOCK_BYTES, type EbsAccess, ebsSnapshotLocationSchema } from '../../contracts/aws-access.ts'
import type { AllocationMap } from '../../contracts/disk-archive.ts'
import { ShortRead, SourceUnreadable } from '../../contracts/errors.ts'
import type { SourceIdentity, SourceLocation } from '../../contracts/nouns.ts'
import { formatBytes } from '../../domain/words/byte-size.ts'
import type { Reader, Route } from '../reader.ts'
import { unreadableType } from '../site-file.ts'
import { BlockTokens } from './block-tokens.ts'
import { EbsClient } from './ebs-client.ts'

const GIB = 2 ** 30
/** EBS's most for a page: 5 GiB of blocks (API reference, `maxResults`). */
const PAGE_BLOCKS = 10_000
/** The least that it takes. */
const LEAST_PAGE_BLOCKS = 100
/**
 * A list of blocks may come to so much less than EC2 says that the snapshot holds. How EC2 rounds that is documented
 * nowhere; a page of the list that is lost comes to 5 GiB, and a list that is cut short to more.
 */
const LESS = { share: 0.05, bytes: 64 * 2 ** 20 }
/** A volume has 64 TiB at most (io2), and a page a block at least. */
const MOST_PAGES = 200_000

const realDeps: EbsDeps = {
  now: () => new Date(),
  sleep: (milliseconds, signal) => delay(milliseconds, undefined, signal === undefined ? {} : { signal }),
  random: Math.random,
}

/** Volumes by EBS direct: blocks of their snapshots, each proved by the SHA-256 that AWS has of it. */
export function openEbsRoute(site: string, access: EbsAccess, deps: EbsDeps = realDeps): Route {
  return {
    endOf: (node) => node,
    check: async () => undefined,
    open: (location) => openSnapshot(site, access, location, deps),
  }
}

async function openSnapshot(site: string, access: EbsAccess, source: SourceLocation, deps: EbsDeps): Promise<Reader> {
  const read = ebsSnapshotLocationSchema.safeParse(source)
  if (!read.success) throw unreadableType(site, source)
  const location = read.data
  const { snapshotId, device, startedAt, heldBytes = 0 } = location
  const where = `Site ${site}, zone ${location.node}: snapshot ${snapshotId} of ${device}`
  const client = new EbsClient(site, access, location, deps)
  const tokens = new BlockTokens((at, maxResults, signal) => client.page(at, maxResults, signal), where)

  /** The snapshot as it is now: it has no other state than to be there, completed and readable. */
  async function stat(): Promise<SourceIdentity> {
    const { volumeSizeGib } = await client.page({ startingBlockIndex: 0 }, LEAST_PAGE_BLOCKS)
    return { sizeBytes: volumeSizeGib * GIB, modifiedAt: startedAt, validator: snapshotId }
  }

  /** Straight to its place, or over a buffer where the disk's reader wants a piece of a block. */
  async function readBlock(index: number, fromBytes: number, target: Buffer, signal?: AbortSignal): Promise<void> {
    const whole = target.length === EBS_BLOCK_BYTES ? target : Buffer.allocUnsafeSlow(EBS_BLOCK_BYTES)
    // A token that was just listed isn't too old: twice is once too often.
    for (let lists = 0; ; lists += 1) {
      const token = await tokens.of(index, signal)
      const isRead = await client.block({ index, token }, whole, signal)
      tokens.done(index)
      if (isRead) break
      if (lists > 1) throw new SourceUnreadable(`${where}: AWS takes no token of block ${index}, however new.`)
    }
    if (whole !== target) whole.copy(target, 0, fromBytes, fromBytes + target.length)
  }

  async function readRange(positionBytes: number, target: Buffer, signal?: AbortSignal): Promise<number> {
    const endBytes = positionBytes + target.length
    if (endBytes > opened.sizeBytes) {
      throw new ShortRead(`${where} has ${opened.sizeBytes} bytes, and ${endBytes} were to be read.`)
    }
    // One that fails ends the others: none may write into memory that is used again.
    const stop = new AbortController()
    const both = signal === undefined ? stop.signal : AbortSignal.any([signal, stop.signal])
    const reads: Promise<void>[] = []
    for (let at = positionBytes; at < endBytes; ) {
      const index = Math.floor(at / EBS_BLOCK_BYTES)
      const fromBytes = at - index * EBS_BLOCK_BYTES
      const sizeBytes = Math.min(EBS_BLOCK_BYTES - fromBytes, endBytes - at)
      const piece = target.subarray(at - positionBytes, at - positionBytes + sizeBytes)
      reads.push(readBlock(index, fromBytes, piece, both))
      at += sizeBytes
    }
    try {
      await Promise.all(reads)
    } catch (error) {
      stop.abort(error)
      await Promise.allSettled(reads)
      throw error
    }
    return crc32(target)
  }

  async function allocation(signal?: AbortSignal): Promise<AllocationMap> {
    const runs: [number, number][] = []
    let at: Parameters<EbsClient['page']>[0] = { startingBlockIndex: 0 }
    for (let pages = 0; pages < MOST_PAGES; pages += 1) {
      const { blocks, nextToken, volumeSizeGib } = await client.page(at, PAGE_BLOCKS, signal)
      for (const { index } of blocks) addBlock(runs, index, where)
      if (nextToken === undefined) {
        requireWhole(runs, heldBytes, where)
        return { version: 1, sizeBytes: volumeSizeGib * GIB, blockBytes: EBS_BLOCK_BYTES, runs }
      }
      at = { pageToken: nextToken }
    }
    throw new SourceUnreadable(`${where}: the list of its blocks has no end.`)
  }

  let opened: SourceIdentity
  try {
    opened = await stat()
  } catch (error) {
    client.close()
    throw error
  }
  return {
    opened,
    stat,
    read: readRange,
    allocation,
    get billedReads() {
      return client.blocksRead
    },
    close: async () => client.close(),
  }
}

/** Blocks that a list lacks would be archived as holes, and no checksum would notice. @throws SourceUnreadable */
function requireWhole(runs: readonly [number, number][], heldBytes: number, where: string): void {
  const listedBytes = runs.reduce((sum, [, count]) => sum + count * EBS_BLOCK_BYTES, 0)
  if (listedBytes >= heldBytes * (1 - LESS.share) - LESS.bytes) return
  throw new SourceUnreadable(
    `${where}: EBS direct lists ${formatBytes(listedBytes)} of blocks, and EC2 says that the snapshot holds ` +
      `${formatBytes(heldBytes)}. An archive of so few blocks may lack data, so none is made. Repeat the guest; if it stays so, ask AWS.`,
  )
}

function addBlock(runs: [number, number][], index: number, where: string): void {
  const last = runs.at(-1)
  if (last === undefined || index > last[0] + last[1]) {
    runs.push([index, 1])
    return
  }
  if (index < last[0] + last[1]) {
    throw new SourceUnreadable(`${where}: its blocks aren't listed in ascending order.`)
  }
  last[1] += 1
}

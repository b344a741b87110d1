/** Small disks of the kinds that there are, with maps as platforms give them, made from a seed. */
import { crc32 } from 'node:zlib'
import type { AllocationMap, DiskPlan, PartRecord } from '../../../../functions/contracts/disk-archive.ts'
import {
  type Assembly,
  type EncodedPart,
  type ListedPart,
  type PartEncoder,
  type Piece,
  type ReadSource,
  Scratch,
} from '../../../../functions/domain/encoding/part-encoder.ts'
import { planDisk } from '../../../../functions/domain/encoding/disk-plan.ts'
import { rawDiskEncoder } from '../../../../functions/archive-formats/raw-disk/encoder.ts'

import { Random } from '../../../chaos/random.ts'

export const KIB = 1024
export const MIB = 1024 * KIB
export const BLOCK = 512 * KIB

/** The same numbers for the same seed, 0 ≤ n < 1. */
export function randomFrom(seed: number): () => number {
  const random = new Random(seed)
  return () => random.next()
}

export function shuffled<T>(items: readonly T[], random: () => number): T[] {
  const left = [...items]
  return items.map(() => left.splice(Math.floor(random() * left.length), 1)).flat()
}

export type Content = 'random' | 'text' | 'zeros'

/** Fill a block as guests do: media, logs, or zeros that were written. */
export function fillBlock(target: Buffer, content: Content, random: () => number): void {
  if (content === 'zeros') target.fill(0)
  else if (content === 'text') {
    const line = `2026-11-29T02:00:${Math.floor(random() * 60)} web[${Math.floor(random() * 999)}]: GET /index.html 200\n`
    target.fill(line.repeat(40))
  } else {
    for (let at = 0; at + 4 <= target.length; at += 4) target.writeUInt32LE(Math.floor(random() * 2 ** 32), at)
  }
}

export interface Disk {
  bytes: Buffer
  map?: AllocationMap
}

/**
 * @param blocks what each block of 512 KiB holds; `hole`: never written
 * @param tailBytes beyond the last whole block, as the footer of a virtual disk
 */
export function diskOf(blocks: readonly (Content | 'hole')[], tailBytes = 0, seed = 1): Required<Disk> {
  const random = randomFrom(seed)
  const bytes = Buffer.alloc(blocks.length * BLOCK + tailBytes)
  const runs: [number, number][] = []
  const add = (block: number): void => {
    const last = runs.at(-1)
    if (last !== undefined && last[0] + last[1] === block) last[1] += 1
    else runs.push([block, 1])
  }
  for (const [block, content] of blocks.entries()) {
    if (content === 'hole') continue
    fillBlock(bytes.subarray(block * BLOCK, (block + 1) * BLOCK), content, random)
    add(block)
  }
  if (tailBytes > 0) {
    fillBlock(bytes.subarray(blocks.length * BLOCK), 'random', random)
    add(blocks.length)
  }
  return { bytes, map: { version: 1, sizeBytes: bytes.length, blockBytes: BLOCK, runs } }
}

export function times<T>(count: number, item: T): T[] {
  return Array.from({ length: count }, () => item)
}

/** Reads as a platform does, and counts. */
export function readerOf(bytes: Buffer): ReadSource & { readBytes: number } {
  const read = async (positionBytes: number, target: Buffer, signal?: AbortSignal): Promise<number> => {
    signal?.throwIfAborted()
    if (positionBytes + target.length > bytes.length) throw new Error('short read')
    bytes.copy(target, 0, positionBytes)
    counted.readBytes += target.length
    return crc32(target)
  }
  const counted = Object.assign(read, { readBytes: 0 })
  return counted
}

/** A plan with parts of this many bytes of the disk: the real ones begin at 64 MiB. */
export function planWith({ bytes, map }: Disk, partBytes: number): DiskPlan {
  const plan = planDisk({ sourceRef: 'snap-1', sizeBytes: bytes.length, map })
  const bounds = [0]
  for (let at = partBytes; at < bytes.length; at += partBytes) bounds.push(at)
  return { ...plan, bounds: [...bounds, bytes.length] }
}

/** A part as it lies in S3. */
export interface KeptPart {
  part: EncodedPart
  body: Buffer
}

/** Make parts in this order; the body is taken before the next part uses the scratch. */
export async function makeParts(
  encoder: PartEncoder,
  read: ReadSource,
  order: readonly number[],
): Promise<Map<number, KeptPart>> {
  const scratch = new Scratch()
  const kept = new Map<number, KeptPart>()
  for (const partNumber of order) {
    const part = await encoder.encode(partNumber, read, scratch)
    kept.set(partNumber, { part, body: Buffer.concat(part.slices) })
  }
  return kept
}

export function allParts({ sourceParts }: Pick<PartEncoder, 'sourceParts'>): number[] {
  return Array.from({ length: sourceParts }, (_, index) => index + 1)
}

export function listed(kept: ReadonlyMap<number, KeptPart>): ListedPart[] {
  return [...kept.values()].map(({ part: { partNumber, sizeBytes, crc32 } }) => ({ partNumber, sizeBytes, crc32 }))
}

export function recordsOf(kept: ReadonlyMap<number, KeptPart>): Map<number, PartRecord> {
  const records = new Map<number, PartRecord>()
  for (const [partNumber, { part }] of kept) if (part.record !== undefined) records.set(partNumber, part.record)
  return records
}

/** The object, and what completion says of it. @throws Error when parts are missing */
export function assembled(
  encoder: PartEncoder,
  kept: ReadonlyMap<number, KeptPart>,
): { object: Buffer; assembly: Assembly } {
  const assembly = encoder.assemble(listed(kept), recordsOf(kept))
  if ('missing' in assembly) throw new Error(JSON.stringify(assembly.missing))
  const bodies = [...kept].toSorted(([one], [other]) => one - other).map(([, { body }]) => body)
  return { object: Buffer.concat([...bodies, ...assembly.closing.flatMap(({ slices }) => slices)]), assembly }
}

/** A disk's archive in one go. */
export async function packed(disk: Disk, partBytes = 8 * MIB, encoderOf?: (plan: DiskPlan) => PartEncoder) {
  const plan = planWith(disk, partBytes)
  const encoder = encoderOf?.(plan) ?? rawDiskEncoder(plan, disk.map)
  const kept = await makeParts(encoder, readerOf(disk.bytes), allParts(encoder))
  return { plan, encoder, kept, ...assembled(encoder, kept) }
}

/** Pieces as one buffer. They come in order and without a gap, or this throws. */
export async function joined(pieces: AsyncIterable<Piece>, fromByte = 0): Promise<Buffer> {
  const all: Buffer[] = []
  let at = fromByte
  for await (const { positionBytes, sizeBytes, bytes } of pieces) {
    if (positionBytes !== at) throw new Error(`a gap: ${at} to ${positionBytes}`)
    all.push(bytes === undefined ? Buffer.alloc(sizeBytes) : Buffer.from(bytes))
    at += sizeBytes
  }
  return Buffer.concat(all)
}

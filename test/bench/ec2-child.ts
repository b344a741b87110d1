/** One act on a snapshot of the lab, as a process of its own to be measured. Prints one line of JSON. */
import { hash } from 'node:crypto'
import { promisify } from 'node:util'
import { constants, crc32, zstdCompress } from 'node:zlib'
import { rawDiskEncoder } from '../../functions/archive-formats/raw-disk/encoder.ts'
import { AwsCalls } from '../../functions/aws-api/aws-call.ts'
import { EBS_BLOCK_BYTES, ebsAccessSchema, ebsSnapshotLocationSchema } from '../../functions/contracts/aws-access.ts'
import { planDisk } from '../../functions/domain/encoding/disk-plan.ts'
import { Scratch } from '../../functions/domain/encoding/part-encoder.ts'
import { openEbsRoute } from '../../functions/readers/ebs/ebs.ts'
import { EbsClient } from '../../functions/readers/ebs/ebs-client.ts'

const [act = '', given = ''] = process.argv.slice(2)
const { site, location: place } = JSON.parse(given) as { site: unknown; location: unknown }
const access = ebsAccessSchema.parse(site)
const location = ebsSnapshotLocationSchema.parse(place)
const deps = { now: () => new Date(), sleep: async () => undefined, random: Math.random }
/** As many parts as a function has in flight by default. */
const LANES = 2
const FRAME_BLOCKS = 8
const compress = promisify(zstdCompress)

/** All blocks with their tokens. */
async function listed(): Promise<{ index: number; token: string }[]> {
  const client = new EbsClient('bench', access, location, deps)
  const { blocks, nextToken } = await client.page({ startingBlockIndex: 0 }, 10_000)
  client.close()
  if (nextToken !== undefined) throw new Error('the bench reads one page of blocks')
  return blocks
}

/** Signed requests and their answers alone: nothing is summed or compared. */
async function requests(): Promise<object> {
  const blocks = await listed()
  const calls = new AwsCalls(deps.now, 32)
  const { accessKeyId = '', secretAccessKey = '' } = access.auth ?? {}
  const url = (index: number, token: string): URL => {
    const block = new URL(`${access.endpoints?.ebs ?? ''}/snapshots/${location.snapshotId}/blocks/${index}`)
    block.searchParams.set('blockToken', token)
    return block
  }
  let next = 0
  const lane = async (): Promise<void> => {
    const target = Buffer.allocUnsafeSlow(EBS_BLOCK_BYTES)
    for (let block = blocks[next++]; block !== undefined; block = blocks[next++]) {
      const { region } = location
      const call = {
        service: 'ebs' as const,
        region,
        method: 'GET' as const,
        url: url(block.index, block.token),
        target,
      }
      const { filledTarget } = await calls.send(call, { accessKeyId, secretAccessKey })
      if (!filledTarget) throw new Error('no block')
    }
  }
  await Promise.all(Array.from({ length: LANES * FRAME_BLOCKS }, lane))
  calls.close()
  return { blocks: blocks.length }
}

/** The bytes that the lab has, again and again: like enough for what a processor does with them. */
async function sample(): Promise<{ frames: Buffer[]; count: number }> {
  const blocks = await listed()
  const reader = await openEbsRoute('bench', access, deps).open(location)
  const frames: Buffer[] = []
  for (const { index } of blocks.slice(0, 8)) {
    const frame = Buffer.alloc(EBS_BLOCK_BYTES)
    await reader.read(index * EBS_BLOCK_BYTES, frame)
    frames.push(frame)
  }
  await reader.close()
  return { frames: [Buffer.concat(frames)], count: Math.ceil(blocks.length / FRAME_BLOCKS) }
}

/** SHA-256 of each block, and the CRC-32 of all. */
async function sums(): Promise<object> {
  const { frames, count } = await sample()
  let sum = 0
  for (let frame = 0; frame < count; frame += 1) {
    const bytes = frames[frame % frames.length] ?? Buffer.alloc(0)
    for (let at = 0; at < bytes.length; at += EBS_BLOCK_BYTES)
      hash('sha256', bytes.subarray(at, at + EBS_BLOCK_BYTES), 'base64')
    sum = crc32(bytes, sum)
  }
  return { sum }
}

/** zstd of frames of 4 MiB, level 1, with its checksum; and the CRC-32 of what comes out. */
async function encode(): Promise<object> {
  const { frames, count } = await sample()
  let sizeBytes = 0
  const params = { [constants.ZSTD_c_compressionLevel]: 1, [constants.ZSTD_c_checksumFlag]: 1 }
  for (let frame = 0; frame < count; frame += 1) {
    const made = await compress(frames[frame % frames.length] ?? Buffer.alloc(0), { params })
    sizeBytes += made.length
    crc32(made)
  }
  return { sizeBytes }
}

/** As Copy parts does it, but for sending. */
async function archive(): Promise<object> {
  const reader = await openEbsRoute('bench', access, deps).open(location)
  const map = await reader.allocation?.()
  const plan = planDisk({ sourceRef: 'bench', sizeBytes: reader.opened.sizeBytes, map })
  const encoder = rawDiskEncoder(plan, map)
  let [next, sizeBytes] = [1, 0]
  const lane = async (): Promise<void> => {
    const scratch = new Scratch()
    for (let part = next++; part <= encoder.sourceParts; part = next++) {
      const made = await encoder.encode(
        part,
        (position, target, signal) => reader.read(position, target, signal),
        scratch,
      )
      sizeBytes += made.sizeBytes
    }
  }
  await Promise.all(Array.from({ length: LANES }, lane))
  await reader.close()
  return { sizeBytes, parts: encoder.sourceParts, heldBytes: encoder.heldBytes * LANES }
}

/** What starting, loading and listing take. */
async function nothing(): Promise<object> {
  await sample()
  return {}
}

const acts: Record<string, () => Promise<object>> = { requests, sums, encode, archive, nothing }
console.log(JSON.stringify(await acts[act]?.()))

/** Whole disks are given to a platform: a disk of three parts with holes and written zeros, read of a store in memory. */
import { createHash } from 'node:crypto'
import { crc32 } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { rawDiskEncoder } from '../../../../functions/archive-formats/raw-disk/encoder.ts'
import type { AllocationMap, DiskPlan } from '../../../../functions/contracts/disk-archive.ts'
import { ConnectionDropped } from '../../../../functions/contracts/errors.ts'
import { paceSchema } from '../../../../functions/contracts/pace.ts'
import { restoreRecordSchema, type RestoreRecord } from '../../../../functions/contracts/restore-record.ts'
import {
  allocationMapKey,
  diskPlanKey,
  restorePrefix,
  restoreRecordKey,
} from '../../../../functions/domain/books/object-keys.ts'
import { mapSum, writtenIn } from '../../../../functions/domain/encoding/allocation-map.ts'
import { Scratch } from '../../../../functions/domain/encoding/part-encoder.ts'
import { keepLease } from '../../../../functions/operations/books/restore-leases.ts'
import { deliverParts } from '../../../../functions/operations/restore/deliver-parts.ts'
import { finishDelivery } from '../../../../functions/operations/restore/finish-delivery.ts'
import { planDelivery } from '../../../../functions/operations/restore/plan-delivery.ts'
import type { BlockSums, DiskWriter } from '../../../../functions/writers/disk-writer.ts'
import { fakePorts } from '../../../fakes/ports.ts'

const BLOCK = 512 * 1024
const FRAME = 8 * BLOCK
const RESTORE = { id: 'restore-1', startedAt: '2026-11-24T03:00:00.000Z' }
const WORK = { restore: RESTORE, execution: 'arn:restore:one' }
const KEY = 'archives/aws/vm-i-1/2026-11-24T02-00-00Z/xvda.raw.zst'
const map: AllocationMap = {
  version: 1,
  sizeBytes: 5 * FRAME,
  blockBytes: BLOCK,
  runs: [
    [0, 3],
    [10, 8],
    [36, 4],
  ],
}
const plan: DiskPlan = {
  version: 1,
  encoding: 'raw-disk',
  sourceRef: 'snap-1',
  sizeBytes: map.sizeBytes,
  allocatedBytes: 15 * BLOCK,
  mapSum: mapSum(map),
  frameBytes: FRAME,
  level: 1,
  bounds: [0, FRAME, 3 * FRAME, 5 * FRAME],
}
const written = [...writtenIn(map, { from: 0, to: map.sizeBytes })]
/** Block 2 was written with zeros. */
const disk = Buffer.alloc(map.sizeBytes)
for (const { from, to } of written)
  for (let at = from; at < to; at += BLOCK) if (at !== 2 * BLOCK) disk.fill(at / BLOCK + 1, at, at + BLOCK)

async function archive(): Promise<Buffer> {
  const encoder = rawDiskEncoder(plan, map)
  const read = async (at: number, target: Buffer) => {
    disk.copy(target, 0, at, at + target.length)
    return crc32(target)
  }
  const parts = [1, 2, 3].map((part) => encoder.encode(part, read, new Scratch()))
  const made = []
  for (const part of parts) made.push(await part)
  const records = new Map(
    made.flatMap(({ partNumber, record }) => (record === undefined ? [] : [[partNumber, record]])),
  )
  const assembly = encoder.assemble(made, records)
  if ('missing' in assembly) throw new Error('the disk could not be archived')
  return Buffer.concat([...made, ...assembly.closing].flatMap(({ slices }) => [...slices]))
}

/** Takes blocks into memory. */
class MemoryDisk implements DiskWriter {
  readonly blockBytes = BLOCK
  readonly puts: number[] = []
  readonly blocks = new Map<number, Buffer>()
  sealed: BlockSums | undefined
  begun = 0
  /** A put of this block fails, once. */
  failAt: number | undefined

  async begin(): Promise<string> {
    this.begun += 1
    return 'snap-2'
  }

  async put(_disk: unknown, index: number, block: Buffer): Promise<Buffer> {
    if (this.failAt === index) {
      this.failAt = undefined
      throw new ConnectionDropped('The connection was cut.')
    }
    this.puts.push(index)
    this.blocks.set(index, Buffer.from(block))
    return createHash('sha256').update(block).digest()
  }

  async seal(_disk: unknown, sums: BlockSums): Promise<void> {
    this.sealed = sums
  }

  async *blocksOf(): AsyncGenerator<number> {
    yield* [...this.blocks.keys()].toSorted((one, other) => one - other)
  }

  async close(): Promise<void> {}
}

async function openBed(
  change: (record: RestoreRecord) => void = () => undefined,
  spoil = (_bytes: Buffer): void => undefined,
) {
  const body = await archive()
  spoil(body)
  const ports = fakePorts()
  ports.clock.now = new Date(RESTORE.startedAt)
  const { store } = ports
  store.objects.set(KEY, { body, etag: '"disk"' })
  await store.writeText(diskPlanKey(KEY), JSON.stringify(plan))
  await store.writeText(allocationMapKey(KEY), JSON.stringify(map))
  const file = { fileName: 'xvda.raw.zst', key: KEY, etag: '"disk"', sizeBytes: body.length, crc32: crc32(body) }
  const record = restoreRecordSchema.parse({
    version: 1,
    restoreId: RESTORE.id,
    startedAt: RESTORE.startedAt,
    request: { archive: 'aws/vm-i-1', site: 'hq', confirm: true },
    archive: {
      folder: 'archives/aws/vm-i-1/2026-11-24T02-00-00Z/',
      site: 'aws',
      platform: 'ec2',
      platformVersion: '1',
      guest: { id: 'i-1', kind: 'vm', name: 'web', node: 'eu-central-1a' },
      createdAt: '2026-11-24T02:00:00.000Z',
      ...file,
      disks: [
        {
          ...file,
          disk: {
            sizeBytes: map.sizeBytes,
            crc32: crc32(disk),
            writtenBytes: 15 * BLOCK,
            parts: 3,
            partBytes: 8 * BLOCK,
          },
        },
      ],
    },
    token: '0f1e2d3c4b5a6978',
    target: { id: 'i-1', node: 'eu-central-1a' },
    newDisks: [
      {
        fileName: 'xvda.raw.zst',
        target: { type: 'ebs-snapshot', region: 'eu-central-1', sizeGib: 1, encrypted: false, tags: [] },
      },
    ],
    findings: [],
    warnings: [],
    steps: {},
  })
  change(record)
  const prefix = restorePrefix('', RESTORE.id, RESTORE.startedAt)
  await store.writeText(restoreRecordKey(prefix), JSON.stringify(record))
  const writer = new MemoryDisk()
  const all = { ...ports, diskWriter: async () => writer }
  await keepLease(WORK, record, all)
  return {
    writer,
    ports: all,
    plan: () => planDelivery({ ...WORK, pace: paceSchema.parse({}), results: [] }, all),
    deliver: (firstPart: number, lastPart: number) =>
      deliverParts({ ...WORK, chunk: { firstPart, lastPart }, order: { seconds: 60, partsInFlight: 2 } }, all),
    finish: () => finishDelivery({ ...WORK, bytesSent: 0 }, all),
    record: async () =>
      restoreRecordSchema.parse(JSON.parse((await store.readText(restoreRecordKey(prefix)))?.text ?? '')),
  }
}

describe('giving whole disks to a platform', () => {
  it('puts every block that was ever written, once, and seals the disk with the sum over all of them', async () => {
    const bed = await openBed()
    expect(await bed.plan()).toMatchObject({ chunks: [{ firstPart: 1, lastPart: 3 }] })
    expect(await bed.deliver(1, 3)).toMatchObject({ partsSent: 3, bytesSent: 15 * BLOCK })
    expect(await bed.plan()).toMatchObject({ chunks: [], missingBytes: 0 })
    await bed.finish()
    expect(bed.writer.puts.toSorted((one, other) => one - other)).toEqual([
      0, 1, 2, 10, 11, 12, 13, 14, 15, 16, 17, 36, 37, 38, 39,
    ])
    for (const [index, block] of bed.writer.blocks) {
      expect(block.equals(disk.subarray(index * BLOCK, (index + 1) * BLOCK))).toBe(true)
    }
    const sums = [...bed.writer.blocks]
      .toSorted(([one], [other]) => one - other)
      .map(([, block]) => createHash('sha256').update(block).digest())
    expect(bed.writer.sealed).toEqual({ count: 15, sha256: createHash('sha256').update(Buffer.concat(sums)).digest() })
    expect(bed.writer.begun).toBe(1)
    const { newDisks, steps } = await bed.record()
    expect(newDisks?.[0]).toMatchObject({ ref: 'snap-2', sealedAt: RESTORE.startedAt })
    expect(steps.deliveredAt).toBeDefined()
  })

  it('puts no part again that was finished, and all of one that was not', async () => {
    const bed = await openBed()
    await bed.plan()
    bed.writer.failAt = 14
    await expect(bed.deliver(1, 3)).rejects.toMatchObject({ name: 'ConnectionDropped' })
    await bed.deliver(1, 1)
    const before = bed.writer.puts.filter((index) => index < 8).length
    expect(await bed.plan()).toMatchObject({ chunks: [{ firstPart: 2 }] })
    await bed.deliver(1, 3)
    expect(bed.writer.puts.filter((index) => index < 8)).toHaveLength(before)
    await bed.finish()
    expect(bed.writer.sealed?.count).toBe(15)
  })

  it('notices a damaged frame, and seals nothing', async () => {
    const bed = await openBed(undefined, (body) => {
      body[60] = (body[60] ?? 0) ^ 0xff
    })
    await bed.plan()
    await expect(bed.deliver(1, 3)).rejects.toMatchObject({ name: 'NotAnArchive' })
    expect(bed.writer.sealed).toBeUndefined()
  })

  it('seals no disk that is another one than the manifest has', async () => {
    const bed = await openBed(({ archive }) => {
      for (const each of archive.disks ?? []) each.disk.crc32 ^= 1
    })
    await bed.plan()
    await bed.deliver(1, 3)
    await expect(bed.finish()).rejects.toMatchObject({ name: 'ChecksumMismatch' })
    expect(bed.writer.sealed).toBeUndefined()
  })

  it('does not finish while a part is missing', async () => {
    const bed = await openBed()
    await bed.plan()
    await bed.deliver(1, 2)
    await expect(bed.finish()).rejects.toMatchObject({
      name: 'ChecksumMismatch',
      message: expect.stringMatching(/Part 3/),
    })
  })

  it('says what to do when the map beside the disk is gone or another', async () => {
    const bed = await openBed()
    await bed.plan()
    await bed.ports.store.writeText(allocationMapKey(KEY), JSON.stringify({ ...map, runs: [[0, 3]] }))
    await expect(bed.deliver(1, 3)).rejects.toMatchObject({
      name: 'ArchiveConflict',
      message: expect.stringMatching(/Restore another archive, or this one by hand with "zstd -d"/),
    })
  })
})

/**
 * A disk through the embedded S3, which holds to S3's rules: parts of 5 MiB at least, numbers without a gap, a sum over
 * the whole. Workers die where it hurts, and others go on.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { CreateBucketCommand } from '@aws-sdk/client-s3'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { rawDiskEncoder } from '../../../../functions/archive-formats/raw-disk/encoder.ts'
import { S3ArchiveStore } from '../../../../functions/aws/s3-archive-store.ts'
import { createS3Client } from '../../../../functions/aws/s3-client.ts'
import type { DiskPlan } from '../../../../functions/contracts/disk-archive.ts'
import { allocationMapKey, diskPlanKey, partRecordKey } from '../../../../functions/domain/books/object-keys.ts'
import { Scratch } from '../../../../functions/domain/encoding/part-encoder.ts'
import {
  readPartRecords,
  recordedParts,
  removePartRecords,
  writePartRecord,
} from '../../../../functions/operations/books/part-records.ts'
import { allocationMapShape, diskPlanShape } from '../../../../functions/operations/books/shapes.ts'
import { readRecord, writeRecord } from '../../../../functions/operations/books/stored-json.ts'
import { startS3 } from '../../../../local/s3/server.ts'
import { allParts, diskOf, joined, MIB, planWith, readerOf, times } from './made-disks.ts'

const credentials = { accessKeyId: 'test', secretAccessKey: 'test' }
const disk = diskOf(
  [
    'hole',
    'text',
    'random',
    ...times(9, 'hole' as const),
    'zeros',
    ...times(20, 'hole' as const),
    'random',
    ...times(9, 'text' as const),
  ],
  512,
)
let bed: { store: S3ArchiveStore; close(): Promise<void> }

beforeAll(async () => {
  const directory = await mkdtemp(join(tmpdir(), 'guestlift-disk-s3-'))
  const server = await startS3({ directory, ...credentials })
  const client = createS3Client({ endpoint: server.url, region: 'us-east-1', credentials, maxAttempts: 2 })
  await client.send(new CreateBucketCommand({ Bucket: 'archives' }))
  bed = {
    store: new S3ArchiveStore(client, 'archives', { random: () => 0.5, sleep: async () => undefined }),
    close: async () => {
      client.destroy()
      await server.close()
      await rm(directory, { recursive: true })
    },
  }
})
afterAll(() => bed.close())

type Death = 'before-record' | 'after-record' | 'after-part'
class Died extends Error {}

interface Upload {
  key: string
  uploadId: string
}

async function openUpload(key: string, partBytes = 12 * MIB): Promise<Upload> {
  await writeRecord(bed.store, diskPlanKey(key), diskPlanShape, planWith(disk, partBytes))
  await writeRecord(bed.store, allocationMapKey(key), allocationMapShape, disk.map)
  return { key, uploadId: await bed.store.createUpload(key) }
}

/** What a function call has to begin with: what lies in the bucket, and nothing else. */
async function encoderFor({ key }: Upload, change: Partial<DiskPlan> = {}) {
  const plan = await readRecord(bed.store, diskPlanKey(key), diskPlanShape)
  const map = await readRecord(bed.store, allocationMapKey(key), allocationMapShape)
  if (plan === undefined) throw new Error('no plan')
  return rawDiskEncoder({ ...plan, ...change }, map)
}

const place = () => ({ store: bed.store, keyPrefix: '' })

async function missingOf(upload: Upload): Promise<number[]> {
  const encoder = await encoderFor(upload)
  const there = await bed.store.listParts(upload.key, upload.uploadId)
  return encoder.missing(there, await recordedParts(place(), upload.key))
}

/** Copies what is missing, and dies at a part. Returns what it sent. */
async function work(upload: Upload, sent: number[], dies?: { part: number; when: Death }): Promise<void> {
  const encoder = await encoderFor(upload)
  const scratch = new Scratch()
  for (const partNumber of await missingOf(upload)) {
    const death = dies?.part === partNumber ? dies.when : undefined
    const { slices, crc32, record } = await encoder.encode(partNumber, readerOf(disk.bytes), scratch)
    if (death === 'before-record') throw new Died()
    if (record !== undefined) await writePartRecord(place(), upload.key, record)
    if (death === 'after-record') throw new Died()
    await bed.store.putPart(upload.key, upload.uploadId, partNumber, Buffer.concat(slices), crc32)
    sent.push(partNumber)
    if (death === 'after-part') throw new Died()
  }
}

/** As completion has to go: parts that aren't what they should be lose their records, and nothing is completed. */
async function complete(upload: Upload) {
  const encoder = await encoderFor(upload)
  const there = await bed.store.listParts(upload.key, upload.uploadId)
  const assembly = encoder.assemble(there, await readPartRecords(place(), upload.key))
  if ('missing' in assembly) {
    await removePartRecords(
      place(),
      upload.key,
      assembly.missing.map(({ partNumber }) => partNumber),
    )
    return assembly
  }
  for (const { partNumber, slices, crc32 } of assembly.closing) {
    await bed.store.putPart(upload.key, upload.uploadId, partNumber, Buffer.concat(slices), crc32)
  }
  const parts = await bed.store.listParts(upload.key, upload.uploadId)
  const object = await bed.store.completeUpload(upload.key, upload.uploadId, parts, assembly.object.crc32)
  expect(object).toMatchObject(assembly.object)
  const bytes = await bed.store.readRange(upload.key, {
    firstByte: 0,
    lastByte: object.sizeBytes - 1,
    etag: object.etag,
  })
  async function* whole() {
    yield bytes
  }
  expect((await joined(encoder.decode(whole()))).equals(disk.bytes)).toBe(true)
  return assembly
}

describe('a disk through S3', () => {
  it('is finished by others after workers died before a record, between record and part, and after a part', async () => {
    const upload = await openUpload('archives/hq/vm-1/t/a.raw.zst', 4 * MIB)
    const sent: number[] = []
    const deaths: [number, Death][] = [
      [1, 'after-record'],
      [2, 'after-part'],
      [3, 'before-record'],
      [4, 'after-record'],
    ]
    for (const [part, when] of deaths) {
      await expect(work(upload, sent, { part, when })).rejects.toThrow(Died)
    }
    expect(await complete(upload)).toMatchObject({ missing: [{ partNumber: 4 }, { partNumber: 5 }, { partNumber: 6 }] })
    await work(upload, sent)
    // Each once: no part with a record of its own was sent again.
    expect(sent).toEqual(allParts(await encoderFor(upload)))
    expect(await complete(upload)).not.toHaveProperty('missing')
  })

  it('sends a part again whose record and bytes are of two workers, and only that', async () => {
    const upload = await openUpload('archives/hq/vm-1/t/b.raw.zst')
    const sent: number[] = []
    await work(upload, sent)
    const zombie = await (await encoderFor(upload, { level: 3 })).encode(1, readerOf(disk.bytes), new Scratch())
    await bed.store.putPart(upload.key, upload.uploadId, 1, Buffer.concat(zombie.slices), zombie.crc32)
    expect(await complete(upload)).toEqual({
      missing: [{ partNumber: 1, reason: 'S3 holds other bytes than its record says' }],
    })
    expect(await missingOf(upload)).toEqual([1])
    await work(upload, sent)
    expect(sent.slice(-1)).toEqual([1])
    expect(sent).toHaveLength(allParts(await encoderFor(upload)).length + 1)
    expect(await complete(upload)).not.toHaveProperty('missing')
  })

  it.each([
    ['cut short', (text: string) => text.slice(0, -4)],
    [
      'of one changed digit',
      (text: string) => text.replace(/"rawCrc32":(\d)/, (_, digit) => `"rawCrc32":${digit === '1' ? 2 : 1}`),
    ],
    ['another part’s', (text: string) => text.replace('"part":2', '"part":3')],
  ])('completes nothing by a record that is %s', async (name, change) => {
    const upload = await openUpload(`archives/hq/vm-1/t/${name.length}.raw.zst`)
    await work(upload, [])
    const key = partRecordKey('', upload.key, 2)
    const { text = '' } = (await bed.store.readText(key)) ?? {}
    await bed.store.writeText(key, change(text))
    expect(await complete(upload)).toMatchObject({ missing: [{ partNumber: 2 }] })
    expect(await missingOf(upload)).toEqual([2])
    await work(upload, [])
    expect(await complete(upload)).not.toHaveProperty('missing')
  })
})

/**
 * Moving parts into stores that compute no CRC-32, over real sockets: what is sent once is never sent again, and a wrong
 * byte is found, at each level of proof.
 */
import { randomBytes } from 'node:crypto'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { crc32 } from 'node:zlib'
import { afterEach, describe, expect, it } from 'vitest'
import { S3ArchiveStore } from '../../../../functions/aws/s3-archive-store.ts'
import { createS3Client } from '../../../../functions/aws/s3-client.ts'
import type { LesserLevel } from '../../../../functions/contracts/proof.ts'
import type { Upload } from '../../../../functions/contracts/upload.ts'
import { crc32ToBase64 } from '../../../../functions/domain/transfer/crc32.ts'
import { writeUploadRecord } from '../../../../functions/operations/books/upload-record.ts'
import { completeUpload } from '../../../../functions/operations/transfer/complete-upload.ts'
import { copyParts } from '../../../../functions/operations/transfer/copy-parts.ts'
import { md5Of } from '../../../../functions/operations/transfer/md5.ts'
import { openUpload } from '../../../../functions/operations/transfer/open-upload.ts'
import { readBack } from '../../../../functions/operations/transfer/read-back.ts'
import { verifyArchive } from '../../../../functions/operations/transfer/verify-archive.ts'
import type { FaultPlan } from '../../../../local/s3/faults.ts'
import type { Lack } from '../../../../local/s3/lacks.ts'
import { startS3 } from '../../../../local/s3/server.ts'
import { execution, item as usualItem } from '../../../fakes/ports.ts'
import { copyInput, type Scene, scene } from './fake-source.ts'

const MIB = 2 ** 20
const PART = 5 * MIB
const SIZE = 12 * MIB + 7
const credentials = { accessKeyId: 'test', secretAccessKey: 'test-secret' }
const ended: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const end of ended.splice(0).toReversed()) await end()
})

/** Kinds of stores, with the level that their test finds. */
const kinds: Record<LesserLevel, Lack[]> = {
  'part-checksums': ['checksum-headers'],
  'read-back': ['checksums', 'hash-of-hashes', 'part-hashes'],
}
const levels = ['part-checksums', 'read-back'] as const

async function bed(level: LesserLevel, ...more: Lack[]) {
  const directory = await mkdtemp(join(tmpdir(), 'guestlift-levels-'))
  ended.push(() => rm(directory, { recursive: true }))
  const faults: { plan?: FaultPlan } = {}
  const sent: number[] = []
  const done: string[] = []
  const server = await startS3({
    directory,
    ...credentials,
    buckets: ['archives'],
    lacks: [...kinds[level], ...more],
    faults: (subject) => faults.plan?.(subject),
    onDone: ({ operation, partNumber }) => {
      done.push(operation)
      if (operation === 'UploadPart') sent.push(partNumber ?? 0)
    },
  })
  ended.push(() => server.close())
  const client = createS3Client({ endpoint: server.url, region: 'us-east-1', credentials, maxAttempts: 2 })
  ended.push(async () => client.destroy())
  const store = new S3ArchiveStore(client, 'archives', { random: () => 0, sleep: async () => undefined })
  const there = scene(SIZE)
  const on = { ...there, ports: { ...there.ports, store } }
  const item = { ...usualItem, run: { ...usualItem.run, proof: level } }
  const upload: Upload = {
    key: on.key,
    uploadId: await store.bare.create(on.key),
    partSizeBytes: PART,
    partCount: 3,
    proof: level,
    source: { sizeBytes: SIZE, modifiedAt: on.source.modifiedAt },
  }
  const source = { ...upload.source, artifactRef: on.artifact.artifactRef }
  const { key, uploadId, partSizeBytes, partCount } = upload
  const record = { version: 1 as const, key, uploadId, partSizeBytes, partCount, proof: level, source, item }
  await writeUploadRecord(on.ports, { ...record, openedAt: '2026-11-22T02:00:00.000Z' }, undefined)
  const copy = (chunk = { firstPart: 1, lastPart: 3 }) =>
    copyParts(copyInput(on as unknown as Scene, upload, { chunk, item }), on.ports)
  const input = { item, execution, artifact: on.artifact, upload, bytesSent: SIZE }
  const complete = (ports = on.ports) => completeUpload({ ...input }, ports)
  const reopen = () => openUpload({ item, artifact: on.artifact }, on.ports)
  return { ...on, store, item, upload, faults, sent, done, directory, copy, complete, reopen }
}

describe.each(levels)('an upload to be proved at the level of %s', (level) => {
  it('becomes an object with the CRC-32 of the bytes that were read, and says by what it is proved', async () => {
    const on = await bed(level)
    await on.copy()
    const { stored } = await on.complete()
    expect(stored).toMatchObject({
      sizeBytes: SIZE,
      checksum: `CRC32:${crc32ToBase64(crc32(on.source.body))}`,
      proof: { level, etag: expect.stringMatching(level === 'read-back' ? /^[0-9a-f]{32}$/ : /^[0-9a-f]{32}-3$/) },
    })
    const artifacts = [on.artifact]
    expect(await verifyArchive({ item: on.item, artifacts, stored: [stored] }, on.ports)).toEqual({ matches: true })
  })

  it('goes on where it was: no part that the store has is read or sent again', async () => {
    const on = await bed(level)
    await on.copy({ firstPart: 1, lastPart: 2 })
    expect(on.sent.toSorted((one, other) => one - other)).toEqual([1, 2])
    const { upload } = await on.reopen()
    expect(upload).toEqual(on.upload)
    await on.copy()
    expect(on.sent.toSorted((one, other) => one - other)).toEqual([1, 2, 3])
    expect(on.source.readPositions).toHaveLength(new Set(on.source.readPositions).size)
    expect((await on.complete()).stored.proof?.level).toBe(level)
  })

  it('sends a part again whose sums nobody knows', async () => {
    const on = await bed(level)
    const body = on.source.body.subarray(0, PART)
    await on.store.bare.putPart(on.key, on.upload.uploadId, 1, [body], { md5: md5Of([body]), etagIsMd5: false })
    await on.copy()
    expect(on.sent.toSorted((one, other) => one - other)).toEqual([1, 1, 2, 3])
    expect((await on.complete()).stored.proof?.level).toBe(level)
  })

  it('gives the same answer when that to the completion was lost', async () => {
    const on = await bed(level)
    await on.copy()
    on.faults.plan = ({ operation, count }) =>
      operation === 'CompleteMultipartUpload' && count === 1 ? 'lose-answer' : undefined
    const first = await on.complete()
    const again = await on.complete()
    expect(again).toEqual(first)
    const reopened = await on.reopen()
    expect(reopened.alreadyStored).toMatchObject({ checksum: first.stored.checksum, proof: first.stored.proof })
  })

  it('is refused when a part arrives damaged, by the store where it compares MD5', async () => {
    const on = await bed(level)
    on.faults.plan = ({ operation, partNumber }) =>
      operation === 'UploadPart' && partNumber === 2 ? 'corrupt' : undefined
    await expect(on.copy()).rejects.toMatchObject({
      name: 'ChecksumMismatch',
      message: expect.stringMatching(/part 2 arrived damaged/),
    })
  })

  it('leaves no object that counts when the store keeps a wrong byte and says nothing', async () => {
    const on = await bed(level, 'content-md5')
    on.faults.plan = ({ operation, partNumber }) =>
      operation === 'UploadPart' && partNumber === 2 ? 'corrupt' : undefined
    const ended = on.copy().then(() => on.complete())
    await expect(ended).rejects.toMatchObject({
      name: 'ChecksumMismatch',
      message: expect.stringMatching(
        level === 'read-back'
          ? /was read back whole: its 12582919 bytes have CRC-32/
          : /took part 2 with the ETag .*; sent/,
      ),
    })
    const reopened = await on.reopen().catch(({ name }: Error) => ({ refused: name }))
    expect(reopened).not.toHaveProperty('alreadyStored')
  })

  it('is not taken for another object of the same size under its key', async () => {
    const on = await bed(level)
    await on.copy()
    const { stored } = await on.complete()
    await on.store.remove(on.key)
    await on.store.writeText(on.key, randomBytes(SIZE))
    const verify = verifyArchive({ item: on.item, artifacts: [on.artifact], stored: [stored] }, on.ports)
    await expect(verify).rejects.toMatchObject({
      name: 'ChecksumMismatch',
      message: expect.stringMatching(/has the ETag .*, and the object that was proved had/),
    })
    await expect(on.reopen()).rejects.toMatchObject({ name: 'ArchiveConflict' })
  })
})

describe('reading back', () => {
  it('finds a byte that changed in the store after the part was taken', async () => {
    const on = await bed('read-back')
    // One after the other: all of them lie in one file then.
    await on.copy({ firstPart: 1, lastPart: 1 })
    await on.copy()
    flipByte(on.directory)
    await expect(on.complete()).rejects.toMatchObject({
      name: 'ChecksumMismatch',
      message: expect.stringMatching(/It has no manifest and doesn't count/),
    })
  })

  it('asks to be called again when its time is up, and goes on with the pieces that are left', async () => {
    const on = await bed('read-back')
    await on.copy()
    await expect(on.complete({ ...on.ports, remainingMilliseconds: () => 1000 })).rejects.toMatchObject({
      name: 'StoreUnavailable',
      message: expect.stringMatching(
        /is being read back, .*: \S+ \S+ of 12\S* MiB by now\. The next call goes on there\./,
      ),
    })
    const object = (await on.store.head(on.key)) ?? { sizeBytes: 0, etag: '' }
    let left = 2
    const soon = { ...on.ports, remainingMilliseconds: () => (left-- > 0 ? 900_000 : 0) }
    const sum = crc32(on.source.body)
    await expect(readBack(on.key, object, sum, soon, 4 * MIB)).rejects.toMatchObject({ name: 'StoreUnavailable' })
    const before = on.done.filter((operation) => operation === 'GetObject').length
    expect(await readBack(on.key, object, sum, on.ports, 4 * MIB)).toMatchObject({ level: 'read-back' })
    // Two of four pieces were read before.
    expect(on.done.filter((operation) => operation === 'GetObject').length - before).toBe(2)
    expect((await on.complete()).stored.proof?.level).toBe('read-back')
  })

  it('takes the place of part checksums when the ETag has another form than the test found', async () => {
    const on = await bed('part-checksums', 'hash-of-hashes')
    await on.copy()
    const first = await on.complete()
    expect(first.stored.proof).toMatchObject({ level: 'read-back' })
    const reads = on.done.filter((operation) => operation === 'GetObject').length
    expect(await on.complete()).toEqual(first)
    // The record and the claim, and none of the object.
    expect(on.done.filter((operation) => operation === 'GetObject').length - reads).toBeLessThanOrEqual(3)
  })
})

describe('an upload that was opened for full-object CRC-32', () => {
  it('asks the store for nothing beside, and leaves no sums', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'guestlift-levels-'))
    ended.push(() => rm(directory, { recursive: true }))
    const done: string[] = []
    const server = await startS3({
      directory,
      ...credentials,
      buckets: ['archives'],
      onDone: ({ operation, key = '' }) => void done.push(key.startsWith('claims/') ? 'claim' : operation),
    })
    ended.push(() => server.close())
    const client = createS3Client({ endpoint: server.url, region: 'us-east-1', credentials })
    ended.push(async () => client.destroy())
    const store = new S3ArchiveStore(client, 'archives', { random: () => 0, sleep: async () => undefined })
    const there = scene(SIZE)
    const on = { ...there, ports: { ...there.ports, store } }
    const { upload } = await openUpload({ item: usualItem, artifact: on.artifact }, on.ports)
    done.length = 0
    await copyParts(copyInput(on as unknown as Scene, upload), on.ports)
    const input = { item: usualItem, execution, artifact: on.artifact, upload, bytesSent: SIZE }
    const { stored } = await completeUpload(input, on.ports)
    expect(stored).not.toHaveProperty('proof')
    // The record of the upload is read, and written with the sum.
    const expected = [
      'ListParts',
      'UploadPart',
      'ListParts',
      'GetObject',
      'PutObject',
      'CompleteMultipartUpload',
      'HeadObject',
    ]
    expect(done.filter((operation) => operation !== 'claim')).toEqual(expected)
  })

  it('is begun anew when the store computes none any more, and not finished with less', async () => {
    const on = await bed('part-checksums')
    const held = await on.store.readText(on.recordKey)
    const { proof: _without, ...older } = JSON.parse(held?.text ?? '{}') as { proof?: string }
    await on.store.writeText(on.recordKey, JSON.stringify(older))
    const { upload } = await on.reopen()
    expect(upload.uploadId).not.toBe(on.upload.uploadId)
    expect(upload.proof).toBe('part-checksums')
  })
})

/** In the file that the parts of the open upload lie in. */
function flipByte(directory: string): void {
  const names = readdirSync(directory, { recursive: true, encoding: 'utf8' })
  const file = join(directory, names.find((name) => /assembly-\d+$/.test(name)) ?? '')
  const bytes = readFileSync(file)
  bytes.writeUInt8(bytes.readUInt8(7 * MIB) ^ 1, 7 * MIB)
  writeFileSync(file, bytes)
}

import { describe, expect, it } from 'vitest'
import { completeUpload } from '../../../../functions/operations/transfer/complete-upload.ts'
import { copyParts } from '../../../../functions/operations/transfer/copy-parts.ts'
import { openUpload } from '../../../../functions/operations/transfer/open-upload.ts'
import { uploadRecordSchema } from '../../../../functions/contracts/upload-record.ts'
import { execution, item, itemOf } from '../../../fakes/ports.ts'
import { copyInput, type Scene, scene } from './fake-source.ts'

const MIB = 2 ** 20

async function record(on: Scene) {
  return uploadRecordSchema.parse(JSON.parse((await on.ports.store.readText(on.recordKey))?.text ?? ''))
}

/** Replace the record's part size by a small one, so that small sources have many parts. */
async function cutSmall(on: Scene, partSizeBytes: number): Promise<void> {
  const small = { ...(await record(on)), partSizeBytes, partCount: Math.ceil(on.source.body.length / partSizeBytes) }
  await on.ports.store.writeText(on.recordKey, JSON.stringify(small))
}

describe('opening an upload', () => {
  it('opens one and notes it', async () => {
    const on = scene()
    const result = await openUpload({ item, artifact: on.artifact }, on.ports)
    expect(result).toEqual({
      upload: {
        key: on.key,
        uploadId: 'upload-1',
        partSizeBytes: 64 * MIB,
        partCount: 1,
        source: { sizeBytes: on.source.body.length, modifiedAt: on.source.modifiedAt },
      },
    })
    expect(await record(on)).toMatchObject({ uploadId: 'upload-1', source: { artifactRef: on.artifact.artifactRef } })
    expect(on.source.closed).toBe(on.source.opened)
  })

  it("asks for the job's storage class, and for none where it names none", async () => {
    const on = scene()
    await openUpload({ item: { ...item, storageClass: 'STANDARD_IA' }, artifact: on.artifact }, on.ports)
    expect([...on.ports.store.askedClasses]).toEqual([[on.key, 'STANDARD_IA']])
    const usual = scene()
    await openUpload({ item, artifact: usual.artifact }, usual.ports)
    expect([...usual.ports.store.askedClasses]).toEqual([])
  })

  it('asks a store without CRC-32 for it, too', async () => {
    const on = scene()
    const run = { ...item.run, proof: 'read-back' as const }
    await openUpload({ item: { ...item, run, storageClass: 'STANDARD_IA' }, artifact: on.artifact }, on.ports)
    expect([...on.ports.store.askedClasses]).toEqual([[on.key, 'STANDARD_IA']])
  })

  it('refuses a source whose size is not the one that the platform told', async () => {
    const on = scene()
    on.source.body = on.source.body.subarray(1)
    await expect(openUpload({ item, artifact: on.artifact }, on.ports)).rejects.toMatchObject({
      name: 'SourceChanged',
      message: expect.stringMatching(/9998 bytes, the platform said 9999/),
    })
    expect(on.ports.store.uploads.size).toBe(0)
  })

  it('resumes the upload of another execution', async () => {
    const on = scene()
    const first = await openUpload({ item, artifact: on.artifact }, on.ports)
    await cutSmall(on, 1000)
    const { upload } = await openUpload({ item, artifact: on.artifact }, on.ports)
    await copyParts(copyInput(on, upload, { chunk: { firstPart: 1, lastPart: 6 } }), on.ports)
    const resumed = await openUpload({ item: itemOf('run-2'), artifact: on.artifact }, on.ports)
    expect(resumed.upload.uploadId).toBe(first.upload.uploadId)
    expect(resumed.alreadyStored).toBeUndefined()
  })

  it.each([
    ['the source has another time', async (on: Scene) => void (on.source.modifiedAt = '2026-11-22T05:00:00.000Z')],
    [
      'the artifact is another one',
      async (on: Scene) => void (on.artifact.artifactRef = 'other:backup/of-the-same-name'),
    ],
    ['S3 has lost the upload', async (on: Scene) => on.ports.store.uploads.clear()],
  ])('starts anew and aborts the old upload when %s', async (_why, change) => {
    const on = scene()
    await openUpload({ item, artifact: on.artifact }, on.ports)
    await change(on)
    const { upload } = await openUpload({ item, artifact: on.artifact }, on.ports)
    expect(upload.uploadId).toBe('upload-2')
    expect([...on.ports.store.uploads.keys()]).toEqual(['upload-2'])
    expect((await record(on)).uploadId).toBe('upload-2')
  })

  it.each([
    ['is of a newer version', '{"version":2,"writtenBy":"guestlift/9"}', 'RecordTooNew'],
    ['is no JSON', 'garbage', 'RecordUnreadable'],
    ['is empty', '', 'RecordUnreadable'],
  ])('touches nothing where the record %s: it may hold the only sum of a finished object', async (_how, text, name) => {
    const on = scene()
    await openUpload({ item, artifact: on.artifact }, on.ports)
    await on.ports.store.writeText(on.recordKey, text)
    await expect(openUpload({ item, artifact: on.artifact }, on.ports)).rejects.toMatchObject({
      name,
      message: expect.stringContaining(`s3://memory/${on.recordKey}`),
    })
    expect([...on.ports.store.uploads.keys()]).toEqual(['upload-1'])
    expect((await on.ports.store.readText(on.recordKey))?.text).toBe(text)
  })

  it('aborts orphans of its key, and no other uploads', async () => {
    const on = scene()
    await on.ports.store.createUpload(on.key)
    const other = await on.ports.store.createUpload(`${on.key}.log`)
    const { upload } = await openUpload({ item, artifact: on.artifact }, on.ports)
    expect([...on.ports.store.uploads.keys()]).toEqual([other, upload.uploadId])
  })

  it('ends with one upload when many open it at once', async () => {
    const on = scene()
    const results = await Promise.all(
      Array.from({ length: 5 }, (_, index) =>
        openUpload({ item: itemOf(`run-${index}`), artifact: on.artifact }, on.ports),
      ),
    )
    const ids = new Set(results.map((result) => result.upload.uploadId))
    expect(ids.size).toBe(1)
    expect([...on.ports.store.uploads.keys()]).toEqual([...ids])
  })

  async function completed(): Promise<Scene & { checksum: string }> {
    const on = scene()
    const { upload } = await openUpload({ item, artifact: on.artifact }, on.ports)
    await copyParts(copyInput(on, upload), on.ports)
    const { stored } = await completeUpload(
      { item, execution, artifact: on.artifact, upload, bytesSent: 9999 },
      on.ports,
    )
    return { ...on, checksum: stored.checksum }
  }

  it('finds the archive stored when an earlier execution completed it and got no further', async () => {
    const on = await completed()
    const result = await openUpload({ item: itemOf('run-2'), artifact: on.artifact }, on.ports)
    expect(result.alreadyStored).toMatchObject({ key: on.key, checksum: on.checksum, bytesSent: 0, sizeBytes: 9999 })
    expect(on.ports.store.uploads.size).toBe(0)
  })

  it.each([
    ['nothing is known of it', (on: Scene) => on.ports.store.remove(on.recordKey)],
    ['the source has another time', async (on: Scene) => void (on.source.modifiedAt = '2026-11-22T05:00:00.000Z')],
    ['the object is another one of equal size', (on: Scene) => on.ports.store.writeText(on.key, 'x'.repeat(9999))],
  ])('does not believe in a stored archive when %s', async (_why, change) => {
    const on = await completed()
    await change(on)
    await expect(openUpload({ item, artifact: on.artifact }, on.ports)).rejects.toMatchObject({
      name: 'ArchiveConflict',
      message: expect.stringContaining(on.key),
    })
    expect(on.ports.store.objects.has(on.key)).toBe(true)
  })
})

import { crc32 } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { crc32ToBase64 } from '../../../../functions/domain/transfer/crc32.ts'
import { completeUpload } from '../../../../functions/operations/transfer/complete-upload.ts'
import { copyParts } from '../../../../functions/operations/transfer/copy-parts.ts'
import { execution, item } from '../../../fakes/ports.ts'
import { copyInput, putPart, scene, smallUpload } from './fake-source.ts'

async function copied() {
  const on = scene()
  const upload = await smallUpload(on)
  await copyParts(copyInput(on, upload), on.ports)
  return { on, upload, input: { item, execution, artifact: on.artifact, upload, bytesSent: 9999 } }
}

describe('completing an upload', () => {
  it('makes the object, proved by the sum over all bytes', async () => {
    const { on, input } = await copied()
    const { stored } = await completeUpload(input, on.ports)
    expect(stored).toEqual({
      key: on.key,
      fileName: on.artifact.fileName,
      sizeBytes: 9999,
      checksum: `CRC32:${crc32ToBase64(crc32(on.source.body))}`,
      partSizeBytes: 1000,
      partCount: 10,
      source: { sizeBytes: 9999, modifiedAt: on.source.modifiedAt },
      bytesSent: 9999,
      artifact: on.artifact,
    })
    expect(on.ports.store.objects.get(on.key)?.body.equals(on.source.body)).toBe(true)
  })

  it('gives the same answer when it is asked again because the first was lost', async () => {
    const { on, input } = await copied()
    const first = await completeUpload(input, on.ports)
    expect(await completeUpload(input, on.ports)).toEqual(first)
  })

  it('names the parts that are missing and completes nothing', async () => {
    const on = scene()
    const upload = await smallUpload(on)
    for (const partNumber of [1, 2, 4, 5, 6, 8, 9, 10]) await putPart(on, upload, partNumber)
    await expect(
      completeUpload({ item, execution, artifact: on.artifact, upload, bytesSent: 0 }, on.ports),
    ).rejects.toMatchObject({
      name: 'UploadVanished',
      message: expect.stringMatching(/8 of 10 parts.*: 3 \(it is not listed in its size\), 7 \(.*\)\. Nothing/),
    })
    expect(await on.ports.store.head(on.key)).toBeUndefined()
  })

  it('refuses parts beyond the last', async () => {
    const { on, upload, input } = await copied()
    await on.ports.store.putPart(on.key, upload.uploadId, 11, Buffer.from('more'), crc32('more'))
    await expect(completeUpload(input, on.ports)).rejects.toThrow(/beyond the last/)
  })

  it('refuses a source that changed after it was copied', async () => {
    const { on, input } = await copied()
    on.source.modifiedAt = '2026-11-22T09:00:00.000Z'
    await expect(completeUpload(input, on.ports)).rejects.toMatchObject({ name: 'SourceChanged' })
    expect(await on.ports.store.head(on.key)).toBeUndefined()
  })

  it('says UploadVanished when the upload is gone and no object came of it', async () => {
    const { on, upload, input } = await copied()
    await on.ports.store.abortUpload(on.key, upload.uploadId)
    await expect(completeUpload(input, on.ports)).rejects.toMatchObject({ name: 'UploadVanished' })
  })

  it('does not take an object of another upload for its own', async () => {
    const { on, upload, input } = await copied()
    await on.ports.store.abortUpload(on.key, upload.uploadId)
    await on.ports.store.writeText(on.key, 'x'.repeat(9999))
    await expect(completeUpload(input, on.ports)).rejects.toMatchObject({ name: 'UploadVanished' })
  })

  it('does not overwrite what took the key meanwhile', async () => {
    const { on, input } = await copied()
    await on.ports.store.writeText(on.key, 'somebody else')
    await expect(completeUpload(input, on.ports)).rejects.toMatchObject({ name: 'ArchiveConflict' })
  })
})

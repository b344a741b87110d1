import { describe, expect, it } from 'vitest'
import { completeUpload } from '../../../../functions/operations/transfer/complete-upload.ts'
import { openUpload } from '../../../../functions/operations/transfer/open-upload.ts'
import { copyParts } from '../../../../functions/operations/transfer/copy-parts.ts'
import { verifyArchive } from '../../../../functions/operations/transfer/verify-archive.ts'
import { execution, item } from '../../../fakes/ports.ts'
import { copyInput, type Scene, scene, smallUpload } from './fake-source.ts'

async function archived() {
  const on = scene()
  const upload = await smallUpload(on)
  await copyParts(copyInput(on, upload), on.ports)
  const { stored } = await completeUpload({ item, execution, artifact: on.artifact, upload, bytesSent: 9999 }, on.ports)
  return { on, input: { item, artifacts: [on.artifact], stored: [stored] } }
}

describe('verifying an archive', () => {
  it('agrees with what S3 holds, and may be asked again', async () => {
    const { on, input } = await archived()
    expect(await verifyArchive(input, on.ports)).toEqual({ matches: true })
    expect(await verifyArchive(input, on.ports)).toEqual({ matches: true })
  })

  it('leaves the upload record, by which a guest that is repeated before its manifest knows its object', async () => {
    const { on, input } = await archived()
    await verifyArchive(input, on.ports)
    expect(on.ports.store.objects.has(on.recordKey)).toBe(true)
    const { alreadyStored } = await openUpload({ item, artifact: on.artifact }, on.ports)
    expect(alreadyStored).toMatchObject({ checksum: input.stored[0]?.checksum, bytesSent: 0 })
  })

  it.each([
    ['the object is gone', (on: Scene) => on.ports.store.remove(on.key), /is gone/],
    ['the object has another size', (on: Scene) => on.ports.store.writeText(on.key, 'short'), /has 5 bytes/],
    ['the object has other bytes', (on: Scene) => on.ports.store.writeText(on.key, 'x'.repeat(9999)), /CRC32:/],
  ])('says ChecksumMismatch when %s', async (_why, change, message) => {
    const { on, input } = await archived()
    await change(on)
    await expect(verifyArchive(input, on.ports)).rejects.toMatchObject({
      name: 'ChecksumMismatch',
      message: expect.stringMatching(message),
    })
    expect(on.ports.store.objects.has(on.recordKey)).toBe(true)
  })

  it('misses an artifact that was never stored', async () => {
    const { on, input } = await archived()
    const other = { ...on.artifact, fileName: 'second-disk' }
    await expect(verifyArchive({ ...input, artifacts: [on.artifact, other] }, on.ports)).rejects.toThrow(/second-disk/)
  })

  it('does not believe a size that differs from the source', async () => {
    const { on, input } = await archived()
    const artifacts = [{ ...on.artifact, sizeBytes: 10_000 }]
    await expect(verifyArchive({ ...input, artifacts }, on.ports)).rejects.toMatchObject({
      name: 'ChecksumMismatch',
    })
  })
})

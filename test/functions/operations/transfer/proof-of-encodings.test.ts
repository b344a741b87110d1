/** Every encoding and every way of a part, where the store computes no CRC-32. */
import { createHash } from 'node:crypto'
import { crc32 } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { partSumsPrefix } from '../../../../functions/domain/books/object-keys.ts'
import { crc32OfText, crc32ToBase64 } from '../../../../functions/domain/transfer/crc32.ts'
import { completeUpload } from '../../../../functions/operations/transfer/complete-upload.ts'
import { copyParts } from '../../../../functions/operations/transfer/copy-parts.ts'
import { openUpload } from '../../../../functions/operations/transfer/open-upload.ts'
import type { Route } from '../../../../functions/readers/reader.ts'
import { execution, item as usualItem } from '../../../fakes/ports.ts'
import { copyInput, scene } from './fake-source.ts'

const MIB = 2 ** 20
const BLOCK = 128 * 1024
const levels = ['part-checksums', 'read-back'] as const

function bed(level: (typeof levels)[number], sizeBytes: number) {
  const on = scene(sizeBytes)
  on.ports.store.opaqueEtags = level === 'read-back'
  return { on, item: { ...usualItem, run: { ...usualItem.run, proof: level } } }
}

describe.each(levels)('at the level of %s', (level) => {
  it('a disk becomes frames with a seek table, as it does elsewhere', async () => {
    const { on, item } = bed(level, MIB)
    on.source.map = { version: 1, sizeBytes: MIB, blockBytes: BLOCK, runs: [[3, 2]] }
    on.artifact.encoding = 'raw-disk'
    const { upload } = await openUpload({ item, artifact: on.artifact }, on.ports)
    expect(upload).toMatchObject({ encoding: 'raw-disk', proof: level })
    await copyParts(copyInput(on, upload, { item }), on.ports)
    const input = { item, execution, artifact: on.artifact, upload, bytesSent: 0 }
    const { stored } = await completeUpload(input, on.ports)
    const body = on.ports.store.objects.get(on.key)?.body ?? Buffer.alloc(0)
    expect(stored).toMatchObject({
      sizeBytes: body.length,
      checksum: `CRC32:${crc32ToBase64(crc32(body))}`,
      content: { format: 'raw-disk', sizeBytes: MIB },
      proof: { level },
    })
    expect(await completeUpload(input, on.ports)).toEqual({ stored: { ...stored, bytesSent: 0 } })
  })

  it('a node that sends by itself leaves the sums of each part before it may send', async () => {
    const { on, item } = bed(level, 3000)
    const { upload } = await openUpload({ item, artifact: on.artifact }, on.ports)
    const prefix = partSumsPrefix('', on.key, crc32OfText(upload.uploadId))
    const route: Route = {
      check: () => on.source.check(),
      endOf: (node) => on.source.endOf(node),
      open: () => on.source.open(),
      openPusher: async () => ({
        opened: { sizeBytes: 3000, modifiedAt: on.source.modifiedAt },
        stat: async () => ({ sizeBytes: 3000, modifiedAt: on.source.modifiedAt }),
        push: async ({ positionBytes, sizeBytes }, allow) => {
          const body = on.source.body.subarray(positionBytes, positionBytes + sizeBytes)
          const md5 = createHash('md5').update(body)
          const sums = { crc32: crc32(body), md5: md5.copy().digest('base64') }
          expect(await on.ports.store.listKeys(prefix)).toEqual([])
          await allow(sums)
          expect(await on.ports.store.listKeys(prefix)).toHaveLength(1)
          const sum = { md5: md5.digest('hex'), etagIsMd5: level === 'part-checksums' }
          await on.ports.store.bare.putPart(on.key, upload.uploadId, 1, [body], sum)
          return { ...sums, throttles: 0 }
        },
        close: async () => undefined,
      }),
    }
    const ports = { ...on.ports, route: async () => route }
    expect(await copyParts(copyInput(on, upload, { item }), ports)).toMatchObject({ partsSent: 1 })
    const input = { item, execution, artifact: on.artifact, upload, bytesSent: 3000 }
    const { stored } = await completeUpload(input, ports)
    expect(stored).toMatchObject({ checksum: `CRC32:${crc32ToBase64(crc32(on.source.body))}`, proof: { level } })
    expect(on.source.readPositions).toEqual([])
  })
})

describe('an object that is not what its parts make', () => {
  async function copied(level: (typeof levels)[number]) {
    const { on, item } = bed(level, 3000)
    const { upload } = await openUpload({ item, artifact: on.artifact }, on.ports)
    await copyParts(copyInput(on, upload, { item }), on.ports)
    const { bare } = on.ports.store
    const answering = (change: (object: { sizeBytes: number; etag: string }) => object) => {
      const complete: typeof bare.complete = async (...of) => {
        const object = await bare.complete(...of)
        return { ...object, ...change(object) }
      }
      Object.assign(on.ports.store, { bare: { ...bare, complete } })
    }
    const input = { item, execution, artifact: on.artifact, upload, bytesSent: 3000 }
    return { on, answering, complete: () => completeUpload(input, on.ports) }
  }

  it.each(levels)('is refused by its size at the level of %s', async (level) => {
    const { on, answering, complete } = await copied(level)
    answering(() => ({ sizeBytes: 2999 }))
    await expect(complete()).rejects.toMatchObject({
      name: 'ChecksumMismatch',
      message: `s3://memory/${on.key} holds 2999 bytes; sent were 3000`,
    })
  })

  it('is refused by its hash of hashes', async () => {
    const { on, answering, complete } = await copied('part-checksums')
    const etag = `${'0'.repeat(32)}-1`
    answering(() => ({ etag }))
    await expect(complete()).rejects.toMatchObject({
      name: 'ChecksumMismatch',
      message: expect.stringContaining(
        `s3://memory/${on.key} has the ETag ${etag}, and the parts that were sent make `,
      ),
    })
  })
})

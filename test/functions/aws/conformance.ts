import { randomBytes } from 'node:crypto'
import { crc32 } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { ArchiveStore, StoredPart } from '../../../functions/aws/archive-store.ts'
import { combineAllCrc32 } from '../../../functions/domain/transfer/crc32.ts'

export interface StoreUnderTest {
  store: ArchiveStore
  /** S3's 5 MiB for all parts but the last; smaller where the store doesn't care. */
  smallestPartBytes: number
  close(): Promise<void>
}

/** An ISO instant of the last minute. S3 gives whole seconds in places. */
function expectRecent(instant: string): void {
  expect(new Date(instant).toISOString()).toBe(instant)
  expect(Math.abs(Date.now() - Date.parse(instant))).toBeLessThan(60_000)
}

/** What every `ArchiveStore` does. */
export function archiveStoreConformance(name: string, open: () => Promise<StoreUnderTest>): void {
  describe(`${name} conforms to ArchiveStore`, () => {
    let tested: StoreUnderTest
    let store: ArchiveStore
    let count = 0
    const freshKey = (): string => `conformance/${++count} with ümlaut+&=/file.vma.zst`

    beforeAll(async () => {
      tested = await open()
      store = tested.store
    })
    afterAll(() => tested.close())

    async function sendAll(key: string, bodies: readonly Buffer[]): Promise<{ uploadId: string; parts: StoredPart[] }> {
      const uploadId = await store.createUpload(key)
      // Backwards: parts arrive in any order.
      for (const [index, body] of [...bodies.entries()].reverse()) {
        await store.putPart(key, uploadId, index + 1, body, crc32(body))
      }
      return { uploadId, parts: await store.listParts(key, uploadId) }
    }

    const bodies = (): Buffer[] => [randomBytes(tested.smallestPartBytes + 3), randomBytes(1000)]

    it('makes one object of parts sent in any order, with the sum over the whole', async () => {
      const key = freshKey()
      const pieces = bodies()
      const { uploadId, parts } = await sendAll(key, pieces)
      expect(parts.map(({ partNumber, sizeBytes, crc32: sum }) => [partNumber, sizeBytes, sum])).toEqual(
        pieces.map((body, index) => [index + 1, body.length, crc32(body)]),
      )
      expect(await store.head(key)).toBeUndefined()
      const whole = Buffer.concat(pieces)
      const stored = await store.completeUpload(key, uploadId, parts, combineAllCrc32(parts))
      expect(stored).toMatchObject({ sizeBytes: whole.length, crc32: crc32(whole) })
      expect(await store.head(key)).toEqual(stored)
      expect(await store.listUploads(key)).toEqual([])
    })

    it('reads a range of an object, unless it is another one by now, or gone', async () => {
      const key = freshKey()
      const etag = (await store.writeText(key, '0123456789')) ?? ''
      expect((await store.readRange(key, { firstByte: 2, lastByte: 4, etag })).toString()).toBe('234')
      expect((await store.readRange(key, { firstByte: 9, lastByte: 9, etag })).toString()).toBe('9')
      await store.writeText(key, 'other words')
      const conflict = { name: 'ArchiveConflict' }
      await expect(store.readRange(key, { firstByte: 2, lastByte: 4, etag })).rejects.toMatchObject(conflict)
      await store.remove(key)
      await expect(store.readRange(key, { firstByte: 2, lastByte: 4, etag })).rejects.toMatchObject(conflict)
    })

    it('lets someone else read a range of the object that it was, and none of another', async () => {
      const key = freshKey()
      const etag = (await store.writeText(key, '0123456789')) ?? ''
      const allowed = await store.presignRange(key, { firstByte: 2, lastByte: 4, etag })
      const send = () => fetch(allowed.url, { headers: allowed.headers })
      const given = await send()
      expect(await given.text()).toBe('234')
      const headers = Object.fromEntries(given.headers)
      expect(allowed.judge({ status: given.status, headers, body: '' })).toEqual({ given: true })
      await store.writeText(key, 'other words')
      const { status } = await send()
      expect(allowed.judge({ status, headers: {}, body: '' })).toMatchObject({ error: { name: 'ArchiveConflict' } })
    })

    it('says of an object in no archive class that it can be read, and thaws nothing of it', async () => {
      const key = freshKey()
      expect(await store.frozenState(key)).toBeUndefined()
      await store.writeText(key, 'warm')
      expect(await store.frozenState(key)).toEqual({ storageClass: 'STANDARD', state: 'readable' })
      expect(await store.thaw(key, { days: 1, tier: 'standard' })).toBe('readable')
    })

    it('keeps the later of two parts of one number', async () => {
      const key = freshKey()
      const { uploadId } = await sendAll(key, [Buffer.from('first')])
      const second = Buffer.from('second')
      await store.putPart(key, uploadId, 1, second, crc32(second))
      expect(await store.listParts(key, uploadId)).toMatchObject([{ sizeBytes: 6, crc32: crc32(second) }])
      await store.abortUpload(key, uploadId)
    })

    it('lists the parts of a range', async () => {
      const key = freshKey()
      const { uploadId } = await sendAll(
        key,
        ['a', 'b', 'c', 'd'].map((text) => Buffer.from(text)),
      )
      const some = await store.listParts(key, uploadId, { firstPart: 2, lastPart: 3 })
      expect(some.map((part) => part.partNumber)).toEqual([2, 3])
      await store.abortUpload(key, uploadId)
    })

    it('makes an empty object of one empty part', async () => {
      const key = freshKey()
      const { uploadId, parts } = await sendAll(key, [Buffer.alloc(0)])
      expect(parts).toMatchObject([{ partNumber: 1, sizeBytes: 0, crc32: 0 }])
      expect(await store.completeUpload(key, uploadId, parts, 0)).toMatchObject({ sizeBytes: 0, crc32: 0 })
    })

    it('refuses a part whose bytes are not the ones that were summed', async () => {
      const key = freshKey()
      const uploadId = await store.createUpload(key)
      const body = Buffer.from('as it should be')
      await expect(store.putPart(key, uploadId, 1, body, crc32('as it was'))).rejects.toMatchObject({
        name: 'ChecksumMismatch',
      })
      expect(await store.listParts(key, uploadId)).toEqual([])
      await store.abortUpload(key, uploadId)
    })

    it('completes nothing when the whole sum is wrong', async () => {
      const key = freshKey()
      const { uploadId, parts } = await sendAll(key, bodies())
      await expect(
        store.completeUpload(key, uploadId, parts, (combineAllCrc32(parts) ^ 1) >>> 0),
      ).rejects.toMatchObject({
        name: 'ChecksumMismatch',
      })
      expect(await store.head(key)).toBeUndefined()
      await store.abortUpload(key, uploadId)
    })

    it('never overwrites a key that is taken', async () => {
      const key = freshKey()
      await store.writeText(key, 'was here before')
      const { uploadId, parts } = await sendAll(key, bodies())
      await expect(store.completeUpload(key, uploadId, parts, combineAllCrc32(parts))).rejects.toMatchObject({
        name: 'ArchiveConflict',
      })
      expect((await store.readText(key))?.text).toBe('was here before')
      await store.abortUpload(key, uploadId)
    })

    it('completes the same upload twice without complaint', async () => {
      const key = freshKey()
      const { uploadId, parts } = await sendAll(key, bodies())
      const first = await store.completeUpload(key, uploadId, parts, combineAllCrc32(parts))
      expect(await store.completeUpload(key, uploadId, parts, combineAllCrc32(parts))).toEqual(first)
    })

    it('says that an aborted upload has vanished', async () => {
      const key = freshKey()
      const { uploadId, parts } = await sendAll(key, bodies())
      await store.abortUpload(key, uploadId)
      await store.abortUpload(key, uploadId)
      const vanished = { name: 'UploadVanished', group: 'fail-guest' }
      await expect(store.listParts(key, uploadId)).rejects.toMatchObject(vanished)
      await expect(store.putPart(key, uploadId, 1, Buffer.from('x'), crc32('x'))).rejects.toMatchObject(vanished)
      await expect(store.completeUpload(key, uploadId, parts, 0)).rejects.toMatchObject(vanished)
    })

    it('lists uploads of exactly the key that was asked for', async () => {
      const key = freshKey()
      const ids = [await store.createUpload(key), await store.createUpload(key)]
      const longer = await store.createUpload(`${key}.more`)
      expect((await store.listUploads(key)).toSorted()).toEqual(ids.toSorted())
      for (const id of ids) await store.abortUpload(key, id)
      await store.abortUpload(`${key}.more`, longer)
      expect(await store.listUploads(key)).toEqual([])
    })

    it('lists all uploads below a prefix with the time of their opening', async () => {
      const prefix = freshKey()
      const uploads = [
        { key: `${prefix}/a`, uploadId: await store.createUpload(`${prefix}/a`) },
        { key: `${prefix}/b/c`, uploadId: await store.createUpload(`${prefix}/b/c`) },
      ]
      const elsewhere = await store.createUpload(`elsewhere/${prefix}`)
      const found = await store.listUploadsBelow(`${prefix}/`)
      expect(found.map(({ key, uploadId }) => ({ key, uploadId }))).toEqual(uploads)
      for (const { openedAt } of found) expectRecent(openedAt)
      for (const { key, uploadId } of uploads) await store.abortUpload(key, uploadId)
      await store.abortUpload(`elsewhere/${prefix}`, elsewhere)
      expect(await store.listUploadsBelow(`${prefix}/`)).toEqual([])
    })

    it('tells when each part of an upload arrived, until the upload is gone', async () => {
      const key = freshKey()
      const { uploadId } = await sendAll(
        key,
        ['a', 'bc'].map((text) => Buffer.from(text)),
      )
      const arrivals = await store.listArrivals(key, uploadId)
      expect(arrivals.map(({ sizeBytes }) => sizeBytes).toSorted((a, b) => a - b)).toEqual([1, 2])
      for (const { arrivedAt } of arrivals) expectRecent(arrivedAt)
      await store.abortUpload(key, uploadId)
      await expect(store.listArrivals(key, uploadId)).rejects.toMatchObject({ name: 'UploadVanished' })
    })

    it('dates the objects below a prefix', async () => {
      const prefix = freshKey()
      await store.writeText(`${prefix}/b`, 'b')
      await store.writeText(`${prefix}/a`, 'a')
      const found = await store.listDatedKeys(`${prefix}/`)
      expect(found.map(({ key }) => key)).toEqual([`${prefix}/a`, `${prefix}/b`])
      for (const { writtenAt } of found) expectRecent(writtenAt)
    })

    it('lists objects with the ETag that reading them gives, over more than one page', async () => {
      const prefix = freshKey()
      const names = Array.from({ length: 1005 }, (_, index) => `${prefix}/${String(index).padStart(4, '0')}`)
      for (let at = 0; at < names.length; at += 50) {
        await Promise.all(names.slice(at, at + 50).map((key) => store.writeText(key, key)))
      }
      const found = []
      for await (const object of store.listObjects(`${prefix}/`)) found.push(object)
      expect(found.map(({ key }) => key)).toEqual(names)
      expect(found[7]).toEqual({
        key: names[7],
        etag: (await store.readText(names[7] ?? ''))?.etag,
        sizeBytes: Buffer.byteLength(names[7] ?? ''),
      })
    })

    it('lists folders, and neither what lies in them nor files beside them', async () => {
      const prefix = freshKey()
      for (const name of ['b/1', 'b/2', 'a/deep/1', 'file']) await store.writeText(`${prefix}/${name}`, name)
      expect(await store.listFolders(`${prefix}/`)).toEqual([`${prefix}/a/`, `${prefix}/b/`])
      expect(await store.listFolders(`${prefix}/nothing/`)).toEqual([])
    })

    it('writes on condition, for one writer of several', async () => {
      const key = freshKey()
      const tags = await Promise.all(
        ['one', 'two', 'three'].map((text) => store.writeText(key, text, { onlyIf: { absent: true } })),
      )
      const [won, ...others] = tags.filter((tag) => tag !== undefined)
      expect(others).toEqual([])
      const there = await store.readText(key)
      expect(there?.etag).toBe(won)
      expect(await store.writeText(key, 'new', { onlyIf: { etag: '"other"' } })).toBeUndefined()
      expect(await store.writeText(key, 'new', { onlyIf: { etag: there?.etag ?? '' } })).toBeDefined()
      expect((await store.readText(key))?.text).toBe('new')
    })

    it('removes what was judged and leaves what was written since', async () => {
      const key = freshKey()
      const judged = (await store.writeText(key, 'judged')) ?? ''
      const later = (await store.writeText(key, 'later')) ?? ''
      expect(await store.remove(key, { etag: judged })).toBe(false)
      expect((await store.readText(key))?.text).toBe('later')
      expect(await store.remove(key, { etag: later })).toBe(true)
      expect(await store.readText(key)).toBeUndefined()
      expect(await store.remove(key, { etag: later })).toBe(true)
    })

    it('removes, lists and forgets', async () => {
      const key = freshKey()
      await store.writeText(`${key}/b`, 'b')
      await store.writeText(`${key}/a`, 'a')
      expect(await store.listKeys(`${key}/`)).toEqual([`${key}/a`, `${key}/b`])
      await store.remove(`${key}/a`)
      await store.remove(`${key}/a`)
      expect(await store.listKeys(`${key}/`)).toEqual([`${key}/b`])
      expect(await store.readText(`${key}/a`)).toBeUndefined()
      expect(await store.head(`${key}/a`)).toBeUndefined()
      expect(await store.writeText(`${key}/a`, 'x', { onlyIf: { etag: '"gone"' } })).toBeUndefined()
    })
  })
}

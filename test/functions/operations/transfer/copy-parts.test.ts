import { crc32 } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { ChecksumMismatch, StoreUnavailable } from '../../../../functions/contracts/errors.ts'
import { combineAllCrc32 } from '../../../../functions/domain/transfer/crc32.ts'
import { copyParts } from '../../../../functions/operations/transfer/copy-parts.ts'
import { copyInput, PART_BYTES, putPart, scene, smallUpload } from './fake-source.ts'

async function partNumbers(on: ReturnType<typeof scene>, uploadId: string): Promise<number[]> {
  return (await on.ports.store.listParts(on.key, uploadId)).map((part) => part.partNumber)
}

describe('copying parts', () => {
  it('copies a whole chunk, the short last part included', async () => {
    const on = scene()
    const upload = await smallUpload(on)
    const result = await copyParts(copyInput(on, upload), on.ports)
    expect(result).toMatchObject({ partsSent: 10, bytesSent: on.source.body.length, drops: 0, throttles: 0 })
    const parts = on.ports.store.uploads.get(upload.uploadId)?.parts
    const whole = Array.from({ length: 10 }, (_, index) => parts?.get(index + 1)?.body ?? Buffer.alloc(0))
    expect(Buffer.concat(whole).equals(on.source.body)).toBe(true)
    expect(on.source.closed).toBe(on.source.opened)
  })

  it('tells what Lambda bills of the whole call and the memory it has, where anything tells', async () => {
    const on = scene()
    const upload = await smallUpload(on)
    const quiet = await copyParts(copyInput(on, upload), on.ports)
    expect(quiet).not.toHaveProperty('memoryMiB')
    const lambda = { ...on.ports, billedMilliseconds: () => 1234.2, memoryMiB: 1769 }
    expect(await copyParts(copyInput(on, upload), lambda)).toMatchObject({ billedSeconds: 1.235, memoryMiB: 1769 })
  })

  it('copies only its own chunk', async () => {
    const on = scene()
    const upload = await smallUpload(on)
    const chunk = { firstPart: 3, lastPart: 7 }
    const result = await copyParts(copyInput(on, upload, { chunk }), on.ports)
    expect(result).toMatchObject({ partsSent: 5, bytesSent: 5 * PART_BYTES })
    expect(await partNumbers(on, upload.uploadId)).toEqual([3, 4, 5, 6, 7])
  })

  it('neither reads nor sends what S3 has, and sends again what S3 has in the wrong size', async () => {
    const on = scene()
    const upload = await smallUpload(on)
    for (const partNumber of [2, 4, 9]) await putPart(on, upload, partNumber)
    await on.ports.store
      .putPart(on.key, upload.uploadId, 5, Buffer.from('cut'), 0x0d1ccf1d >>> 0)
      .catch(() => undefined)
    const held = on.ports.store.uploads.get(upload.uploadId)?.parts
    held?.set(6, { part: { partNumber: 6, sizeBytes: 3, etag: 'x', crc32: 0 }, body: Buffer.from('cut') })
    const result = await copyParts(copyInput(on, upload), on.ports)
    expect(result).toMatchObject({ partsSent: 7, bytesSent: on.source.body.length - 3 * PART_BYTES })
    expect(on.source.readPositions.toSorted((a, b) => a - b)).toEqual([0, 2000, 4000, 5000, 6000, 7000, 9000])
    expect(held?.get(6)?.part.sizeBytes).toBe(PART_BYTES)
  })

  it('makes an empty part for an empty source', async () => {
    const on = scene(0)
    const upload = await smallUpload(on)
    expect(await copyParts(copyInput(on, upload), on.ports)).toMatchObject({ partsSent: 1, bytesSent: 0 })
    expect(await partNumbers(on, upload.uploadId)).toEqual([1])
  })

  it('has nothing to read when all is there', async () => {
    const on = scene()
    const upload = await smallUpload(on)
    await copyParts(copyInput(on, upload), on.ports)
    on.source.readPositions.length = 0
    expect(await copyParts(copyInput(on, upload), on.ports)).toMatchObject({ partsSent: 0, bytesSent: 0 })
    expect(on.source.readPositions).toEqual([])
  })

  it('stops before its time is up, judging by how long parts took, and the next call sends only the rest', async () => {
    const on = scene(40 * PART_BYTES)
    const upload = await smallUpload(on)
    const end = on.ports.clock.now.getTime() + 300_000
    on.ports.remainingMilliseconds = () => end - on.ports.clock.now.getTime()
    on.source.beforeRead = () => on.ports.sleep(10_000)
    const first = await copyParts(copyInput(on, upload), on.ports)
    expect(on.ports.remainingMilliseconds()).toBeGreaterThan(0)
    expect(first.partsSent).toBeGreaterThan(10)
    expect(first.partsSent).toBeLessThan(40)
    const there = await partNumbers(on, upload.uploadId)
    expect(there).toEqual(Array.from({ length: first.partsSent }, (_, index) => index + 1))
    on.ports.remainingMilliseconds = () => 900_000
    const second = await copyParts(copyInput(on, upload), on.ports)
    expect(second.partsSent).toBe(40 - first.partsSent)
    expect(on.source.readPositions).toHaveLength(40)
  })

  it('begins no part after the time that the round has', async () => {
    const on = scene(40 * PART_BYTES)
    const upload = await smallUpload(on)
    on.source.beforeRead = () => on.ports.sleep(10_000)
    const order = { seconds: 45, partsInFlight: 1 }
    const { partsSent, seconds } = await copyParts(copyInput(on, upload, { order }), on.ports)
    expect(partsSent).toBe(5)
    expect(seconds).toBe(50)
  })

  it('holds all parts in flight together to its share of the bandwidth', async () => {
    const on = scene(64 * 2 ** 20)
    const upload = { ...(await smallUpload(on)), partSizeBytes: 8 * 2 ** 20, partCount: 8 }
    const order = { seconds: 600, partsInFlight: 4, bytesPerSecond: 2 ** 20 }
    const { seconds } = await copyParts(copyInput(on, upload, { order }), on.ports)
    expect(seconds).toBeGreaterThan(62)
    expect(seconds).toBeLessThan(66)
  })

  it('makes progress even when the time limit is absurdly short', async () => {
    const on = scene(3 * PART_BYTES)
    const upload = await smallUpload(on)
    on.ports.remainingMilliseconds = () => 1_000
    const result = await copyParts(copyInput(on, upload), on.ports)
    expect(result).toMatchObject({ partsSent: 1, bytesSent: PART_BYTES })
  })

  it('leaves no hole behind when later parts finish first', async () => {
    const on = scene(8 * PART_BYTES)
    const upload = await smallUpload(on)
    const release = Promise.withResolvers<void>()
    const late = Promise.withResolvers<void>()
    on.source.beforeRead = async (position) => {
      if (position === 0) await release.promise
      if (position === 3 * PART_BYTES) late.resolve()
    }
    const putPartOf = on.ports.store.putPart.bind(on.ports.store)
    on.ports.store.putPart = async (...call) => {
      if (call[2] === 1) throw new StoreUnavailable('part 1')
      return putPartOf(...call)
    }
    const copying = copyParts(copyInput(on, upload), on.ports)
    await late.promise
    setTimeout(() => release.resolve(), 20)
    await expect(copying).rejects.toMatchObject({ name: 'StoreUnavailable' })
    expect(await partNumbers(on, upload.uploadId)).not.toContain(1)
    on.ports.store.putPart = putPartOf
    const again = await copyParts(copyInput(on, upload), on.ports)
    expect(again.partsSent).toBeGreaterThan(0)
    expect(await partNumbers(on, upload.uploadId)).toEqual([1, 2, 3, 4, 5, 6, 7, 8])
  })

  it('keeps no more parts in memory than ordered', async () => {
    const on = scene(40 * PART_BYTES)
    const upload = await smallUpload(on)
    let inFlight = 0
    let most = 0
    const putPartOf = on.ports.store.putPart.bind(on.ports.store)
    on.source.beforeRead = () => {
      most = Math.max(most, ++inFlight)
    }
    on.ports.store.putPart = async (...call) => {
      await new Promise((resolve) => setTimeout(resolve, 1))
      const part = await putPartOf(...call)
      inFlight--
      return part
    }
    await copyParts(copyInput(on, upload), on.ports)
    expect(most).toBe(4)
  })

  it('opens the source again when the connection drops, and repeats only the parts that were not read', async () => {
    const on = scene()
    const upload = await smallUpload(on)
    on.source.cuts.set(5 * PART_BYTES, 2)
    expect(await copyParts(copyInput(on, upload), on.ports)).toMatchObject({ partsSent: 10, drops: 2 })
    expect(on.source.opened).toBe(3)
    expect(on.source.closed).toBe(3)
    expect(on.source.readPositions.filter((position) => position === 0)).toHaveLength(1)
    expect(on.ports.logged.filter((line) => line.event === 'connection-dropped')).toHaveLength(2)
  })

  it('gets parts over connections that never last for a whole part, in pieces that shrink', async () => {
    const on = scene(12 * 2 ** 20)
    const partSizeBytes = 6 * 2 ** 20
    const upload = { ...(await smallUpload(on)), partSizeBytes, partCount: 2 }
    on.source.bytesPerConnection = 5 * 2 ** 20
    expect(await copyParts(copyInput(on, upload), on.ports)).toMatchObject({ partsSent: 2 })
    const stored = await on.ports.store.listParts(upload.key, upload.uploadId)
    expect(combineAllCrc32(stored)).toBe(crc32(on.source.body))
  })

  it('gives up when the connection drops again and again, and keeps what was sent', async () => {
    const on = scene()
    const upload = await smallUpload(on)
    on.source.cuts.set(9 * PART_BYTES, 99)
    await expect(copyParts(copyInput(on, upload), on.ports)).rejects.toMatchObject({ name: 'ConnectionDropped' })
    expect(on.source.opened).toBeGreaterThanOrEqual(5)
    expect(on.source.opened).toBeLessThan(10)
    expect(await partNumbers(on, upload.uploadId)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9])
  })

  it.each([
    ['before', -1],
    ['while', 4 * PART_BYTES],
  ])('says SourceChanged when the source is replaced %s it is copied', async (_when, at) => {
    const on = scene()
    const upload = await smallUpload(on)
    const replace = (): void => {
      on.source.modifiedAt = '2026-11-22T03:00:00.000Z'
    }
    if (at < 0) replace()
    else on.source.beforeRead = (position) => (position === at ? replace() : undefined)
    await expect(copyParts(copyInput(on, upload), on.ports)).rejects.toMatchObject({
      name: 'SourceChanged',
      message: expect.stringMatching(/\/var\/lib\/vz\/dump.*pve1/),
    })
    expect(on.source.readPositions.length > 0).toBe(at >= 0)
  })

  it('says SourceChanged, not ShortRead, when the source was cut short meanwhile', async () => {
    const on = scene()
    const upload = await smallUpload(on)
    on.source.beforeRead = (position) => {
      if (position === 0) on.source.body = on.source.body.subarray(0, 5)
    }
    await expect(copyParts(copyInput(on, upload), on.ports)).rejects.toMatchObject({ name: 'SourceChanged' })
  })

  it('stops all parts at the first failure and closes the source', async () => {
    const on = scene(40 * PART_BYTES)
    const upload = await smallUpload(on)
    let sent = 0
    on.ports.store.putPart = async () => {
      sent++
      throw new ChecksumMismatch('part arrived damaged')
    }
    await expect(copyParts(copyInput(on, upload), on.ports)).rejects.toMatchObject({ name: 'ChecksumMismatch' })
    expect(sent).toBeLessThanOrEqual(4)
    expect(on.source.closed).toBe(on.source.opened)
  })

  it('says UploadVanished when somebody aborted the upload', async () => {
    const on = scene()
    const upload = await smallUpload(on)
    await on.ports.store.abortUpload(on.key, upload.uploadId)
    await expect(copyParts(copyInput(on, upload), on.ports)).rejects.toMatchObject({ name: 'UploadVanished' })
  })
})

import { describe, expect, it } from 'vitest'
import { StoreUnavailable, UploadVanished } from '../../../../functions/contracts/errors.ts'
import { copyParts } from '../../../../functions/operations/transfer/copy-parts.ts'
import { copyInput, PART_BYTES, type Scene, scene, smallUpload } from './fake-source.ts'

/** One part after the other. */
const order = { seconds: 100_000, partsInFlight: 1 }

const sent = (partNumber: number, throttles: number) => ({
  partNumber,
  sizeBytes: PART_BYTES,
  etag: 'x',
  crc32: 0,
  throttles,
})

/** Each part takes so long to read, the last time for all that follow. */
function slow({ source, ports }: Scene, ...seconds: number[]) {
  let reads = 0
  source.beforeRead = () => {
    const taken = seconds[Math.min(reads, seconds.length - 1)] ?? 0
    reads += 1
    return ports.sleep(taken * 1000)
  }
}

describe('the time that a part needs', () => {
  it.each([
    ['a minute is left and more', 60_001, 10],
    ['a minute is left', 60_000, 1],
  ])('is a minute at least: where %s, %i ms, there are %i parts', async (_, milliseconds, parts) => {
    const on = scene()
    const upload = await smallUpload(on)
    on.ports.remainingMilliseconds = () => milliseconds
    expect(await copyParts(copyInput(on, upload, { order }), on.ports)).toMatchObject({ partsSent: parts })
  })

  it.each([
    ['twice as long as the slowest took is left and more', 200_001, 10],
    ['twice as long as the slowest took is left', 200_000, 2],
  ])('is judged by the slowest so far: where %s, %i ms, there are %i parts', async (_, milliseconds, parts) => {
    const on = scene()
    const upload = await smallUpload(on)
    // The first says nothing against the second; from then on the slower of both counts.
    slow(on, 40, 100, 1)
    on.ports.remainingMilliseconds = () => milliseconds
    expect(await copyParts(copyInput(on, upload, { order }), on.ports)).toMatchObject({ partsSent: parts })
  })

  it('ends with the round’s: a part is begun before its last second, not at it', async () => {
    const on = scene(40 * PART_BYTES)
    const upload = await smallUpload(on)
    slow(on, 10)
    const result = await copyParts(copyInput(on, upload, { order: { seconds: 50, partsInFlight: 1 } }), on.ports)
    expect(result).toMatchObject({ partsSent: 5, seconds: 50 })
  })
})

describe('copying that fails', () => {
  it('begins no further part, and tells of the first failure, whatever fails after it', async () => {
    const on = scene(8 * PART_BYTES)
    const upload = await smallUpload(on)
    const begun: number[] = []
    const rest = Promise.withResolvers<void>()
    on.source.beforeRead = (position) => {
      begun.push(position / PART_BYTES)
    }
    on.ports.store.putPart = async (_key, _upload, partNumber) => {
      if (partNumber === 1) {
        setTimeout(() => rest.resolve())
        throw new StoreUnavailable('the first')
      }
      await rest.promise
      if (partNumber === 2) throw new UploadVanished('the second')
      return sent(partNumber, 0)
    }
    const copying = copyParts(copyInput(on, upload, { order: { seconds: 600, partsInFlight: 3 } }), on.ports)
    await expect(copying).rejects.toThrow('the first')
    expect(begun).toEqual([0, 1, 2])
    expect(on.source.closed).toBe(on.source.opened)
  })

  it('finds a source that changed while its only part was copied', async () => {
    const on = scene(PART_BYTES)
    const upload = await smallUpload(on)
    const putPart = on.ports.store.putPart.bind(on.ports.store)
    on.ports.store.putPart = (...call) => {
      on.source.modifiedAt = '2026-11-22T03:00:00.000Z'
      return putPart(...call)
    }
    await expect(copyParts(copyInput(on, upload, { order }), on.ports)).rejects.toMatchObject({ name: 'SourceChanged' })
  })
})

it('copying opens no source where nothing is missing', async () => {
  const on = scene()
  const upload = await smallUpload(on)
  await copyParts(copyInput(on, upload), on.ports)
  const { opened } = on.source
  await copyParts(copyInput(on, upload), on.ports)
  expect(on.source.opened).toBe(opened)
})

it('copying adds up how often S3 asked to slow down', async () => {
  const on = scene(3 * PART_BYTES)
  const upload = await smallUpload(on)
  on.ports.store.putPart = async (_key, _upload, partNumber) => sent(partNumber, partNumber)
  expect(await copyParts(copyInput(on, upload), on.ports)).toMatchObject({ throttles: 6 })
})

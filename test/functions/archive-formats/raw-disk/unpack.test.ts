import { describe, expect, it } from 'vitest'
import { Damage } from '../../../../functions/archive-formats/damage.ts'
import { dataFrame, entryOf, HoleFrames, padFrame } from '../../../../functions/archive-formats/raw-disk/frames.ts'
import { seekTable } from '../../../../functions/archive-formats/raw-disk/seek-table.ts'
import { unpack, writeSparse } from '../../../../functions/archive-formats/raw-disk/unpack.ts'
import type { Piece } from '../../../../functions/domain/encoding/part-encoder.ts'

const KIB64 = 64 * 1024
const [first, hole, last] = [
  await dataFrame(Buffer.from('first'), 1),
  await new HoleFrames().of(100),
  await dataFrame(Buffer.from('last'), 1),
]
const frames = [first, padFrame(20), hole, last]

async function* fileOf(...parts: Buffer[]): AsyncGenerator<Buffer> {
  yield* parts
}

async function* piecesOf(...pieces: Piece[]): AsyncGenerator<Piece> {
  yield* pieces
}

/** A file, what was written to it, and at most so many bytes at a time. */
function target(most = Number.POSITIVE_INFINITY) {
  const writes: [number, number][] = []
  const seen = { writes, truncatedTo: -1, bytes: Buffer.alloc(8 * KIB64, '?') }
  return {
    seen,
    write: async (bytes: Buffer, offset: number, length: number, position: number) => {
      const bytesWritten = Math.min(most, length)
      bytes.copy(seen.bytes, position, offset, offset + bytesWritten)
      writes.push([position, bytesWritten])
      return { bytesWritten }
    },
    truncate: async (sizeBytes: number) => {
      seen.truncatedTo = sizeBytes
    },
  }
}

describe('a disk from its archive', () => {
  it('is the content of its frames in order, zeros without bytes, and no pad', async () => {
    const pieces: Piece[] = []
    const table = seekTable(frames.map((frame) => entryOf(frame)))
    for await (const piece of unpack(fileOf(...frames.map(({ bytes }) => bytes), table))) pieces.push(piece)
    expect(
      pieces.map(({ positionBytes, sizeBytes, bytes }) => [positionBytes, sizeBytes, bytes && String(bytes)]),
    ).toEqual([
      [0, 5, 'first'],
      [5, 100, undefined],
      [105, 4, 'last'],
    ])
  })

  it('is not whole without the seek table at its end', async () => {
    const reading = (async () => {
      for await (const _ of unpack(fileOf(first.bytes, hole.bytes))) continue
    })()
    await expect(reading).rejects.toThrow(Damage)
    await expect(reading).rejects.toMatchObject({
      finding: {
        code: 'seek-table-missing',
        message: 'The archive ends after 105 bytes of the disk without its seek table: its end is missing.',
        of: 'content',
        offset: 105,
      },
    })
  })
})

describe('a disk in a file', () => {
  it('leaves out zeros by 64 KiB, and is as long as the disk', async () => {
    const x = Buffer.alloc(KIB64, 'x')
    const zeros = Buffer.alloc(KIB64)
    const file = target()
    const bytes = Buffer.concat([x, x, zeros, zeros, x, zeros, Buffer.from('y')])
    const pieces = piecesOf(
      { positionBytes: 0, sizeBytes: 10 },
      { positionBytes: 10, sizeBytes: bytes.length, bytes },
      { positionBytes: 10 + bytes.length, sizeBytes: 7 },
    )
    expect(await writeSparse(pieces, file)).toBe(bytes.length + 17)
    expect(file.seen.writes).toEqual([
      [10, 2 * KIB64],
      [10 + 4 * KIB64, KIB64],
      [10 + 6 * KIB64, 1],
    ])
    expect(file.seen.truncatedTo).toBe(bytes.length + 17)
    expect(file.seen.bytes.subarray(10, 10 + 2 * KIB64).equals(Buffer.concat([x, x]))).toBe(true)
    expect(String(file.seen.bytes.subarray(10 + 6 * KIB64, 10 + 6 * KIB64 + 2))).toBe('y?')
  })

  it('writes nothing of zeros that come with bytes, and nothing of an empty disk', async () => {
    const file = target()
    expect(await writeSparse(piecesOf({ positionBytes: 0, sizeBytes: 100, bytes: Buffer.alloc(100) }), file)).toBe(100)
    expect(file.seen).toMatchObject({ writes: [], truncatedTo: 100 })
    const empty = target()
    expect(await writeSparse(piecesOf(), empty)).toBe(0)
    expect(empty.seen).toMatchObject({ writes: [], truncatedTo: 0 })
  })

  it('goes on where the file took fewer bytes than it was given', async () => {
    const file = target(3)
    await writeSparse(piecesOf({ positionBytes: 2, sizeBytes: 8, bytes: Buffer.from('12345678') }), file)
    expect(file.seen.writes).toEqual([
      [2, 3],
      [5, 3],
      [8, 2],
    ])
    expect(String(file.seen.bytes.subarray(0, 11))).toBe('??12345678?')
  })
})

import { constants, zstdCompressSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { Damage } from '../../../../functions/archive-formats/damage.ts'
import { FrameContents, isZero } from '../../../../functions/archive-formats/raw-disk/frame-content.ts'

const MIB = 2 ** 20

function frameOf(content: Buffer): Buffer {
  return zstdCompressSync(content, { params: { [constants.ZSTD_c_checksumFlag]: 1 } })
}

/** A frame of so many bytes that holds nothing but zeros: most of it as they are, and eleven blocks that repeat one. */
function zerosStoredIn(frameBytes: number): { frame: Buffer; contentBytes: number } {
  const header = (bytes: number, type: number) => {
    const three = Buffer.alloc(3)
    three.writeUIntLE((bytes << 3) | type, 0, 3)
    return three
  }
  const head = Buffer.from('28b52ffda000000000', 'hex')
  const repeated = Buffer.alloc(11 * 4)
  for (let at = 0; at < repeated.length; at += 4) header(100_000, 2).copy(repeated, at)
  const plainBytes = frameBytes - head.length - repeated.length - 3
  const contentBytes = 11 * 100_000 + plainBytes
  head.writeUInt32LE(contentBytes, 5)
  return { frame: Buffer.concat([head, repeated, header(plainBytes, 1), Buffer.alloc(plainBytes)]), contentBytes }
}

/** The pieces, or the finding that ended them. */
async function read(contents: FrameContents, frame: Buffer, contentBytes: number, position = 0, offset = 0) {
  const pieces: { positionBytes: number; sizeBytes: number; bytes?: Buffer }[] = []
  try {
    for await (const piece of contents.of(frame, contentBytes, position, offset)) pieces.push(piece)
  } catch (error) {
    if (!(error instanceof Damage)) throw error
    return { pieces, finding: error.finding }
  }
  return { pieces }
}

describe('the content of a frame', () => {
  it('comes in order from its place on the disk on, zeros without bytes', async () => {
    const content = Buffer.concat([Buffer.alloc(MIB, 'x'), Buffer.alloc(MIB), Buffer.from('end')])
    const { pieces } = await read(new FrameContents(), frameOf(content), content.length, 700)
    expect(pieces.map(({ positionBytes, sizeBytes }) => [positionBytes, sizeBytes])).toEqual([
      [700, MIB],
      [700 + MIB, MIB],
      [700 + 2 * MIB, 3],
    ])
    expect(pieces.map(({ bytes }) => bytes?.length)).toEqual([MIB, undefined, 3])
    expect(String(pieces[2]?.bytes)).toBe('end')
  })

  it('is as long as is said, or the frame is damaged', async () => {
    const frame = frameOf(Buffer.alloc(300, 'x'))
    const finding = (bytes: number) => ({
      code: 'zstd-data',
      message: `The frame at byte 77 doesn't hold the ${bytes} bytes that its header says.`,
      of: 'file',
      offset: 77,
    })
    expect(await read(new FrameContents(), frame, 301, 5, 77)).toMatchObject({ finding: finding(301) })
    expect(await read(new FrameContents(), frame, 299, 5, 77)).toMatchObject({ finding: finding(299) })
    expect(await read(new FrameContents(), frame, 300, 5, 77)).not.toHaveProperty('finding')
    // Nothing beyond what was said is given out.
    const { pieces } = await read(new FrameContents(), frame, 64, 5)
    expect(pieces.map(({ sizeBytes }) => sizeBytes)).toEqual([64])
  })

  it('is checked by the frame’s own sum', async () => {
    const frame = frameOf(Buffer.alloc(300, 'x'))
    frame[frame.length - 1] = (frame.at(-1) ?? 0) ^ 1
    expect(await read(new FrameContents(), frame, 300, 0, 77)).toMatchObject({
      finding: {
        code: 'zstd-data',
        of: 'file',
        offset: 77,
        message: expect.stringMatching(/^The frame at byte 77 is/),
      },
    })
  })

  it('that is nothing but zeros is decompressed once, and given in one piece from then on', async () => {
    const contents = new FrameContents()
    const zeros = frameOf(Buffer.alloc(2 * MIB))
    expect((await read(contents, zeros, 2 * MIB, 9)).pieces).toHaveLength(2)
    expect((await read(contents, zeros, 2 * MIB, 9)).pieces).toEqual([{ positionBytes: 9, sizeBytes: 2 * MIB }])
    const mixed = frameOf(Buffer.concat([Buffer.alloc(2 * MIB), Buffer.from('x')]))
    for (const _ of [1, 2]) expect((await read(contents, mixed, 2 * MIB + 1)).pieces).toHaveLength(3)
  })

  it('is remembered for 64 frames', async () => {
    const contents = new FrameContents()
    const piecesOf = async (index: number) => {
      const bytes = MIB + 1 + index
      return (await read(contents, frameOf(Buffer.alloc(bytes)), bytes)).pieces.length
    }
    for (let index = 0; index < 65; index += 1) expect(await piecesOf(index)).toBe(2)
    expect([await piecesOf(0), await piecesOf(63), await piecesOf(64)]).toEqual([1, 1, 2])
  })

  it.each([
    [0, [2, 1]],
    [1, [2, 2]],
  ])('is remembered for a frame of 64 KiB and %d bytes by pieces: %j', async (beyond, pieces) => {
    const contents = new FrameContents()
    const { frame, contentBytes } = zerosStoredIn(64 * 1024 + beyond)
    const seen: number[] = []
    for (const _ of pieces) seen.push((await read(contents, frame, contentBytes)).pieces.length)
    expect(seen).toEqual(pieces)
  })
})

it('looks at each byte for zeros', () => {
  expect([0, 1, 65_536, MIB, MIB + 5].map((bytes) => isZero(Buffer.alloc(bytes)))).toEqual([
    true,
    true,
    true,
    true,
    true,
  ])
  for (const at of [0, 500, MIB - 1, MIB, MIB + 4]) {
    const bytes = Buffer.alloc(MIB + 5)
    bytes[at] = 1
    expect(isZero(bytes), `${at}`).toBe(false)
  }
})

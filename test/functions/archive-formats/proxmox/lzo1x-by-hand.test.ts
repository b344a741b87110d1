import { describe, expect, it } from 'vitest'
import { decompressLzo1x } from '../../../../functions/archive-formats/proxmox/lzo1x.ts'

/** A block as it is put together by hand, an instruction at a time, and what it has to give. */
class Block {
  readonly data: number[] = []
  readonly content: number[] = []

  says(...bytes: number[]): this {
    this.data.push(...bytes)
    return this
  }

  /** Bytes that follow an instruction as they are, no two stretches of them alike. */
  literals(count: number): this {
    for (let left = count; left > 0; left -= 1) {
      const byte = Math.imul(this.content.length + 1, 2_654_435_761) >>> 24
      this.data.push(byte)
      this.content.push(byte)
    }
    return this
  }

  /** A run of 19 literals or more, which only stands where none came before. */
  run(count: number): this {
    const zeroes = Math.ceil((count - 18) / 255) - 1
    return this.says(0, ...Array<number>(zeroes).fill(0), count - 18 - 255 * zeroes).literals(count)
  }

  repeats(distance: number, count: number): this {
    for (let left = count; left > 0; left -= 1) this.content.push(this.content.at(-distance) ?? -1)
    return this
  }

  ends(): this {
    return this.says(17, 0, 0)
  }
}

function decompressed(block: Block, bytes = block.content.length): Uint8Array {
  const output = new Uint8Array(bytes)
  decompressLzo1x(Uint8Array.from(block.data), output)
  return output
}

const begun = (first: number) => new Block().says(17 + first).literals(first)
const far = () => new Block().run(50_000)

const blocks: [string, Block][] = [
  ['nothing', new Block()],
  ['one literal at first', begun(1)],
  ['as many literals at first as can be', begun(238)],
  ['a run of the shortest', new Block().says(1).literals(4)],
  ['a run of the longest that one byte tells', new Block().says(15).literals(18)],
  ['a run of one more', new Block().says(0, 1).literals(19)],
  ['a run of 273', new Block().says(0, 255).literals(273)],
  ['a run of 274', new Block().says(0, 0, 1).literals(274)],
  ['two bytes again after one literal', begun(1).says(0, 0).repeats(1, 2)],
  [
    'two bytes again after three literals',
    begun(3)
      .says(2 << 2, 0)
      .repeats(3, 2),
  ],
  [
    'two bytes again from farther off, and two literals',
    begun(4)
      .says(64 + (3 << 2) + 1, 0)
      .repeats(4, 3)
      .literals(1)
      .says((1 << 2) + 2, 1)
      .repeats(6, 2)
      .literals(2),
  ],
  [
    'three bytes again after a run, from beyond 2 KiB',
    new Block()
      .run(2_100)
      .says((1 << 2) + 2, 3)
      .repeats(2_062, 3)
      .literals(2),
  ],
  ['a run after a match without literals', begun(4).says(64, 0).repeats(1, 3).says(1).literals(4)],
  [
    'two bytes again after a far match with one literal',
    new Block().run(2_100).says(1, 0).repeats(2_049, 3).literals(1).says(0, 0).repeats(1, 2),
  ],
  ['3 bytes from next to it', begun(9).says(64, 0).repeats(1, 3)],
  [
    '4 bytes, and three literals',
    begun(9)
      .says(96 + (7 << 2) + 3, 0)
      .repeats(8, 4)
      .literals(3),
  ],
  [
    '5 bytes',
    begun(30)
      .says(128 + (2 << 2), 2)
      .repeats(19, 5),
  ],
  ['5 bytes from next to it', begun(30).says(128, 0).repeats(1, 5)],
  ['6 bytes', begun(30).says(160, 1).repeats(9, 6)],
  ['7 bytes', begun(30).says(192, 0).repeats(1, 7)],
  [
    '8 bytes from 2 KiB off',
    new Block()
      .run(2_048)
      .says(224 + (7 << 2), 255)
      .repeats(2_048, 8),
  ],
  ['a near match of 3', begun(9).says(33, 0, 0).repeats(1, 3)],
  [
    'a near match of 33, and two literals',
    begun(40)
      .says(63, (39 << 2) + 2, 0)
      .repeats(40, 33)
      .literals(2),
  ],
  [
    'a near match of 34',
    begun(40)
      .says(32, 1, 33 << 2, 0)
      .repeats(34, 34),
  ],
  [
    'a near match of 288 over what it writes',
    begun(9)
      .says(32, 255, 2 << 2, 0)
      .repeats(3, 288),
  ],
  ['a near match of 289 from 16 KiB off', far().says(32, 0, 1, 0xfc, 0xff).repeats(16_384, 289)],
  [
    'a near match of 100 from as many bytes off',
    begun(100)
      .says(32, 67, (99 << 2) & 255, 1)
      .repeats(100, 100),
  ],
  [
    'a near match of 100 from one byte less',
    begun(100)
      .says(32, 67, (98 << 2) & 255, 1)
      .repeats(99, 100),
  ],
  ['a far match of 3', far().says(17, 4, 0).repeats(16_385, 3)],
  ['a far match of 9, and a literal', far().says(23, 9, 0).repeats(16_386, 9).literals(1)],
  ['a far match of 10', far().says(16, 1, 0, 1).repeats(16_448, 10)],
  [
    'a far match of 10 after one without literals',
    far().says(64, 0).repeats(1, 3).says(16, 1, 0, 1).repeats(16_448, 10),
  ],
  ['a far match of 265', far().says(16, 0, 1, 4, 0).repeats(16_385, 265)],
  ['a far match from 32 KiB off', far().says(25, 0, 0).repeats(32_768, 3)],
  ['a far match from as far as can be', far().says(31, 0xfc, 0xff).repeats(49_151, 9)],
]

describe.each(blocks)('a block of %s', (_, block) => {
  block.ends()

  it('gives its content', () => {
    expect(Buffer.from(decompressed(block)).equals(Buffer.from(block.content))).toBe(true)
  })

  it('is refused where the content has another length', () => {
    expect(() => decompressed(block, block.content.length + 1)).toThrow(new RangeError('end'))
    const shorter = new Uint8Array(Math.max(0, block.content.length - 1))
    expect(shorter.length === block.content.length || isRefused(Uint8Array.from(block.data), shorter)).toBe(true)
  })

  it('is refused wherever it is cut off', () => {
    const [data, output] = [Uint8Array.from(block.data), new Uint8Array(block.content.length)]
    // Of a long one, within the first instruction, its literals, and the last ones.
    const ends = [...data.keys()].filter((end) => end < 12 || end > data.length - 12)
    const accepted = ends.filter((end) => !isRefused(data.subarray(0, end), output))
    expect(accepted).toEqual([])
  })
})

function isRefused(data: Uint8Array, output: Uint8Array): boolean {
  try {
    decompressLzo1x(data, output)
  } catch (error) {
    if (error instanceof RangeError) return true
    throw error
  }
  return false
}

describe('a block that is none', () => {
  it.each<[string, Block, number, string]>([
    ['too short for its end', new Block().says(17, 0), 0, 'input'],
    ['without an end', begun(4).says(64, 0, 64), 7, 'input'],
    ['with literals that reach into its end', new Block().says(22).literals(4).ends(), 5, 'literals'],
    ['with a run that reaches into its end', new Block().says(2).literals(4).ends(), 5, 'literals'],
    ['with more literals than there is room for', begun(5).ends(), 4, 'literals'],
    ['with a count that never ends', new Block().says(0, 0, 0, 0, 0), 2_000, 'count'],
    ['with a count and half of a distance', begun(4).says(32, 1, 0), 38, 'input'],
    [
      'with a match from before the beginning',
      begun(4)
        .says(64 + (4 << 2), 0)
        .ends(),
      7,
      'match',
    ],
    ['with a match of more than there is room for', begun(4).says(64, 0).ends(), 6, 'match'],
    ['with a short match where only a far one can stand', begun(4).says(0, 0).ends(), 6, 'match'],
    ['with a short match after more literals', begun(5).says(0, 0).ends(), 7, 'match'],
    ['with a short match after a run', new Block().says(1).literals(4).says(0, 0).ends(), 6, 'match'],
    ['with something after its end', begun(4).ends().says(0), 4, 'end'],
    ['with an end of another length', begun(4).says(18, 0, 0), 4, 'end'],
    ['with literals after its end', begun(4).says(17, 1, 0), 4, 'end'],
    ['that ends too early', begun(4).ends(), 5, 'end'],
  ])('%s', (_, block, bytes, why) => {
    expect(() => decompressed(block, bytes)).toThrow(new RangeError(why))
  })
})

import { randomBytes } from 'node:crypto'
import { crc32 } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ArrivingCrc32 } from '../../../../functions/ssh/sftp/arriving-crc32.ts'

describe('the CRC-32 of bytes that arrive in pieces', () => {
  it('is that of the whole, however it is cut and in whatever order the pieces come', () => {
    const cuts = fc.array(fc.nat(4_999), { maxLength: 40 })
    fc.assert(
      fc.property(cuts, fc.infiniteStream(fc.nat()), (positions, ranks) => {
        const body = randomBytes(5_000)
        const edges = [...new Set([0, ...positions, body.length])].toSorted((a, b) => a - b)
        const pieces = edges.slice(1).map((to, index) => ({ from: edges[index] ?? 0, to, rank: ranks.next().value }))
        const target = Buffer.alloc(body.length)
        const sum = new ArrivingCrc32(target)
        for (const { from, to } of pieces.toSorted((a, b) => a.rank - b.rank)) {
          body.copy(target, from, from, to)
          sum.arrived(from, to)
        }
        expect(sum.value()).toBe(crc32(body))
      }),
    )
  })

  it('is 0 for no bytes, as CRC-32 has it', () => {
    expect(new ArrivingCrc32(Buffer.alloc(0)).value()).toBe(0)
  })

  it('is refused while a byte is missing, at the front, in the middle or at the end', () => {
    for (const pieces of [
      [],
      [[1, 4]],
      [[0, 3]],
      [
        [0, 1],
        [2, 4],
      ],
    ] as const) {
      const sum = new ArrivingCrc32(Buffer.alloc(4))
      for (const [from, to] of pieces) sum.arrived(from, to)
      expect(() => sum.value()).toThrow(/of 4 bytes/)
    }
  })
})

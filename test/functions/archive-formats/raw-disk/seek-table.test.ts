import { describe, expect, it } from 'vitest'
import { Damage } from '../../../../functions/archive-formats/damage.ts'
import { readSeekTable, seekTable, seekTableBytes } from '../../../../functions/archive-formats/raw-disk/seek-table.ts'

/** Numbers of four bytes, little endian, and other bytes as hexadecimal text. */
function bytesOf(...values: (number | string)[]): Buffer {
  return Buffer.concat(
    values.map((value) => {
      if (typeof value === 'string') return Buffer.from(value, 'hex')
      const four = Buffer.alloc(4)
      four.writeUInt32LE(value)
      return four
    }),
  )
}

const table = bytesOf(0x184d2a5e, 3 * 12 + 9, 100, 1000, 5, 100, 1000, 5, 20, 0, 0, 3, '80', 0x8f92eab1)
const bare = bytesOf(0x184d2a5e, 2 * 8 + 9, 100, 1000, 20, 0, 2, '00', 0x8f92eab1)

function changed(bytes: Buffer, at: number, value: number): Buffer {
  const other = Buffer.from(bytes)
  other.writeUInt32LE(value, at)
  return other
}

function read(bytes: Buffer) {
  try {
    return [...readSeekTable(bytes, 77)]
  } catch (error) {
    if (!(error instanceof Damage)) throw error
    return error.finding
  }
}

const damaged = { code: 'seek-table', message: 'The seek table at byte 77 is damaged.', of: 'file', offset: 77 }

describe('a seek table', () => {
  it('is written as the format says, with each frame of a row', () => {
    expect(
      seekTable([
        [100, 1000, 5, 0xffff, 2],
        [20, 0, 0, 0xffff, 1],
      ]).toString('hex'),
    ).toBe(table.toString('hex'))
    expect(seekTable([[1, 2, 3, 4, 100]])).toHaveLength(100 * 12 + 17)
  })

  it('is refused for more frames than the format allows', () => {
    expect(() => seekTable([[1, 1, 1, 1, 2 ** 40]])).toThrow(
      new RangeError(`a seek table of ${2 ** 40} frames: the format allows 134217728`),
    )
  })

  it('is read back, with checksums or as other writers leave them out', () => {
    expect(read(table)).toEqual([
      { storedBytes: 100, diskBytes: 1000, checksum: 5 },
      { storedBytes: 100, diskBytes: 1000, checksum: 5 },
      { storedBytes: 20, diskBytes: 0, checksum: 0 },
    ])
    expect(read(bare)).toEqual([
      { storedBytes: 100, diskBytes: 1000 },
      { storedBytes: 20, diskBytes: 0 },
    ])
    expect(read(seekTable([]))).toEqual([])
  })

  it('is damaged where it says that content lies in fewer bytes than a frame has', () => {
    expect(read(changed(table, 8, 8))).toEqual(damaged)
    expect(read(changed(table, 8, 9))).toMatchObject([{ storedBytes: 9 }, {}, {}])
    // Without content it may be anything that is skipped.
    expect(read(changed(table, 32, 0))).toMatchObject([{}, {}, { storedBytes: 0 }])
  })

  it('tells by the file’s last nine bytes how long it is', () => {
    expect(seekTableBytes(table.subarray(-9))).toBe(table.length)
    expect(seekTableBytes(bare.subarray(-9))).toBe(bare.length)
    // Bits beside that of the checksums say nothing here.
    expect(seekTableBytes(bytesOf(2, '7f', 0x8f92eab1))).toBe(bare.length)
    expect(seekTableBytes(bytesOf(3, '81', 0x8f92eab1))).toBe(table.length)
  })

  it('is none without its mark, or where there are more or fewer bytes than nine', () => {
    expect(seekTableBytes(bytesOf(3, '80', 0x8f92eab2))).toBeUndefined()
    expect(seekTableBytes(table.subarray(-8))).toBeUndefined()
    expect(seekTableBytes(table.subarray(-10))).toBeUndefined()
    expect(seekTableBytes(Buffer.alloc(0))).toBeUndefined()
  })

  it.each([
    ['has another mark in front', changed(table, 0, 0x184d2a50)],
    ['has another mark at its end', changed(table, table.length - 4, 1)],
    ['says another length', changed(table, 4, 3 * 12 + 8)],
    ['counts other frames', changed(table, table.length - 9, 2)],
    ['lacks an entry', Buffer.concat([table.subarray(0, 8), table.subarray(20)])],
    ['has bytes too many', Buffer.concat([table, Buffer.alloc(1)])],
    ['is a footer alone', table.subarray(-9)],
    ['is shorter than a header', table.subarray(0, 5)],
    ['is empty', Buffer.alloc(0)],
  ])('is damaged where it %s', (_, bytes) => {
    expect(read(bytes)).toEqual(damaged)
  })
})

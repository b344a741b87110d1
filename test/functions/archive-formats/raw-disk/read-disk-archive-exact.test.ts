import { crc32 } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { dataFrame, type Frame, padFrame } from '../../../../functions/archive-formats/raw-disk/frames.ts'
import { readDiskArchive } from '../../../../functions/archive-formats/raw-disk/read-disk-archive.ts'
import { NOT_INSPECTED } from '../../../../functions/contracts/verification.ts'
import { crc32ToBase64 } from '../../../../functions/domain/transfer/crc32.ts'
import { archiveOf, smallDisk, smallFrames } from './small-archive.ts'

const archive = archiveOf(smallFrames)
const [letters, pad, hole, digits, last] = smallFrames as [Frame, Frame, Frame, Frame, Frame]
const disk = { sizeBytes: smallDisk.length, crc32: `CRC32:${crc32ToBase64(crc32(smallDisk))}` }

/** Reads it in small chunks; `closed` counts how often the source was given back. */
async function read(bytes: Buffer, expected: { sizeBytes: number; crc32: string } | 'unknown' = disk) {
  const seen = { closed: 0 }
  async function* source() {
    try {
      for (let at = 0; at < bytes.length; at += 50) yield bytes.subarray(at, at + 50)
    } finally {
      seen.closed += 1
    }
  }
  const reading = await readDiskArchive(source(), {
    fileName: 'd.raw.zst',
    ...(expected === 'unknown' ? {} : { disk: expected }),
  })
  return { ...reading, ...seen }
}

describe('reading the archive of a small disk', () => {
  it('accepts it and says what it holds', async () => {
    expect(await read(archive)).toEqual({
      result: 'accepted',
      findings: [],
      notes: [],
      evidence: {
        fileName: 'd.raw.zst',
        sizeBytes: archive.length,
        crc32: crc32ToBase64(crc32(archive)),
        compression: 'zstd',
        contentBytes: smallDisk.length,
        disk: { frames: 3, pads: 2, crc32: crc32ToBase64(crc32(smallDisk)) },
      },
      closed: 1,
    })
  })

  it('tells the entropy of what was written, and none of zeros', async () => {
    const text = await dataFrame(Buffer.from('0123'.repeat(50_000)), 1)
    const written = await read(archiveOf([hole, text]), 'unknown')
    expect([written.result, written.evidence.entropyBitsPerByte]).toEqual(['accepted', 2])
    const zeros = await read(archiveOf([hole, pad]), 'unknown')
    expect(zeros.result).toBe('accepted')
    expect(zeros.evidence).not.toHaveProperty('entropyBitsPerByte')
  })

  it.each([
    ['another size', { ...disk, sizeBytes: disk.sizeBytes + 1 }],
    ['another sum', { ...disk, crc32: 'CRC32:AAAAAA==' }],
  ])('refuses it where the manifest says %s', async (_, expected) => {
    const { result, findings } = await read(archive, expected)
    expect(result).toBe('refused')
    expect(findings).toEqual([
      {
        code: 'disk-mismatch',
        message: `The disk has ${disk.sizeBytes} bytes with ${disk.crc32}; the manifest says ${expected.sizeBytes} bytes with ${expected.crc32}.`,
        of: 'content',
        offset: 0,
      },
    ])
    expect((await read(archive, 'unknown')).result).toBe('accepted')
  })

  it.each([
    ['stores the first frame in other bytes', [padFrame(300), pad, hole, digits, last], 0],
    ['has another length of a frame', [letters, pad, { ...hole, diskBytes: 99 }, digits, last], 2],
    ['has another sum of a frame', [letters, pad, hole, { ...digits, checksum: 5 }, last], 3],
    ['has a pad of another length', [letters, padFrame(21), hole, digits, last], 1],
    ['is about a frame more', [letters, pad, hole, digits, last, last], 5],
    ['has frames in another order', [letters, pad, digits, hole, last], 2],
  ])('refuses it where the seek table %s', async (_, about, entry) => {
    const { result, findings } = await read(archiveOf(smallFrames, about))
    expect(result).toBe('refused')
    expect(findings).toEqual([
      {
        code: 'seek-table',
        message: `Entry ${entry} of the seek table is not about the file's frame ${entry}: a frame is missing, or in another place.`,
        of: 'file',
        offset: expect.any(Number),
      },
    ])
    expect(findings[0]?.offset).toBe(Buffer.concat(smallFrames.map(({ bytes }) => bytes)).length)
  })

  it('refuses it where the seek table is about fewer frames', async () => {
    const { findings } = await read(archiveOf(smallFrames, smallFrames.slice(0, 4)))
    expect(findings).toMatchObject([
      { code: 'seek-table', message: 'The seek table is about 4 frames, and 5 lie before it.' },
    ])
  })

  it('says of pads nothing by their sums: a seek table may have any', async () => {
    const about = [letters, { ...pad, checksum: 7 }, hole, digits, last]
    expect((await read(archiveOf(smallFrames, about))).result).toBe('accepted')
  })

  it('accepts a seek table without checksums', async () => {
    const entries = smallFrames.flatMap(({ bytes, diskBytes }) => [bytes.length, diskBytes])
    const table = Buffer.alloc(8 + entries.length * 4 + 9)
    table.writeUInt32LE(0x184d2a5e)
    table.writeUInt32LE(table.length - 8, 4)
    for (const [index, value] of entries.entries()) table.writeUInt32LE(value, 8 + index * 4)
    table.writeUInt32LE(smallFrames.length, table.length - 9)
    table.writeUInt32LE(0x8f92eab1, table.length - 4)
    const { result } = await read(Buffer.concat([...smallFrames.map(({ bytes }) => bytes), table]))
    expect(result).toBe('accepted')
  })

  it.each([
    ['is empty', Buffer.alloc(0), ['empty', 'disk-mismatch'], 0],
    ['lacks its seek table', letters.bytes, ['seek-table-missing', 'disk-mismatch'], letters.bytes.length],
    ['goes on behind it', Buffer.concat([archive, pad.bytes]), ['after-seek-table'], archive.length],
    ['goes on behind it with another', Buffer.concat([archive, archive]), ['after-seek-table'], archive.length],
  ])('refuses a file that %s, and reads it to its end', async (_, bytes, codes, offset) => {
    const { result, findings, evidence, closed } = await read(bytes)
    expect([result, findings.map(({ code }) => code), findings[0]?.offset]).toEqual(['refused', codes, offset])
    expect(findings.every(({ message }) => message.endsWith('.'))).toBe(true)
    expect(evidence).toMatchObject({ sizeBytes: bytes.length, crc32: crc32ToBase64(crc32(bytes)) })
    expect(closed).toBe(1)
  })

  it('has seen no more of a disk than the frames before a fault', async () => {
    const broken = Buffer.concat([letters.bytes, pad.bytes, Buffer.from('no frame')])
    const { findings, evidence } = await read(broken)
    expect(findings.map(({ code }) => code)).toEqual(['zstd-trailing-data'])
    expect(evidence).toMatchObject({ contentBytes: 200, disk: { frames: 1, pads: 1 } })
  })

  it('does not know frames of other makers, which is nothing against them', async () => {
    const { result, findings } = await read(Buffer.from('28b52ffd2005', 'hex'))
    expect([result, findings.map(({ code }) => code)]).toEqual(['not-verified', [NOT_INSPECTED]])
  })

  it('gives its source back and says what it threw: that is nothing about the archive', async () => {
    let closed = 0
    const source: AsyncIterable<Buffer> = {
      [Symbol.asyncIterator]: () => ({
        next: () => Promise.reject(new TypeError('the line broke')),
        return: async () => {
          closed += 1
          return { done: true, value: undefined }
        },
      }),
    }
    await expect(readDiskArchive(source, { fileName: 'd.raw.zst' })).rejects.toThrow(new TypeError('the line broke'))
    expect(closed).toBe(1)
  })
})

import { crc32, zstdCompressSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { readArchive } from '../../../../functions/archive-formats/formats.ts'
import { padFrame } from '../../../../functions/archive-formats/raw-disk/frames.ts'
import { NOT_INSPECTED } from '../../../../functions/contracts/verification.ts'
import { crc32ToBase64 } from '../../../../functions/domain/transfer/crc32.ts'
import { inChunks } from '../proxmox/made-archives.ts'
import { diskOf, MIB, packed, times } from './made-disks.ts'

const disk = diskOf([...times(10, 'hole' as const), 'text', 'random', ...times(20, 'hole' as const), 'text'], 512)
const { object, assembly, kept } = await packed(disk, 12 * MIB)
const tableBytes = assembly.closing[0]?.sizeBytes ?? 0
const frames = object.subarray(0, object.length - tableBytes)

const read = (bytes: Buffer, fileName = 'web1-xvda.raw.zst', chunkBytes = 100_000) =>
  readArchive(inChunks(bytes, chunkBytes), {
    fileName,
    disk: { sizeBytes: disk.bytes.length, crc32: `CRC32:${crc32ToBase64(crc32(disk.bytes))}` },
  })

function flipped(at: number): Buffer {
  const bytes = Buffer.from(object)
  bytes[at] = (bytes[at] ?? 0) ^ 0x10
  return bytes
}

describe('reading the archive of a disk whole', () => {
  it.each(['web1-xvda.raw.zst', 'web1_OsDisk.vhd.zst', 'web1_data.vhdx.zst'])(
    'accepts %s and says what it holds',
    async (name) => {
      const reading = await read(object, name)
      expect(reading).toEqual({
        result: 'accepted',
        findings: [],
        notes: [],
        evidence: {
          fileName: name,
          sizeBytes: object.length,
          crc32: crc32ToBase64(crc32(object)),
          compression: 'zstd',
          contentBytes: disk.bytes.length,
          entropyBitsPerByte: expect.any(Number),
          disk: { frames: assembly.content?.frames, pads: kept.size, crc32: crc32ToBase64(crc32(disk.bytes)) },
        },
      })
    },
  )

  it.each([1000, 65_536, 2 ** 24])('reads the same in chunks of %d bytes', async (chunkBytes) => {
    expect((await read(object, undefined, chunkBytes)).result).toBe('accepted')
  })

  it.each([
    ['nothing', Buffer.alloc(0), 'empty'],
    ['a cut within a frame', object.subarray(0, 3000), 'zstd-cut-short'],
    ['a cut within a pad', object.subarray(0, 3 * MIB), 'zstd-cut-short'],
    ['a cut within the seek table', object.subarray(0, object.length - 5), 'zstd-cut-short'],
    ['a cut within a magic number', object.subarray(0, frames.length + 2), 'zstd-cut-short'],
    ['the last part alone missing, which zstd takes for whole', frames, 'seek-table-missing'],
    [
      'all parts but the first missing, which zstd takes for whole',
      kept.get(1)?.body ?? Buffer.alloc(0),
      'seek-table-missing',
    ],
    ['the first part missing', object.subarray(kept.get(1)?.body.length), 'seek-table'],
    [
      'a part in the middle missing',
      Buffer.concat([kept.get(1)?.body ?? Buffer.alloc(0), object.subarray(-tableBytes)]),
      'seek-table',
    ],
    ['two archives in one file', Buffer.concat([object, object]), 'after-seek-table'],
    ['something behind', Buffer.concat([object, Buffer.from('text')]), 'zstd-trailing-data'],
    ['a pad behind', Buffer.concat([object, padFrame(20).bytes]), 'after-seek-table'],
    ['a web page', Buffer.from('<html><body>Sign in</body></html>'), 'zstd-trailing-data'],
    ['a flipped bit in the seek table', flipped(object.length - 40), 'seek-table'],
    ['a flipped bit in its footer', flipped(object.length - 2), 'seek-table'],
  ])('refuses %s', async (_, bytes, code) => {
    const reading = await read(bytes)
    expect(reading.result).toBe('refused')
    expect(reading.findings[0]).toMatchObject({ code, message: expect.stringMatching(/\.$/) })
    // The sum is over all bytes, whatever was found.
    expect(reading.evidence).toMatchObject({ sizeBytes: bytes.length, crc32: crc32ToBase64(crc32(bytes)) })
  })

  it('never accepts a flipped bit in a frame', async () => {
    const first = frames.indexOf(padFrame(8).bytes.subarray(0, 4))
    for (let at = 0; at < first; at += Math.ceil(first / 12)) {
      expect((await read(flipped(at))).result, `byte ${at}`).not.toBe('accepted')
    }
  })

  it('refuses a whole archive of another disk', async () => {
    const other = await packed(diskOf(['text'], 0, 2))
    const reading = await read(other.object)
    expect(reading.findings).toEqual([
      {
        code: 'disk-mismatch',
        of: 'content',
        offset: 0,
        message: expect.stringMatching(/The disk has 524288 bytes with/),
      },
    ])
  })

  it.each([
    ['without checksums', zstdCompressSync(Buffer.alloc(1000, 'x'))],
    ['without a content size', Buffer.from('28b52ffd0458010000', 'hex')],
    ['with a dictionary', Buffer.from('28b52ffd25000101010000', 'hex')],
  ])('says of frames %s that it does not know them, and nothing against them', async (_, bytes) => {
    const reading = await read(bytes)
    expect(reading.result).toBe('not-verified')
    expect(reading.findings.map(({ code }) => code)).toEqual([NOT_INSPECTED])
  })

  it('holds no more of a file of one endless frame than a frame may have', async () => {
    const block = Buffer.concat([Buffer.from([0, 0, 0x10]), Buffer.alloc(128 * 1024)])
    block.writeUIntLE((128 * 1024) << 3, 0, 3)
    async function* endless(): AsyncGenerator<Buffer> {
      yield Buffer.from('28b52ffd84480000000400', 'hex').subarray(0, 10)
      for (let count = 0; count < 600; count += 1) yield block
    }
    const reading = await readArchive(endless(), { fileName: 'd.raw.zst' })
    expect(reading).toMatchObject({ result: 'not-verified', evidence: { sizeBytes: 10 + 600 * block.length } })
  })

  it('throws what the source throws, which says nothing about the archive', async () => {
    async function* broken(): AsyncGenerator<Buffer> {
      yield object.subarray(0, 1000)
      throw new Error('the line broke')
    }
    await expect(readArchive(broken(), { fileName: 'd.raw.zst' })).rejects.toThrow('the line broke')
  })
})

describe('the registry of formats', () => {
  it('leaves what is no disk to the family that says "not inspected" of what nobody knows', async () => {
    const bytes = Buffer.from('something of another platform'.repeat(50))
    const reading = await readArchive(inChunks(bytes), { fileName: 'disk.tar.xz' })
    expect(reading).toMatchObject({ result: 'not-verified', findings: [{ code: NOT_INSPECTED }] })
  })

  it.each(['vzdump-qemu-100-2026_11_22-02_00_00.vma.zst', 'disk.zst', 'raw.zst.vma'])(
    'takes no disk for %s',
    async (fileName) => {
      expect((await readArchive(inChunks(object), { fileName })).evidence).not.toHaveProperty('disk')
    },
  )
})

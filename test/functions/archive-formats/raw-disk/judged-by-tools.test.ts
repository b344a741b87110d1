/** Archives of disks, judged by the programs that people restore with. */
import { spawnSync } from 'node:child_process'
import { createWriteStream, existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { fileURLToPath } from 'node:url'
import { crc32 } from 'node:zlib'
import { afterAll, describe, expect, it } from 'vitest'
import { rawDiskEncoder } from '../../../../functions/archive-formats/raw-disk/encoder.ts'
import { unpack, writeSparse } from '../../../../functions/archive-formats/raw-disk/unpack.ts'
import type { AllocationMap } from '../../../../functions/contracts/disk-archive.ts'
import { planDisk } from '../../../../functions/domain/encoding/disk-plan.ts'
import { crc32ToBase64 } from '../../../../functions/domain/transfer/crc32.ts'
import { inChunks } from '../proxmox/made-archives.ts'
import {
  allParts,
  assembled,
  BLOCK,
  type Disk,
  diskOf,
  makeParts,
  MIB,
  packed,
  randomFrom,
  readerOf,
  shuffled,
  times,
} from './made-disks.ts'

const directory = mkdtempSync(join(tmpdir(), 'guestlift-disk-'))
afterAll(() => rmSync(directory, { recursive: true }))
const at = (name: string): string => join(directory, name)

function has(tool: string): boolean {
  const found = spawnSync('sh', ['-c', `command -v ${tool}`], {
    env: { ...process.env, PATH: `${process.env['PATH']}:/usr/sbin` },
  })
  if (found.status !== 0) console.warn(`skipped: no ${tool}`)
  return found.status === 0
}

/** Standard output. @throws Error with the program's own words */
function run(tool: string, ...words: string[]): string {
  const env = { ...process.env, PATH: `${process.env['PATH']}:/usr/sbin` }
  const { status, stdout, stderr } = spawnSync(tool, words, { encoding: 'utf8', env, maxBuffer: 2 ** 26 })
  if (status !== 0) throw new Error(`${tool} ${words.join(' ')}: ${stderr}${stdout}`)
  return stdout
}

const disks: [string, Disk][] = [
  [
    'a mixed disk whose size is not one of whole blocks',
    diskOf(
      ['hole', 'text', ...times(20, 'hole' as const), 'random', 'zeros', ...times(7, 'text' as const), 'hole'],
      512,
    ),
  ],
  ['random data throughout, without a map', { bytes: diskOf(times(17, 'random' as const)).bytes }],
  ['log text', diskOf(times(40, 'text' as const))],
  ['a hole first and the last block written', diskOf([...times(30, 'hole' as const), 'random'])],
  ['zeros that were written, without a map', { bytes: Buffer.alloc(9 * MIB + 100) }],
]

/** The format's reference reader. Debian packages its source alone: test/tools/seekable-reader.sh builds it. */
const seekableReader = [fileURLToPath(new URL('../../../../.guestlift/tools/seekable_decompression', import.meta.url))]
  .filter((path) => existsSync(path))
  .at(0)
if (seekableReader === undefined) {
  console.warn('skipped: no seekable_decompression (sh test/tools/seekable-reader.sh .guestlift/tools)')
}

const [zstd, python, qemu, ext4] = [has('zstd'), has('python3'), has('qemu-img'), has('mkfs.ext4') && has('e2fsck')]

describe.skipIf(!zstd)('zstd', () => {
  it.each(disks)('tests, lists and unpacks the archive of %s', async (_, disk) => {
    const plan = { ...planDisk({ sourceRef: 'snap-1', sizeBytes: disk.bytes.length, map: disk.map }) }
    const encoder = rawDiskEncoder(
      { ...plan, bounds: [0, ...(disk.bytes.length > 8 * MIB ? [8 * MIB] : []), disk.bytes.length] },
      disk.map,
    )
    const order = shuffled(allParts(encoder), randomFrom(5))
    const { object, assembly } = assembled(encoder, await makeParts(encoder, readerOf(disk.bytes), order))
    writeFileSync(at('d.raw.zst'), object)
    run('zstd', '-q', '-t', at('d.raw.zst'))
    run('zstd', '-q', '-d', '-f', at('d.raw.zst'), '-o', at('d.raw'))
    expect(readFileSync(at('d.raw')).equals(disk.bytes)).toBe(true)
    const listing = run('zstd', '--list', '-v', at('d.raw.zst'))
    expect(/# Zstandard Frames: (\d+)/.exec(listing)?.[1]).toBe(String(assembly.content?.frames))
    expect(listing).toMatch(/Check: XXH64/)
    const size = /Decompressed Size: .*\((\d+) B\)/.exec(listing)?.[1]
    expect(size).toBe(String(disk.bytes.length))
    expect(assembly.content?.crc32).toBe(`CRC32:${crc32ToBase64(crc32(disk.bytes))}`)
  })

  it('complains about a file that is cut within a frame, and about one flipped bit', async () => {
    const { object } = await packed(diskOf(['text', 'random']))
    writeFileSync(at('cut.raw.zst'), object.subarray(0, 1000))
    expect(() => run('zstd', '-q', '-t', at('cut.raw.zst'))).toThrow(/premature end/i)
    const flipped = Buffer.from(object)
    flipped[300_000] = (flipped[300_000] ?? 0) ^ 1
    writeFileSync(at('flipped.raw.zst'), flipped)
    expect(() => run('zstd', '-q', '-t', at('flipped.raw.zst'))).toThrow(/corrupt|checksum/i)
  })
})

it.skipIf(!python)('gives the CRC-32 of the disk that another program gives', async () => {
  const disk = diskOf([...times(9, 'hole' as const), 'random', 'text'], 512)
  const { object, assembly } = await packed(disk)
  const file = await open(at('p.raw'), 'w')
  await writeSparse(unpack(inChunks(object)), file)
  await file.close()
  const script = 'import sys, zlib; print(zlib.crc32(open(sys.argv[1], "rb").read()))'
  expect(Number(run('python3', '-c', script, at('p.raw')))).toBe(assembly.source.crc32)
})

describe('unpacking into a file', () => {
  it('leaves holes and zeros out, and gives every byte', async () => {
    const disk = diskOf([...times(60, 'hole' as const), 'random', ...times(40, 'zeros' as const)], 512)
    const { object } = await packed(disk, 64 * MIB)
    const file = await open(at('s.raw'), 'w')
    expect(await writeSparse(unpack(inChunks(object)), file)).toBe(disk.bytes.length)
    await file.close()
    expect(readFileSync(at('s.raw')).equals(disk.bytes)).toBe(true)
    expect(statSync(at('s.raw')).blocks * 512).toBeLessThan(MIB)
  })

  it('goes on after a write that took only some of the bytes', async () => {
    const disk = diskOf(['random', 'hole', 'text'])
    const { object } = await packed(disk)
    const written = Buffer.alloc(disk.bytes.length)
    const target = {
      write: async (bytes: Buffer, offset: number, length: number, position: number) => {
        const some = Math.min(length, 1000)
        bytes.copy(written, position, offset, offset + some)
        return { bytesWritten: some }
      },
      truncate: async () => undefined,
    }
    await writeSparse(unpack(inChunks(object)), target)
    expect(written.equals(disk.bytes)).toBe(true)
  })
})

/** The map that a platform would give: blocks of zeros were never written. */
function mapOf(bytes: Buffer): AllocationMap {
  const runs: [number, number][] = []
  for (let block = 0; block * BLOCK < bytes.length; block += 1) {
    if (bytes.subarray(block * BLOCK, (block + 1) * BLOCK).every((byte) => byte === 0)) continue
    const last = runs.at(-1)
    if (last !== undefined && last[0] + last[1] === block) last[1] += 1
    else runs.push([block, 1])
  }
  return { version: 1, sizeBytes: bytes.length, blockBytes: BLOCK, runs }
}

describe.skipIf(!ext4)('a file system', () => {
  it('is whole after archiving and unpacking, and qemu-img converts it', async () => {
    const image = at('fs.raw')
    await pipeline(Readable.from([Buffer.alloc(0)]), createWriteStream(image))
    run('truncate', '-s', '48M', image)
    run('mkfs.ext4', '-q', '-F', '-d', join(import.meta.dirname, '../../../../docs'), image)
    const bytes = readFileSync(image)
    const { object, encoder } = await packed({ bytes, map: mapOf(bytes) }, 16 * MIB)
    expect(object.length).toBeLessThan(bytes.length / 2)
    const back = await open(at('back.raw'), 'w')
    await writeSparse(encoder.decode(inChunks(object)), back)
    await back.close()
    run('e2fsck', '-fn', at('back.raw'))
    if (!qemu) return
    expect(run('qemu-img', 'compare', '-f', 'raw', '-F', 'raw', image, at('back.raw'))).toMatch(/identical/)
    run('qemu-img', 'convert', '-f', 'raw', '-O', 'qcow2', at('back.raw'), at('back.qcow2'))
    expect(run('qemu-img', 'compare', '-f', 'raw', '-F', 'qcow2', image, at('back.qcow2'))).toMatch(/identical/)
  })
})

describe.skipIf(!qemu || !zstd)('a virtual disk of the platform’s own form', () => {
  it('comes back byte for byte, footer included, and qemu-img reads it', async () => {
    const raw = at('v.raw')
    writeFileSync(raw, diskOf(['text', ...times(10, 'hole' as const), 'random', ...times(4, 'hole' as const)]).bytes)
    run('qemu-img', 'convert', '-f', 'raw', '-O', 'vpc', '-o', 'subformat=fixed,force_size=on', raw, at('v.vhd'))
    const bytes = readFileSync(at('v.vhd'))
    expect(bytes.length % BLOCK).toBe(512)
    const { object } = await packed({ bytes, map: mapOf(bytes) })
    writeFileSync(at('v.vhd.zst'), object)
    run('zstd', '-q', '-d', '-f', at('v.vhd.zst'), '-o', at('w.vhd'))
    expect(readFileSync(at('w.vhd')).equals(bytes)).toBe(true)
    expect(run('qemu-img', 'compare', '-f', 'raw', '-F', 'vpc', raw, at('w.vhd'))).toMatch(/identical/)
  })
})

describe.skipIf(seekableReader === undefined)('the reference reader of the seekable format', () => {
  it.each(disks)('reads any range of the archive of %s', async (_, disk) => {
    const { object } = await packed(disk, 4 * MIB)
    writeFileSync(at('s.raw.zst'), object)
    const random = randomFrom(11)
    const { length } = disk.bytes
    const ranges = [
      [0, 1],
      [length - 1, length],
      [0, length],
      ...Array.from({ length: 6 }, () => {
        const from = Math.floor(random() * length)
        return [from, Math.min(length, from + 1 + Math.floor(random() * 2 * MIB))]
      }),
    ] as const
    for (const [from = 0, to = 0] of ranges) {
      const words = [at('s.raw.zst'), String(from), String(to)]
      const { status, stdout, stderr } = spawnSync(seekableReader ?? '', words, { maxBuffer: 2 ** 28 })
      expect(stderr.toString()).toBe('')
      expect(status).toBe(0)
      expect(stdout.equals(disk.bytes.subarray(from, to))).toBe(true)
    }
  })
})

import { crc32 } from 'node:zlib'
import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Compression } from '../../../../functions/contracts/verification.ts'
import { decompress } from '../../../../functions/archive-formats/proxmox/decompress.ts'
import { readArchive } from '../../../../functions/archive-formats/proxmox/read-archive.ts'
import { crc32ToBase64 } from '../../../../functions/domain/transfer/crc32.ts'
import {
  compressed,
  containerConfiguration,
  containerTar,
  diskless,
  extentsOf,
  has,
  inChunks,
  suffixes,
  vma,
  vmConfiguration,
} from './made-archives.ts'

const vmName = (compression: Compression = 'none') => `vzdump-qemu-100-2026_11_22-02_00_00.vma${suffixes[compression]}`
const tarName = (compression: Compression = 'none') => `vzdump-lxc-101-2026_11_22-02_00_00.tar${suffixes[compression]}`

const read = (bytes: Buffer, fileName: string, chunkBytes?: number) =>
  readArchive(inChunks(bytes, chunkBytes), { fileName })
const codes = async (bytes: Buffer, fileName: string) => (await read(bytes, fileName)).findings.map(({ code }) => code)

function flipped(bytes: Buffer, bit: number): Buffer {
  const copy = Buffer.from(bytes)
  copy[bit >>> 3] = (copy[bit >>> 3] ?? 0) ^ (1 << (bit & 7))
  return copy
}

async function contentHash(bytes: Buffer, compression: Compression): Promise<string> {
  const hash = createHash('sha256')
  for await (const chunk of decompress(inChunks(bytes), compression)) hash.update(chunk)
  return hash.digest('hex')
}

const archives = { vm: await vma(), container: containerTar() }
const compressions = (['none', 'zstd', 'gzip', 'lzo'] as const).map((name) => ({ name, missing: !has(name) }))

describe.each(compressions)('an archive compressed by the machine’s own tools: $name', ({ name, missing }) => {
  it('of a VM is accepted, with its disks and configuration', async ({ skip }) => {
    if (missing) return skip(`no ${name} here`)
    const bytes = compressed(archives.vm, name)
    for (const chunkBytes of [1, 4_099, 1 << 20]) {
      // One byte at a time is slow with nothing compressed, and the same as for the others.
      if (chunkBytes === 1 && bytes.length > 400_000) continue
      const reading = await read(bytes, vmName(name), chunkBytes)
      expect(reading.findings).toEqual([])
      expect(reading.result).toBe('accepted')
      expect(reading.evidence).toMatchObject({
        sizeBytes: bytes.length,
        crc32: crc32ToBase64(crc32(bytes)),
        contentBytes: archives.vm.length,
        compression: name,
        format: 'vma',
        guest: { kind: 'vm', id: '100' },
        configuration: { name: 'qemu-server.conf', text: vmConfiguration },
        devices: [
          { name: 'drive-scsi0', clustersFound: 91, clustersExpected: 91 },
          { name: 'drive-efidisk0', clustersFound: 9, clustersExpected: 9 },
        ],
      })
    }
  })

  it('of a container is accepted, with its members and configuration', async ({ skip }) => {
    if (missing) return skip(`no ${name} here`)
    const reading = await read(compressed(archives.container, name), tarName(name))
    expect(reading.findings).toEqual([])
    expect(reading.evidence).toMatchObject({
      format: 'tar',
      guest: { kind: 'container', id: '101' },
      configuration: { name: 'pct.conf', text: containerConfiguration },
      // Two files of configuration; srv, three folders, one file in them; forty files, two links, one sparse file.
      members: 2 + 5 + 43,
    })
  })

  it('is refused wherever it is cut off', async ({ skip }) => {
    if (missing) return skip(`no ${name} here`)
    const bytes = compressed(archives.vm, name)
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 0, max: bytes.length - 1 }), async (end) => {
        expect((await read(bytes.subarray(0, end), vmName(name))).result).toBe('refused')
      }),
      { numRuns: 60 },
    )
  })

  // gzip and lzop themselves accept zeroes behind their end (judged-by-tools.test.ts).
  const takesZeroes = name === 'gzip' || name === 'lzo'

  it('is refused with anything appended but the zeroes that its own tool accepts', async ({ skip }) => {
    if (missing) return skip(`no ${name} here`)
    const bytes = compressed(archives.vm, name)
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ minLength: 1, maxLength: 2_000 }), fc.boolean(), async (noise, zeroes) => {
        const garbage = zeroes ? Buffer.alloc(noise.length) : Buffer.from(noise)
        const fine = takesZeroes && garbage.every((byte) => byte === 0)
        const { result } = await read(Buffer.concat([bytes, garbage]), vmName(name))
        expect(result).toBe(fine ? 'accepted' : 'refused')
      }),
      { numRuns: 40 },
    )
  })
})

describe.each(compressions.filter(({ name }) => name !== 'none'))(
  'a flipped bit in $name data',
  ({ name, missing }) => {
    it('is found, or changes nothing of the content', async ({ skip }) => {
      if (missing) return skip(`no ${name} here`)
      const bytes = compressed(archives.vm, name)
      const content = await contentHash(bytes, name)
      // Half of them in the first hundred bytes, where headers are, with fields that nothing sums up (gzip's time).
      const anywhere = fc.integer({ min: 0, max: bytes.length * 8 - 1 })
      const bits = fc.oneof(anywhere, fc.integer({ min: 0, max: 800 }))
      await fc.assert(
        fc.asyncProperty(bits, async (bit) => {
          const bad = flipped(bytes, bit)
          const reading = await read(bad, vmName(name))
          const harmless = reading.result === 'refused' || (await contentHash(bad, name)) === content
          expect(harmless).toBe(true)
          expect(reading.evidence.crc32).toBe(crc32ToBase64(crc32(bad)))
          expect(reading.evidence.crc32).not.toBe(crc32ToBase64(crc32(bytes)))
        }),
        { numRuns: 150 },
      )
    })
  },
)

describe('an uncompressed VMA', () => {
  it('is refused for each flipped bit of its headers', async () => {
    const headers = [{ start: 0, end: archives.vm.readUInt32BE(56) }, ...extentsOf(archives.vm)]
    const places = headers.map(({ start }, index) => ({ start, bytes: index === 0 ? (headers[0]?.end ?? 0) : 512 }))
    const bits = fc
      .constantFrom(...places)
      .chain(({ start, bytes }) => fc.integer({ min: start * 8, max: (start + bytes) * 8 - 1 }))
    await fc.assert(
      fc.asyncProperty(bits, async (bit) => {
        expect((await read(flipped(archives.vm, bit), vmName())).result).toBe('refused')
      }),
      { numRuns: 150 },
    )
  })

  it('says that a flipped bit in a disk’s content is beyond it, and sums up the bytes for the manifest', async () => {
    const [extent] = extentsOf(archives.vm)
    const bad = flipped(archives.vm, ((extent?.start ?? 0) + 512 + 100) * 8)
    const reading = await read(bad, vmName())
    expect(reading.result).toBe('accepted')
    expect(reading.notes.join()).toMatch(/sums up headers only.*CRC-32 in the manifest/)
    expect(reading.evidence.crc32).not.toBe(crc32ToBase64(crc32(archives.vm)))
  })

  it('is refused with an extent missing, and names the first cluster that is gone', async () => {
    const [first] = extentsOf(archives.vm)
    const without = Buffer.concat([archives.vm.subarray(0, first?.start), archives.vm.subarray(first?.end)])
    const { findings } = await read(without, vmName())
    expect(findings.map(({ code }) => code)).toContain('vma-clusters-missing')
    expect(findings[0]?.message).toMatch(/^\d+ of 91 clusters of drive-scsi0 are missing .* the first is 0\.$/)
  })

  it('is refused with an extent twice', async () => {
    const [first] = extentsOf(archives.vm)
    const twice = Buffer.concat([archives.vm, archives.vm.subarray(first?.start, first?.end)])
    const found = await codes(twice, vmName())
    // Fifty are told and the rest is counted.
    expect(found).toEqual([...Array.from({ length: 50 }, () => 'vma-cluster-twice'), 'more'])
  })

  it('is refused with an extent of another VMA', async () => {
    const [first] = extentsOf(archives.vm)
    const other = await diskless()
    const mixed = Buffer.concat([archives.vm.subarray(0, first?.start), other.subarray(extentsOf(other)[0]?.start)])
    expect(await codes(mixed, vmName())).toEqual(['vma-extent-uuid'])
  })

  it('restores the same disks from extents that changed places, and says that they did', async () => {
    const [first, second, ...more] = extentsOf(archives.vm)
    expect(more).toEqual([])
    const swapped = Buffer.concat([
      archives.vm.subarray(0, first?.start),
      archives.vm.subarray(second?.start, second?.end),
      archives.vm.subarray(first?.start, first?.end),
    ])
    const reading = await read(swapped, vmName())
    expect(reading.result).toBe('accepted')
    expect(reading.notes.join()).toMatch(/put into another order/)
    expect(reading.evidence.crc32).not.toBe(crc32ToBase64(crc32(archives.vm)))
  })

  it('is refused when the headers of two extents changed places', async () => {
    const [first, second] = extentsOf(archives.vm)
    const bad = Buffer.from(archives.vm)
    archives.vm.copy(bad, first?.start, second?.start, (second?.start ?? 0) + 512)
    archives.vm.copy(bad, second?.start, first?.start, (first?.start ?? 0) + 512)
    expect((await read(bad, vmName())).result).toBe('refused')
  })

  it('without disks is accepted, and refused without its one extent', async () => {
    const bytes = await diskless()
    expect((await read(bytes, vmName())).result).toBe('accepted')
    expect(await codes(bytes.subarray(0, -512), vmName())).toEqual(['vma-cut-short'])
  })

  it('is refused when a drive of its configuration has no data', async () => {
    const config = `${vmConfiguration}#qmdump#map:scsi1:drive-scsi1:local:raw:\n`
    expect(await codes(await vma({ config }), vmName())).toEqual(['drive-without-data'])
  })

  it('is refused without a configuration', async () => {
    expect(await codes(await vma({ config: ' ' }), vmName())).toEqual(['configuration-missing'])
  })
})

describe('an uncompressed tar', () => {
  const tar = archives.container
  const endMark = lastNonZeroBlockEnd(tar)

  it.each(['posix', 'gnu'] as const)('of the form %s is accepted', async (format) => {
    expect((await read(containerTar({ format }), tarName())).findings).toEqual([])
  })

  it('is refused wherever it is cut off before its end mark is whole', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 0, max: endMark + 1_023 }), async (end) => {
        expect((await read(tar.subarray(0, end), tarName())).result).toBe('refused')
      }),
      { numRuns: 150 },
    )
    // What follows the mark only fills up the last record.
    expect((await read(tar.subarray(0, endMark + 1_024), tarName())).result).toBe('accepted')
  })

  it('is refused for each flipped bit of a member’s header', async () => {
    const starts = headersOf(tar)
    expect(starts.length).toBeGreaterThan(40)
    const bits = fc.tuple(fc.constantFrom(...starts), fc.integer({ min: 0, max: 4_095 }))
    await fc.assert(
      fc.asyncProperty(bits, async ([start, bit]) => {
        expect((await read(flipped(tar, start * 8 + bit), tarName())).result).toBe('refused')
      }),
      { numRuns: 200 },
    )
  })

  it('is refused with something after its end', async () => {
    const bytes = Buffer.concat([tar, Buffer.from('x')])
    expect(await codes(bytes, tarName())).toEqual(['tar-trailing-data'])
    expect(await codes(Buffer.concat([tar, Buffer.alloc(7)]), tarName())).toEqual(['tar-cut-short'])
  })

  it('is refused without the container’s configuration', async () => {
    const at = headersOf(tar)[0] ?? 0
    const first = tar.toString('latin1', at, at + 100).startsWith('./etc/vzdump/pct.conf')
      ? at
      : (headersOf(tar)[1] ?? 0)
    const member = first + 512 + 512
    expect(await codes(tar.subarray(member), tarName())).toEqual(['configuration-missing'])
  })
})

describe('a name that doesn’t fit', () => {
  it('is refused, since a restore goes by the name', async () => {
    expect(await codes(archives.vm, vmName('zstd'))).toEqual(['compression-mismatch'])
    expect(await codes(archives.vm, tarName())).toEqual(['format-mismatch', 'guest-mismatch'])
    expect(await codes(archives.container, vmName())).toEqual(['format-mismatch', 'guest-mismatch'])
  })

  it('of another guest than expected is refused', async () => {
    const guest = { id: '102', kind: 'vm', name: 'web1' } as const
    const { findings } = await readArchive(inChunks(archives.vm), { fileName: vmName(), guest })
    expect(findings.map(({ code }) => code)).toEqual(['guest-mismatch'])
  })

  it('of no archive is noted', async () => {
    const reading = await read(archives.vm, 'download')
    expect(reading.result).toBe('accepted')
    expect(reading.notes.join()).toMatch(/not the name of an archive/)
  })

  it('of a compressor that can’t be read here is not verified', async () => {
    const { result, findings } = await read(Buffer.from('BZh91AY&SY'), 'vzdump-lxc-1-2026_11_22-02_00_00.tar.bz2')
    expect([result, findings.map(({ code }) => code)]).toEqual(['not-verified', ['unsupported']])
  })
})

it('refuses an empty file and noise', async () => {
  expect((await read(Buffer.alloc(0), vmName('zstd'))).result).toBe('refused')
  expect((await read(Buffer.alloc(100_000, 'noise'), vmName())).result).toBe('refused')
})

it('does not inspect a format that it does not know, and says nothing against it', async () => {
  const { result, findings } = await read(Buffer.alloc(100_000, '# Disk DescriptorFile'), 'disk-0.vmdk')
  expect(result).toBe('not-verified')
  expect(findings).toEqual([{ code: 'not-inspected', message: expect.stringContaining('disk-0.vmdk is of a format') }])
})

it('tells a failing source from a damaged archive', async () => {
  async function* broken(): AsyncGenerator<Buffer> {
    yield compressed(archives.vm, 'gzip').subarray(0, 5_000)
    throw new Error('connection reset')
  }
  await expect(readArchive(broken(), { fileName: vmName('gzip') })).rejects.toThrow('connection reset')
})

/** Blocks with a header's mark at its place. Content that looks like one doesn't occur in these archives. */
function headersOf(tar: Buffer): number[] {
  const starts: number[] = []
  for (let at = 0; at < tar.length; at += 512) {
    if (tar.toString('latin1', at + 257, at + 262) === 'ustar') starts.push(at)
  }
  return starts
}

function lastNonZeroBlockEnd(tar: Buffer): number {
  let end = tar.length
  while (end > 0 && tar.subarray(end - 512, end).every((byte) => byte === 0)) end -= 512
  return end
}

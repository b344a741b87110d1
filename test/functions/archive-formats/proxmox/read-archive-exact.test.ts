import { crc32, gzipSync, zstdCompressSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import type { ExpectedArchive } from '../../../../functions/archive-formats/archive-reading.ts'
import { readArchive } from '../../../../functions/archive-formats/proxmox/read-archive.ts'
import { crc32ToBase64 } from '../../../../functions/domain/transfer/crc32.ts'
import { containerConfiguration, containerTar, diskless, extentsOf, inChunks, vma } from './made-archives.ts'

const vmName = 'vzdump-qemu-100-2026_11_22-02_00_00.vma'
const tarName = 'vzdump-lxc-101-2026_11_22-02_00_00.tar'
const small = await diskless()
const tar = containerTar()
const UNSUMMED = expect.stringMatching(
  /^The archive is not compressed, .* The CRC-32 in the manifest covers every byte\.$/,
)

const read = (bytes: Buffer, fileName: string, guest?: ExpectedArchive['guest']) =>
  readArchive(inChunks(bytes), { fileName, ...(guest === undefined ? {} : { guest }) })
const found = async (...of: Parameters<typeof read>) => (await read(...of)).findings

describe('a reading', () => {
  it('tells everything of an archive without disks, and nothing else', async () => {
    expect(await read(small, vmName)).toEqual({
      result: 'accepted',
      findings: [],
      notes: [UNSUMMED],
      evidence: {
        fileName: vmName,
        sizeBytes: small.length,
        crc32: crc32ToBase64(crc32(small)),
        compression: 'none',
        contentBytes: small.length,
        entropyBitsPerByte: expect.any(Number),
        guest: { kind: 'vm', id: '100' },
        format: 'vma',
        configuration: { name: 'qemu-server.conf', text: 'cores: 1\n' },
        devices: [],
      },
    })
  })

  it('tells everything of a compressed container', async () => {
    const bytes = gzipSync(tar)
    expect(await read(bytes, `${tarName}.gz`)).toEqual({
      result: 'accepted',
      findings: [],
      notes: [],
      evidence: {
        fileName: `${tarName}.gz`,
        sizeBytes: bytes.length,
        crc32: crc32ToBase64(crc32(bytes)),
        compression: 'gzip',
        contentBytes: tar.length,
        entropyBitsPerByte: expect.any(Number),
        guest: { kind: 'container', id: '101' },
        format: 'tar',
        members: 50,
        memberBytes: expect.any(Number),
        configuration: { name: 'pct.conf', text: containerConfiguration },
      },
    })
  })

  it('of an empty file says so, and has no figures of its content', async () => {
    expect(await read(Buffer.alloc(0), 'nothing')).toEqual({
      result: 'refused',
      findings: [{ code: 'empty', message: 'The file is empty.', of: 'file', offset: 0 }],
      notes: [expect.stringMatching(/^nothing is not the name of an archive\./)],
      evidence: { fileName: 'nothing', sizeBytes: 0, crc32: crc32ToBase64(0), compression: 'none', contentBytes: 0 },
    })
  })

  it('of a compressed file that holds nothing refuses it: no archive is empty', async () => {
    const nothing = { code: 'empty', message: 'What the file holds compressed is empty.', of: 'content', offset: 0 }
    for (const [bytes, fileName] of [
      [gzipSync(''), `${vmName}.gz`],
      [zstdCompressSync(''), `${tarName}.zst`],
      [zstdCompressSync(''), 'disk-0.vmdk'],
    ] as const) {
      const { result, findings, evidence } = await read(bytes, fileName)
      expect(findings).toEqual([nothing])
      expect(result).toBe('refused')
      expect(evidence).toMatchObject({ sizeBytes: bytes.length, contentBytes: 0 })
    }
  })

  it('of an empty file under the name of an archive says no more than that', async () => {
    expect((await found(Buffer.alloc(0), vmName)).map(({ code }) => code)).toEqual(['empty'])
  })

  it('of a single byte goes by the name', async () => {
    expect((await found(Buffer.from('V'), vmName)).map(({ code }) => code)).toEqual(['vma-magic'])
    expect((await found(Buffer.from('V'), 'unknown')).map(({ code }) => code)).toEqual(['not-inspected'])
  })

  it('of a compressor that is unknown sums up the file and looks no further', async () => {
    const bytes = Buffer.from('BZh91AY&SY and so on')
    expect(await read(bytes, `${tarName}.bz2`)).toEqual({
      result: 'not-verified',
      findings: [{ code: 'unsupported', message: `${tarName}.bz2 is compressed in a way that can't be read here.` }],
      notes: [],
      evidence: {
        fileName: `${tarName}.bz2`,
        sizeBytes: bytes.length,
        crc32: crc32ToBase64(crc32(bytes)),
        contentBytes: 0,
        guest: { kind: 'container', id: '101' },
      },
    })
  })

  it('of a format that is unknown has no format, and no word about sums that it lacks', async () => {
    const { evidence, notes, result } = await read(zstdCompressSync(Buffer.alloc(2_000, 'KDMV')), 'disk-0.vmdk')
    expect(result).toBe('not-verified')
    expect(evidence).toMatchObject({ compression: 'zstd', contentBytes: 2_000 })
    expect(evidence).not.toHaveProperty('format')
    expect(notes).toHaveLength(2)
    expect((await read(Buffer.alloc(2_000, 'KDMV'), 'disk-0.vmdk')).notes).toHaveLength(1)
  })

  it('of a format that is unknown is refused all the same where its compressor’s data is damaged', async () => {
    const bytes = gzipSync(Buffer.alloc(200_000, 'KDMV'))
    const { result, findings } = await read(bytes.subarray(0, -4), 'disk-0.vmdk')
    expect(findings.map(({ code }) => code)).toEqual(['not-inspected', 'gzip-cut-short'])
    expect(result).toBe('refused')
  })

  it('of one whose name promises another compressor than known goes by the bytes, and says so', async () => {
    const { findings, evidence } = await read(zstdCompressSync(tar), `${tarName}.bz2`)
    expect(findings).toEqual([
      {
        code: 'compression-mismatch',
        message: `${tarName}.bz2 should be otherwise compressed by its name, and is zstd data by its first bytes: a restore goes by the name.`,
        of: 'file',
        offset: 0,
      },
    ])
    expect(evidence).toMatchObject({ compression: 'zstd', format: 'tar', members: 50 })
    expect((await found(small, `${vmName}.gz`))[0]?.message).toContain(
      'should be gzip data by its name, and is uncompressed',
    )
  })

  it('of damaged first bytes says what the format by its name lacks', async () => {
    const bad = Buffer.from(small)
    bad[0] = 0
    expect((await found(bad, vmName)).map(({ code }) => code)).toEqual(['vma-magic'])
    expect((await found(bad, 'unknown')).map(({ code }) => code)).toEqual(['not-inspected'])
  })
})

describe('whose archive it is', () => {
  const web = { id: '100', kind: 'vm', name: 'web1' } as const

  it.each([
    ['another id', { ...web, id: '102' }, 'vm 100; expected was vm 102.'],
    ['another kind', { ...web, kind: 'container' as const }, 'vm 100; expected was container 100.'],
  ])('is held against the name: %s', async (_, guest, words) => {
    const [finding] = await found(small, vmName, guest)
    expect(finding).toEqual({ code: 'guest-mismatch', message: `${vmName} is of ${words}` })
  })

  it('is held against the format, whether the name or somebody else tells it', async () => {
    expect(await found(small, vmName, { ...web, kind: 'container' })).toEqual([
      { code: 'guest-mismatch', message: expect.stringContaining('expected was container 100.') },
      { code: 'guest-mismatch', message: 'The archive of container 100 is that of a vm.' },
    ])
    expect(await found(small, tarName)).toEqual([
      {
        code: 'format-mismatch',
        message: `${tarName} should be a tar by its name, and begins as a vma.`,
        of: 'content',
        offset: 0,
      },
      { code: 'guest-mismatch', message: 'The archive of container 101 is that of a vm.' },
    ])
    expect(await found(small, 'mine.vma')).toEqual([])
    expect(await found(small, vmName, web)).toEqual([])
  })

  it('is noted where the name doesn’t tell', async () => {
    expect((await read(small, 'mine.vma')).notes).toContain('The name mine.vma does not show whose archive it is.')
    expect((await read(small, vmName)).notes).toEqual([UNSUMMED])
  })

  it('is noted where the configuration calls it otherwise', async () => {
    const named = await vma({ clusters: 1 })
    expect((await read(named, vmName, web)).notes).toEqual([UNSUMMED])
    expect((await read(named, vmName)).notes).toEqual([UNSUMMED])
    expect((await read(named, vmName, { ...web, name: 'other' })).notes).toEqual([
      "The archive's configuration calls the guest web1; the manifest calls it other.",
      UNSUMMED,
    ])
    expect((await read(small, vmName, { ...web, name: 'other' })).notes).toEqual([UNSUMMED])
    const db = { id: '101', kind: 'container', name: 'db2' } as const
    expect((await read(tar, tarName, db)).notes[0]).toContain('calls the guest db1; the manifest calls it db2')
  })
})

describe('the configuration in a VMA', () => {
  const missing = {
    code: 'configuration-missing',
    message: "The VMA holds no qemu-server.conf, or an empty one: a restore would not know the guest's settings.",
  }

  it('has to say something', async () => {
    const empty = await read(await vma({ clusters: 1, config: ' \n' }), vmName)
    expect(empty.findings).toEqual([missing])
    expect(empty.evidence.configuration).toEqual({ name: 'qemu-server.conf', text: ' \n' })
  })

  it('is told without the hash of a password', async () => {
    const text =
      'name: web1\ncipassword: $5$abc\n#qmdump#map:scsi0:drive-scsi0:local:raw:\n#qmdump#map:efidisk0:drive-efidisk0:local:raw:\n'
    const { evidence } = await read(await vma({ clusters: 1, config: text }), vmName)
    expect(evidence.configuration?.text).toBe(text.replace('$5$abc', '(left out)'))
  })

  it('has a drive for each device, and the other way round', async () => {
    const text = ['scsi0', 'scsi1'].map((drive) => `#qmdump#map:${drive}:drive-${drive}:local:raw:\n`).join('')
    const { findings, notes, evidence } = await read(await vma({ clusters: 1, config: text }), vmName)
    expect(findings).toEqual([
      {
        code: 'drive-without-data',
        message: "The configuration's drive scsi1 has its data in drive-scsi1, which the archive lacks.",
      },
    ])
    expect(notes).toEqual([
      "No drive of the configuration uses the archive's drive-efidisk0: a restore passes over it.",
      UNSUMMED,
    ])
    expect(evidence.devices?.map(({ name }) => name)).toEqual(['drive-scsi0', 'drive-efidisk0'])
  })
})

it('notes of a VMA that an extent before the last has room left, and accepts it', async () => {
  const whole = await vma()
  const extents = extentsOf(whole).map(({ start, end }) => whole.subarray(start, end))
  const last = extents.pop() ?? Buffer.alloc(0)
  const head = whole.subarray(0, whole.readUInt32BE(56))
  const { result, notes } = await read(Buffer.concat([head, last, ...extents]), vmName)
  expect(result).toBe('accepted')
  expect(notes).toEqual([expect.stringMatching(/^1 extents before the last have room left, /), UNSUMMED])
})

describe('a source', () => {
  it('is closed when it was read, and when it failed', async () => {
    let closed = 0
    const source = (chunks: (Buffer | Error)[]): AsyncIterable<Buffer> => ({
      [Symbol.asyncIterator]: () => ({
        next: async () => {
          const value = chunks.shift()
          if (value instanceof Error) throw value
          return value === undefined ? { done: true, value } : { done: false, value }
        },
        return: async () => {
          closed += 1
          return { done: true, value: undefined }
        },
      }),
    })
    expect((await readArchive(source([small]), { fileName: vmName })).result).toBe('accepted')
    expect(closed).toBe(1)
    await expect(readArchive(source([new Error('gone')]), { fileName: vmName })).rejects.toThrow('gone')
    expect(closed).toBe(2)
  })
})

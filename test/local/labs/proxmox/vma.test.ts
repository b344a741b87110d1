import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { checkVma, VmaError } from '../../../../local/labs/proxmox/vma-check.ts'
import { type VmaInput, writeVma } from '../../../../local/labs/proxmox/vma-writer.ts'

const MIB = 1024 ** 2

const disk = (deviceName: string, sizeBytes: number, zero = 0.3): VmaInput['disks'][number] => ({
  deviceName,
  sizeBytes,
  seed: 7,
  zero,
  compressible: 0.5,
})

const input: VmaInput = {
  uuid: createHash('md5').update('one').digest(),
  ctime: 1_795_369_252,
  configs: [{ name: 'qemu-server.conf', text: 'name: vm\n#qmdump#map:scsi0:drive-scsi0:store:raw:\n' }],
  // The second ends within a block of its last cluster.
  disks: [disk('drive-scsi0', 8 * MIB), disk('drive-virtio0', 5 * MIB + 10_000)],
}

async function whole(from: VmaInput): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of writeVma(from)) chunks.push(chunk)
  return Buffer.concat(chunks)
}

async function* inPieces(bytes: Buffer, size: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}

const check = (bytes: Buffer): ReturnType<typeof checkVma> => checkVma(inPieces(bytes, 50_000))

function reseal(bytes: Buffer, at: number, length: number, md5: number): void {
  bytes.fill(0, at + md5, at + md5 + 16)
  createHash('md5')
    .update(bytes.subarray(at, at + length))
    .digest()
    .copy(bytes, at + md5)
}

const firstExtent = (bytes: Buffer): number => bytes.readUInt32BE(56)

describe('the VMA writer', () => {
  it('writes what the strict reader accepts, with names, sizes and configuration', async () => {
    const report = await check(await whole(input))
    expect(report.devices).toEqual([
      { id: 1, name: 'drive-scsi0', sizeBytes: 8 * MIB },
      { id: 2, name: 'drive-virtio0', sizeBytes: 5 * MIB + 10_000 },
    ])
    expect(report.configs['qemu-server.conf']).toContain('#qmdump#map:scsi0:drive-scsi0:store:raw:')
    expect(report.ctime).toBe(input.ctime)
    expect(report.clusters).toBe(128 + 81)
    expect(report.zeroClusters).toBeGreaterThan(20)
    expect(report.storedBlocks).toBeLessThan(16 * (report.clusters - report.zeroClusters))
  })

  it('writes the same bytes for the same input and others for another seed', async () => {
    const one = await whole(input)
    expect((await whole(input)).equals(one)).toBe(true)
    const other = await whole({ ...input, disks: [{ ...disk('drive-scsi0', 8 * MIB), seed: 8 }] })
    expect(other.equals(one)).toBe(false)
  })

  it('writes a guest without disks as a header and one empty extent', async () => {
    const bytes = await whole({ ...input, disks: [] })
    expect(bytes.length).toBe(firstExtent(bytes) + 512)
    expect((await check(bytes)).extents).toBe(1)
  })

  it('never holds more than one extent, whatever the disk is', async () => {
    for await (const chunk of writeVma({ ...input, disks: [disk('drive-scsi0', 64 * MIB, 0)] })) {
      expect(chunk.length).toBeLessThanOrEqual(3_867_136)
    }
  })

  it('can be read in pieces of any size', async () => {
    const bytes = await whole(input)
    const { contentHash } = await check(bytes)
    for (const size of [511, 4_096, bytes.length]) {
      expect((await checkVma(inPieces(bytes, size))).contentHash).toBe(contentHash)
    }
  })
})

type Mutation = [name: string, expected: RegExp, mutate: (bytes: Buffer) => Buffer | void]

const secondExtent = (bytes: Buffer): number =>
  firstExtent(bytes) + 512 + bytes.readUInt16BE(firstExtent(bytes) + 6) * 4096

const mutations: Mutation[] = [
  ['another magic', /wrong magic number/, (b) => void b.write('VMB\0', 0, 'latin1')],
  ['another version', /unknown version 2/, (b) => void b.writeUInt32BE(2, 4)],
  ['a header without room for names', /impossible header size/, (b) => void b.writeUInt32BE(12_288, 56)],
  ['a flipped bit in the header', /wrong vma header checksum/, (b) => void b.writeUInt8(b.readUInt8(27) ^ 1, 27)],
  [
    'a blob buffer that ends outside the header',
    /blob buffer is outside/,
    (b) => {
      b.writeUInt32BE(1_000_000, 52)
      reseal(b, 0, firstExtent(b), 32)
    },
  ],
  [
    'a device name that points nowhere',
    /outside the blob buffer/,
    (b) => {
      b.writeUInt32BE(60_000, 4096 + 32)
      reseal(b, 0, firstExtent(b), 32)
    },
  ],
  [
    'a name without its NUL',
    /not NUL-terminated/,
    (b) => {
      const at = 12_288 + b.readUInt32BE(4096 + 32)
      b.writeUInt8(65, at + 1 + b.readUInt16LE(at))
      reseal(b, 0, firstExtent(b), 32)
    },
  ],
  [
    'a configuration with a name and no data',
    /only one of name and data/,
    (b) => {
      b.writeUInt32BE(0, 3068)
      reseal(b, 0, firstExtent(b), 32)
    },
  ],
  ['another extent magic', /extent header magic/, (b) => void b.write('VMAX', firstExtent(b), 'latin1')],
  ['reserved bytes in use', /reserved bytes/, (b) => void b.writeUInt16BE(1, firstExtent(b) + 4)],
  [
    'a flipped bit in an extent header',
    /extent header checksum/,
    (b) => void b.writeUInt8(b.readUInt8(firstExtent(b) + 47) ^ 1, firstExtent(b) + 47),
  ],
  [
    'an extent of another archive',
    /extent uuid/,
    (b) => {
      b.fill(9, firstExtent(b) + 8, firstExtent(b) + 24)
      reseal(b, firstExtent(b), 512, 24)
    },
  ],
  [
    'a block count that the masks deny',
    /missing blocks/,
    (b) => {
      b.writeUInt16BE(b.readUInt16BE(firstExtent(b) + 6) - 1, firstExtent(b) + 6)
      reseal(b, firstExtent(b), 512, 24)
    },
  ],
  [
    'a device nobody declared',
    /unknown device 77/,
    (b) => {
      b.writeUInt8(77, firstExtent(b) + 43)
      reseal(b, firstExtent(b), 512, 24)
    },
  ],
  [
    'a cluster beyond the end',
    /beyond the end/,
    (b) => {
      b.writeUInt32BE(5_000, firstExtent(b) + 44)
      reseal(b, firstExtent(b), 512, 24)
    },
  ],
  [
    'a cluster stored twice',
    /found duplicated cluster/,
    (b) => {
      b.copy(b, firstExtent(b) + 52, firstExtent(b) + 44, firstExtent(b) + 48)
      b.copy(b, firstExtent(b) + 51, firstExtent(b) + 43, firstExtent(b) + 44)
      reseal(b, firstExtent(b), 512, 24)
    },
  ],
  [
    'a file cut within an extent header',
    /read short extent \(100 bytes\)/,
    (b) => b.subarray(0, secondExtent(b) + 100),
  ],
  ['a file cut within data', /short vma extent/, (b) => b.subarray(0, secondExtent(b) - 1)],
  ['a file cut between extents', /detected missing cluster/, (b) => b.subarray(0, secondExtent(b))],
  ['a file cut in the header', /within the header/, (b) => b.subarray(0, 5_000)],
]

describe('the strict VMA reader', () => {
  it.each(mutations)('refuses %s', async (_name, expected, mutate) => {
    const bytes = Buffer.from(await whole(input))
    const mutant = mutate(bytes) ?? bytes
    const refused = check(mutant)
    await expect(refused).rejects.toThrow(VmaError)
    await expect(refused).rejects.toThrow(expected)
  })

  it('refuses blocks stored beyond the end of a disk', async () => {
    const small = { ...input, disks: [disk('drive-scsi0', 4_096 * 3, 0)] }
    const bytes = Buffer.from(await whole(small))
    bytes.writeUInt16BE(0b1000, firstExtent(bytes) + 40)
    bytes.writeUInt16BE(1, firstExtent(bytes) + 6)
    reseal(bytes, firstExtent(bytes), 512, 24)
    await expect(check(bytes.subarray(0, firstExtent(bytes) + 512 + 4096))).rejects.toThrow(
      /stores blocks beyond the end/,
    )
  })
})

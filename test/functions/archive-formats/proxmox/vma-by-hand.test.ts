import { describe, expect, it } from 'vitest'
import { ByteCursor } from '../../../../functions/archive-formats/byte-cursor.ts'
import { Damage, Findings } from '../../../../functions/archive-formats/damage.ts'
import { md5Fits } from '../../../../functions/archive-formats/proxmox/vma-header.ts'
import { walkVma } from '../../../../functions/archive-formats/proxmox/vma.ts'
import { BLOBS_AT, disk, extent, header, HEADER_BYTES, KIB, placeBlob, sealed, UUID } from './vma-by-hand.ts'

/** Both clusters of the disk. */
const both = extent([{ cluster: 0, mask: 0b101 }, { cluster: 1 }])

async function walk(...parts: Buffer[]) {
  const findings = new Findings()
  async function* source() {
    yield* parts
  }
  try {
    const report = await walkVma(new ByteCursor(source()), findings)
    return { report, found: findings.list.map(({ code, offset }) => `${code} ${offset}`), list: findings.list }
  } catch (error) {
    if (!(error instanceof Damage)) throw error
    return { found: [`${error.finding.code} ${error.finding.offset}`], list: [error.finding] }
  }
}

describe('a VMA', () => {
  it('tells what it is, its disks and how much of each is stored', async () => {
    const { report, found } = await walk(header(), both)
    expect(found).toEqual([])
    expect(report).toEqual({
      uuid: UUID.toString('hex'),
      madeAt: '2026-11-22T02:00:00.000Z',
      configurations: [{ name: 'qemu-server.conf', text: 'name: web\n' }],
      devices: [
        { name: 'drive-scsi0', sizeBytes: 100 * KIB, clustersFound: 2, clustersExpected: 2, storedBytes: 2 * 4096 },
      ],
      extents: 1,
      unfilledExtents: 0,
    })
  })

  it('tells once of each cluster of the chosen disk that it has passed, after its content, and of zeros too', async () => {
    const told: string[] = []
    const two = header([disk, { id: 2, name: 'drive-scsi1', sizeBytes: 1 }])
    const first = extent([{ cluster: 1 }, { id: 2, cluster: 0, mask: 1 }])
    const second = extent([{ cluster: 0, mask: 0b101 }, { cluster: 1 }, { cluster: 2 }])
    async function* source() {
      yield* [two, first, second]
    }
    await walkVma(new ByteCursor(source()), new Findings(), async () => ({
      deviceId: 1,
      write: async (offset, bytes) => void told.push(`${bytes.length} at ${offset}`),
      passed: async (offset) => void told.push(`passed ${offset}`),
    }))
    // The second time, and beyond the end, are findings.
    expect(told).toEqual(['passed 65536', '4096 at 0', '4096 at 8192', 'passed 0'])
  })

  it.each([
    [-1n, undefined],
    [0n, '1970-01-01T00:00:00.000Z'],
    [253_402_300_799n, '9999-12-31T23:59:59.000Z'],
    [253_402_300_800n, undefined],
  ])('made at %i is of %s: a time that no calendar has is no reason to refuse disks', async (seconds, madeAt) => {
    const odd = header([disk], (bytes) => bytes.writeBigInt64BE(seconds, 24))
    expect((await walk(odd, both)).report?.madeAt).toBe(madeAt)
  })

  const whole = Buffer.concat([header(), both])
  it.each([
    ['at once', 0, 'vma-magic 0'],
    ['within its fixed header', 12_287, 'vma-cut-short 12287'],
    ['within its header', 16_000, 'vma-cut-short 16000'],
    ['after its header', HEADER_BYTES, 'vma-clusters-missing 16384,vma-cut-short 16384'],
    ['within the first bytes of an extent', HEADER_BYTES + 3, 'vma-cut-short 16387'],
    ['within the header of an extent', HEADER_BYTES + 511, 'vma-cut-short 16895'],
    ['within the blocks of an extent', HEADER_BYTES + 600, 'vma-cut-short 16984'],
    ['one byte early', HEADER_BYTES + 512 + 2 * 4096 - 1, 'vma-cut-short 25087'],
  ])('that ends %s is cut short, and where', async (_, bytes, expected) => {
    expect((await walk(whole.subarray(0, bytes))).found.join()).toBe(expected)
  })

  it('names each device of which clusters are missing, how many, and the first', async () => {
    const two = header([disk, { id: 2, name: 'drive-scsi1', sizeBytes: 1 }])
    const { list } = await walk(two, extent([{ cluster: 1 }]))
    expect(list.map(({ message }) => message)).toEqual([
      expect.stringMatching(/^1 of 2 clusters of drive-scsi0 are missing .* at byte 16896; the first is 0\.$/),
      expect.stringMatching(/^1 of 1 clusters of drive-scsi1 are missing .*; the first is 0\.$/),
    ])
  })

  it('without disks is whole with one extent', async () => {
    expect((await walk(header([]), extent([]))).found).toEqual([])
    expect((await walk(header([]))).found).toEqual(['vma-cut-short 16384'])
  })

  it.each([
    ['begins otherwise', (bytes: Buffer) => bytes.write('VMB\0', 0, 'latin1'), 'vma-magic 0'],
    ['is of version 0', (bytes: Buffer) => bytes.writeUInt32BE(0, 4), 'vma-version 4'],
    ['is of version 2', (bytes: Buffer) => bytes.writeUInt32BE(2, 4), 'vma-version 4'],
    [
      'is said to be no longer than its fixed part',
      (bytes: Buffer) => bytes.writeUInt32BE(12_288, 56),
      'vma-header-size 56',
    ],
    [
      'is said to be far too long',
      (bytes: Buffer) => bytes.writeUInt32BE(16 * KIB * KIB + 1, 56),
      'vma-header-size 56',
    ],
    ['has names before its fixed part’s end', (bytes: Buffer) => bytes.writeUInt32BE(BLOBS_AT - 1, 48), 'vma-blobs 48'],
    [
      'has names beyond its end',
      (bytes: Buffer) => bytes.writeUInt32BE(HEADER_BYTES - BLOBS_AT + 1, 52),
      'vma-blobs 48',
    ],
    ['points at no configuration', (bytes: Buffer) => bytes.writeUInt32BE(0, 3_068), 'vma-blobs 3068'],
    ['points beyond its names', (bytes: Buffer) => bytes.writeUInt32BE(4_095, 2_044), 'vma-blobs 2044'],
    [
      'has a name that is too long for its table',
      (bytes: Buffer) => bytes.writeUInt16LE(4_094, BLOBS_AT + 1),
      'vma-blobs 2044',
    ],
    ['has an empty name', (bytes: Buffer) => bytes.writeUInt16LE(1, BLOBS_AT + 1), 'vma-blobs 2044'],
    ['has a name without an end', (bytes: Buffer) => bytes.writeUInt16LE(16, BLOBS_AT + 1), 'vma-blobs 2044'],
    ['has a name with two ends', (bytes: Buffer) => bytes.writeUInt8(0, BLOBS_AT + 5), 'vma-blobs 2044'],
    ['has a name of no bytes', (bytes: Buffer) => bytes.writeUInt16LE(0, BLOBS_AT + 1), 'vma-blobs 2044'],
    [
      'has a name that is its end alone',
      (bytes: Buffer) => {
        bytes.writeUInt16LE(1, BLOBS_AT + 1)
        bytes.writeUInt8(0, BLOBS_AT + 3)
      },
      'vma-blobs 2044',
    ],
    [
      'points at the place that stands for nothing, which looks like an empty configuration',
      (bytes: Buffer) => {
        placeBlob(bytes, 4_000, 'a\0', 2_044)
        bytes.writeUInt16LE(0, BLOBS_AT)
        bytes.writeUInt32BE(0, 3_068)
      },
      'vma-blobs 3068',
    ],
    [
      'has a configuration that ends one byte beyond its table',
      (bytes: Buffer) => {
        placeBlob(bytes, 4_000, '', 3_068)
        bytes.writeUInt16LE(95, BLOBS_AT + 4_000)
      },
      'vma-blobs 3068',
    ],
    ['has a device of no bytes', (bytes: Buffer) => bytes.writeBigUInt64BE(0n, 4_136), 'vma-device 4136'],
    [
      'has a device that is too large to be numbered',
      (bytes: Buffer) => bytes.writeBigUInt64BE(2n ** 48n + 1n, 4_136),
      'vma-device 4136',
    ],
    ['has a device without a name', (bytes: Buffer) => bytes.writeUInt32BE(0, 4_128), 'vma-blobs 4128'],
  ])('is refused where its header %s', async (_, change, expected) => {
    expect((await walk(header([disk], change), both)).found).toEqual([expected])
  })

  it('may have a name of one letter, and a configuration up to the last byte of its table', async () => {
    const bytes = header([disk], (all) => {
      placeBlob(all, 3_900, 'a\0', 2_044)
      placeBlob(all, 4_000, 'x'.repeat(94), 3_068)
    })
    const { report } = await walk(bytes, both)
    expect(report?.configurations).toEqual([{ name: 'a', text: 'x'.repeat(94) }])
  })

  it.each([4, 7, 59, 60, BLOBS_AT - 1, BLOBS_AT, HEADER_BYTES - 1])('is cut short at byte %d', async (end) => {
    expect((await walk(header().subarray(0, end))).found).toEqual([`vma-cut-short ${end}`])
  })

  it('is refused where its header doesn’t fit its sum', async () => {
    const bad = header()
    bad[HEADER_BYTES - 1] = 1
    expect((await walk(bad, both)).found).toEqual(['vma-header-md5 32'])
  })

  it('may have the largest disk that clusters can be numbered of', async () => {
    const huge = header([{ ...disk, sizeBytes: 2 ** 48 }])
    expect((await walk(huge, both)).found).toEqual([`vma-clusters-missing ${HEADER_BYTES + both.length}`])
  })

  it('may have a device in its last place, and one configuration for each place', async () => {
    const last = { id: 255, name: 'drive-virtio15', sizeBytes: 1 }
    const { report, found } = await walk(header([last]), extent([{ id: 255, cluster: 0 }]))
    expect(found).toEqual([])
    expect(report?.devices.map(({ name }) => name)).toEqual(['drive-virtio15'])
    const second = header([disk], (bytes) => {
      bytes.copy(bytes, 2_044 + 255 * 4, 2_044, 2_048)
      bytes.copy(bytes, 3_068 + 255 * 4, 3_068, 3_072)
    })
    expect((await walk(second, both)).report?.configurations).toHaveLength(2)
    const beyond = header([disk], (bytes) => bytes.writeUInt16LE(4_096, BLOBS_AT + bytes.readUInt32BE(3_068)))
    expect((await walk(beyond, both)).found).toEqual(['vma-blobs 3068'])
    for (const pointer of [2_044, 3_068]) {
      const none = header([disk], (bytes) => bytes.writeUInt32BE(0, pointer))
      expect((await walk(none, both)).found).toEqual([`vma-blobs ${pointer}`])
    }
    // The last two bytes of the table say that nothing follows.
    const empty = header([disk], (bytes) => bytes.writeUInt32BE(HEADER_BYTES - BLOBS_AT - 2, 3_068))
    expect((await walk(empty, both)).report?.configurations).toEqual([{ name: 'qemu-server.conf', text: '' }])
  })
})

describe('an extent', () => {
  it.each([
    ['begins otherwise', (head: Buffer) => head.write('VMAX', 0, 'latin1'), 'vma-extent-magic 16384'],
    ['is of another VMA', (head: Buffer) => head.writeUInt8(1, 8), 'vma-extent-uuid 16384'],
    ['counts fewer blocks than it lists', (head: Buffer) => head.writeUInt16BE(1, 6), 'vma-extent-blocks 16390'],
    [
      'has something in the first byte of a field that is unused',
      (head: Buffer) => head.writeUInt8(1, 4),
      'vma-extent-blocks 16390',
    ],
    ['has something in the second byte of it', (head: Buffer) => head.writeUInt8(1, 5), 'vma-extent-blocks 16390'],
  ])('is refused where it %s', async (_, change, expected) => {
    const bad = extent([{ cluster: 0, mask: 0b101 }, { cluster: 1 }], (head) => void change(head))
    expect((await walk(header(), bad)).found).toEqual([expected])
  })

  it('is refused where it doesn’t fit its sum', async () => {
    const bad = Buffer.from(both)
    bad[511] = 1
    expect((await walk(header(), bad)).found).toEqual(['vma-extent-md5 16384'])
  })

  it('is refused by its first four bytes, though no more follow', async () => {
    expect((await walk(header(), both, Buffer.from('XXXX'))).found).toEqual([`vma-extent-magic ${24_576 + 512}`])
    expect((await walk(header(), both, Buffer.from('XXX'))).found).toEqual([`vma-cut-short ${24_576 + 515}`])
  })

  const entry = (slot: number) => HEADER_BYTES + 40 + slot * 8
  it.each([
    [
      'of a device that the header lacks',
      { id: 9, cluster: 0 },
      'vma-unknown-device',
      'Cluster 0 belongs to device 9, which the header lacks',
    ],
    [
      'of no device that stores blocks',
      { id: 0, cluster: 0, mask: 1 },
      'vma-entry',
      'Entry 2 stores blocks of no device',
    ],
    [
      'beyond the last cluster',
      { cluster: 2, mask: 1 },
      'vma-cluster-beyond-end',
      'Cluster 2 of drive-scsi0 lies beyond its last, 1',
    ],
    ['that is there twice', { cluster: 1 }, 'vma-cluster-twice', 'Cluster 1 of drive-scsi0 is there twice'],
  ])('with a cluster %s is refused, and the entry is named', async (_, wrong, code, words) => {
    const { list, report } = await walk(header(), extent([{ cluster: 0 }, { cluster: 1 }, wrong]))
    expect(report?.devices).toMatchObject([{ clustersFound: 2, storedBytes: 0 }])
    expect(list).toEqual([{ code, message: `${words} (entry at byte ${entry(2)}).`, of: 'content', offset: entry(2) }])
  })

  it('stores no block that begins beyond the end of its device', async () => {
    // The second cluster has 36 KiB: nine blocks.
    expect(
      (
        await walk(
          header(),
          extent([
            { cluster: 0, mask: 0xffff },
            { cluster: 1, mask: 0x1ff },
          ]),
        )
      ).found,
    ).toEqual([])
    const beyond = extent([
      { cluster: 0, mask: 0xffff },
      { cluster: 1, mask: 0x200 },
    ])
    expect((await walk(header(), beyond)).found).toEqual([`vma-mask ${entry(1)}`])
  })

  it('counts its blocks in two bytes', async () => {
    const clusters = Array.from({ length: 17 }, (_, cluster) => ({ cluster, mask: 0xffff }))
    const { report, found } = await walk(header([{ ...disk, sizeBytes: 17 * 64 * KIB }]), extent(clusters))
    expect(found).toEqual([])
    expect(report?.devices).toMatchObject([{ clustersFound: 17, storedBytes: 17 * 64 * KIB }])
  })

  it('has all its 59 places read', async () => {
    const large = { ...disk, sizeBytes: 59 * 64 * KIB }
    const all = Array.from({ length: 59 }, (_, cluster) => ({ cluster }))
    const { report, found } = await walk(header([large]), extent(all))
    expect(found).toEqual([])
    expect(report?.devices[0]?.clustersFound).toBe(59)
  })

  it('before the last that has room left is counted: the writer fills each, but for one place', async () => {
    const large = { ...disk, sizeBytes: 60 * 64 * KIB }
    const clusters = (from: number, to: number) =>
      Array.from({ length: to - from }, (_, at) => ({ cluster: from + at }))
    const unfilled = async (...parts: Buffer[]) => (await walk(header([large]), ...parts)).report?.unfilledExtents
    expect(await unfilled(extent(clusters(0, 58)), extent(clusters(58, 60)))).toBe(0)
    expect(await unfilled(extent(clusters(0, 57)), extent(clusters(57, 60)))).toBe(1)
    expect(await unfilled(extent(clusters(0, 1)), extent(clusters(1, 2)), extent(clusters(2, 60)))).toBe(2)
  })

  it('brings the saved RAM in order; disks may come in any', async () => {
    const state = { id: 2, name: 'vmstate', sizeBytes: 128 * KIB }
    const order = (...clusters: number[]) =>
      walk(header([disk, state]), both, extent(clusters.map((cluster) => ({ id: 2, cluster }))))
    expect((await order(0, 1)).found).toEqual([])
    const second = HEADER_BYTES + both.length + 40 + 8
    expect((await order(1, 0)).found).toEqual([`vma-state-order ${second}`])
    expect((await order(0, 0, 1)).found).toEqual([`vma-cluster-twice ${second}`, `vma-state-order ${second}`])
    expect((await walk(header(), extent([{ cluster: 1 }, { cluster: 0 }]))).found).toEqual([])
  })
})

describe('a sum over a header', () => {
  it('is over everything but itself', () => {
    const bytes = sealed(Buffer.from('x'.repeat(100)), 24)
    expect(md5Fits(bytes, 24)).toBe(true)
    for (const at of [0, 23, 24, 39, 40, 99]) {
      const bad = Buffer.from(bytes)
      bad[at] = (bad[at] ?? 0) ^ 1
      expect(md5Fits(bad, 24)).toBe(false)
    }
  })
})

import { describe, expect, it } from 'vitest'
import { ByteCursor } from '../../../../functions/archive-formats/byte-cursor.ts'
import { Damage, Findings } from '../../../../functions/archive-formats/damage.ts'
import { walkVma } from '../../../../functions/archive-formats/proxmox/vma.ts'
import { disk, type Entry, extent, header, HEADER_BYTES, KIB } from './vma-by-hand.ts'

const BLOCK = 4 * KIB
const CLUSTER = 64 * KIB
const EXTENT_HEADER = 512

const scsi0 = { ...disk, sizeBytes: 4 * CLUSTER }
const scsi1 = { id: 2, name: 'drive-scsi1', sizeBytes: 4 * CLUSTER }

/** An extent whose blocks are told apart: each is full of its number, counted from `first`. */
function numbered(entries: readonly Entry[], first = 1): Buffer {
  const bytes = extent(entries)
  for (let at = EXTENT_HEADER, block = first; at < bytes.length; at += BLOCK, block += 1) {
    bytes.fill(block, at, at + BLOCK)
  }
  return bytes
}

/** A piece of a disk, by what its blocks are full of. */
interface Piece {
  offset: number
  bytes: number
  blocks: number[]
}

/** Walks an archive and takes out the disk of this number. */
async function take(deviceId: number, ...parts: Buffer[]) {
  const findings = new Findings()
  const written: Piece[] = []
  const offered: string[] = []
  async function* source() {
    yield* parts
  }
  const choose = async (devices: readonly { name: string }[]) => {
    offered.push(...devices.map(({ name }) => name))
    return {
      deviceId,
      write: async (offset: number, bytes: Buffer) => {
        const blocks: number[] = []
        for (let at = 0; at < bytes.length; at += BLOCK) {
          const block = bytes.subarray(at, at + BLOCK)
          expect(new Set(block).size).toBe(1)
          blocks.push(block[0] ?? 0)
        }
        written.push({ offset, bytes: bytes.length, blocks })
      },
    }
  }
  const end = await walkVma(new ByteCursor(source()), findings, choose).catch((error: unknown) => error)
  if (!(end instanceof Damage) && end instanceof Error) throw end
  const damage = end instanceof Damage ? `${end.finding.code} ${end.finding.offset}` : undefined
  return { written, offered, damage, found: findings.list.map(({ code }) => code) }
}

/** Clusters that are all zeroes, of which nothing is stored. */
const empty = (id: number, ...clusters: number[]) => clusters.map((cluster) => ({ id, cluster }))

describe('the content of one disk', () => {
  it('is taken out once it is known which disks there are', async () => {
    const { offered, written, found } = await take(2, header([scsi0, scsi1]), numbered(empty(1, 0, 1, 2, 3)))
    expect(offered).toEqual(['drive-scsi0', 'drive-scsi1'])
    expect(written).toEqual([])
    expect(found).toEqual(['vma-clusters-missing'])
  })

  it('comes block by block at its place, blocks that follow each other in one piece', async () => {
    const entries = [
      { cluster: 0, mask: 0b1110_0000_0000_0110 },
      { cluster: 1, mask: 0b0000_0000_0000_1001 },
      { cluster: 3, mask: 0b1000_0000_0000_0000 },
      { cluster: 2, mask: 0b1000_0000_0000_0001 },
    ]
    const { written, found } = await take(1, header([scsi0]), numbered(entries))
    expect(found).toEqual([])
    expect(written).toEqual([
      { offset: BLOCK, bytes: 2 * BLOCK, blocks: [1, 2] },
      // The last three blocks of the first cluster and the first one of the second.
      { offset: 13 * BLOCK, bytes: 4 * BLOCK, blocks: [3, 4, 5, 6] },
      { offset: CLUSTER + 3 * BLOCK, bytes: BLOCK, blocks: [7] },
      { offset: 4 * CLUSTER - BLOCK, bytes: BLOCK, blocks: [8] },
      { offset: 2 * CLUSTER, bytes: BLOCK, blocks: [9] },
      { offset: 3 * CLUSTER - BLOCK, bytes: BLOCK, blocks: [10] },
    ])
  })

  it('comes alone where extents hold other disks too, before it, between its clusters and behind', async () => {
    const first = [
      { id: 2, cluster: 0, mask: 0b11 },
      { id: 1, cluster: 0, mask: 0b101 },
      { id: 2, cluster: 1, mask: 0b1 },
      { id: 2, cluster: 2, mask: 0b10 },
      { id: 1, cluster: 1, mask: 0b11 },
      { id: 2, cluster: 3, mask: 0b1 },
    ]
    const second = [
      { id: 1, cluster: 2, mask: 0b1 },
      { id: 1, cluster: 3 },
    ]
    const parts = [header([scsi0, scsi1]), numbered(first), numbered(second, 21)]
    expect(await take(1, ...parts)).toMatchObject({
      found: [],
      written: [
        { offset: 0, bytes: BLOCK, blocks: [3] },
        { offset: 2 * BLOCK, bytes: BLOCK, blocks: [4] },
        { offset: CLUSTER, bytes: 2 * BLOCK, blocks: [7, 8] },
        { offset: 2 * CLUSTER, bytes: BLOCK, blocks: [21] },
      ],
    })
    expect(await take(2, ...parts)).toMatchObject({
      found: [],
      written: [
        { offset: 0, bytes: 2 * BLOCK, blocks: [1, 2] },
        { offset: CLUSTER, bytes: BLOCK, blocks: [5] },
        { offset: 2 * CLUSTER + BLOCK, bytes: BLOCK, blocks: [6] },
        { offset: 3 * CLUSTER, bytes: BLOCK, blocks: [9] },
      ],
    })
  })

  it('ends where the disk ends, though its last block is stored whole', async () => {
    const odd = { ...disk, sizeBytes: CLUSTER + BLOCK + 904 }
    const full = [
      { cluster: 0, mask: 0x8000 },
      { cluster: 1, mask: 0b11 },
    ]
    const { written, found } = await take(1, header([odd]), numbered(full))
    expect(found).toEqual([])
    expect(written).toEqual([{ offset: CLUSTER - BLOCK, bytes: 2 * BLOCK + 904, blocks: [1, 2, 3] }])
  })

  it.each([
    ['in its last cluster', { cluster: 1, mask: 0x200 }, ['vma-mask']],
    ['in a cluster that it lacks', { cluster: 2, mask: 0b1 }, ['vma-cluster-beyond-end', 'vma-clusters-missing']],
  ])('has no byte beyond its end, though a block is stored there, %s', async (_, beyond, expected) => {
    // 100 KiB: nine blocks in the second cluster.
    const { written, found } = await take(1, header([disk]), numbered([{ cluster: 0, mask: 0b1 }, beyond]))
    expect(found).toEqual(expected)
    expect(written.filter(({ bytes }) => bytes > 0)).toEqual([{ offset: 0, bytes: BLOCK, blocks: [1] }])
  })

  it('is nothing where the header lacks the disk, whatever an extent says of it', async () => {
    const entries = [...empty(1, 0, 1), { id: 9, cluster: 0, mask: 0b1 }]
    const { written, found } = await take(9, header([disk]), numbered(entries))
    expect(found).toEqual(['vma-unknown-device'])
    expect(written.filter(({ bytes }) => bytes > 0)).toEqual([])
  })

  const two = numbered([
    { id: 1, cluster: 0, mask: 0b101 },
    { id: 2, cluster: 0, mask: 0b1 },
  ])
  it.each([
    ['of its own, of which then none is written', EXTENT_HEADER + BLOCK - 1, []],
    ['of its own, after others', EXTENT_HEADER + 2 * BLOCK - 1, [0]],
    ['of another disk', EXTENT_HEADER + 3 * BLOCK - 1, [0, 2 * BLOCK]],
  ])('is cut short where the archive ends within a block %s', async (_, end, offsets) => {
    const { written, damage } = await take(1, header([scsi0, scsi1]), two.subarray(0, end))
    expect(damage).toBe(`vma-cut-short ${HEADER_BYTES + end}`)
    expect(written.map(({ offset }) => offset)).toEqual(offsets)
  })
})

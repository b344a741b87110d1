import { crc32 } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { DiskParts, type MadePart, type PartSink } from '../../../../local/cli/extract/disk-parts.ts'

const KIB = 1024
const CLUSTER = 64 * KIB
/** Four parts of two clusters; the last one ends within its only cluster. */
const sizeBytes = 3 * 2 * CLUSTER + 1_000
const plan = { partSizeBytes: 2 * CLUSTER, partCount: 4 }

function sinkOf(): PartSink & { sent: MadePart[] } {
  const sent: MadePart[] = []
  return { sent, underWayBytes: 0, send: async (part) => void sent.push(part), oneSent: async () => false }
}

const contentOf = ({ bodies }: MadePart) => Buffer.concat(bodies)
const block = (letter: string, bytes = 4 * KIB) => Buffer.alloc(bytes, letter)

describe('the parts of a disk', () => {
  it('are sent once all of their clusters have passed, with zeros where nothing was written', async () => {
    const sink = sinkOf()
    const parts = new DiskParts({ sizeBytes, plan, wanted: [1, 2, 3, 4] }, 2 ** 20, sink)
    await parts.passed(6 * CLUSTER)
    await parts.write(CLUSTER + 8 * KIB, block('b'))
    await parts.passed(CLUSTER)
    expect(sink.sent.map(({ partNumber }) => partNumber)).toEqual([4])
    await parts.write(0, block('a'))
    await parts.passed(0)
    const [last, first] = sink.sent
    const whole = Buffer.alloc(2 * CLUSTER)
    block('a').copy(whole, 0)
    block('b').copy(whole, CLUSTER + 8 * KIB)
    expect(first).toMatchObject({ partNumber: 1, crc32: crc32(whole), heldBytes: 8 * KIB })
    expect(first && contentOf(first).equals(whole)).toBe(true)
    expect(last).toMatchObject({ partNumber: 4, crc32: crc32(Buffer.alloc(1_000)), heldBytes: 0 })
    expect(last && contentOf(last).equals(Buffer.alloc(1_000))).toBe(true)
    expect(parts.putOff).toEqual([])
  })

  it('are cut where what is written goes on into the next, and keep it when its buffer is used again', async () => {
    const sink = sinkOf()
    const parts = new DiskParts({ sizeBytes, plan, wanted: [1, 2] }, 2 ** 20, sink)
    const view = Buffer.concat([block('x'), block('y')])
    await parts.write(2 * CLUSTER - 4 * KIB, view)
    view.fill('z')
    for (const cluster of [0, 1, 2, 3]) await parts.passed(cluster * CLUSTER)
    const [first, second] = sink.sent.map(contentOf)
    expect(first?.subarray(-4 * KIB).equals(block('x'))).toBe(true)
    expect(second?.subarray(0, 4 * KIB).equals(block('y'))).toBe(true)
  })

  it('that lie furthest ahead are put off when memory is full, and the one furthest back never is', async () => {
    const sink = sinkOf()
    const parts = new DiskParts({ sizeBytes, plan, wanted: [1, 2, 3] }, 12 * KIB, sink)
    for (const part of [2, 1, 0]) await parts.write(part * 2 * CLUSTER, block('a'))
    expect(parts.putOff).toEqual([])
    await parts.write(0 + 8 * KIB, block('b', 12 * KIB))
    expect(parts.putOff).toEqual([3, 2])
    await parts.write(CLUSTER, block('c', CLUSTER))
    for (const cluster of [0, 1, 2, 3, 4, 5]) await parts.passed(cluster * CLUSTER)
    expect(sink.sent.map(({ partNumber }) => partNumber)).toEqual([1])
  })

  it('wait for memory that parts on their way take, before any is put off', async () => {
    const sink = sinkOf()
    const waited = { ...sink, underWayBytes: 16 * KIB, oneSent: async () => waited.underWayBytes > 0 && release() }
    const release = () => {
      waited.underWayBytes -= 8 * KIB
      return true
    }
    const parts = new DiskParts({ sizeBytes, plan, wanted: [1, 2] }, 12 * KIB, waited)
    await parts.write(0, block('a'))
    await parts.write(2 * CLUSTER, block('a'))
    expect(waited.underWayBytes).toBe(0)
    expect(parts.putOff).toEqual([])
  })

  it('of a damaged archive that repeats itself fill no memory', async () => {
    const parts = new DiskParts({ sizeBytes, plan, wanted: [1, 2, 3, 4] }, 2 ** 20, sinkOf())
    await parts.write(2 * CLUSTER, block('a', 2 * CLUSTER))
    await expect(parts.write(2 * CLUSTER, block('a'))).rejects.toThrow(
      /^Clusters of the disk from its byte 131072 on are there twice\.$/,
    )
  })
})

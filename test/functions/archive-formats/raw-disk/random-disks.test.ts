/** Disks and maps of all kinds from seeds: what comes back is what was there, whatever the map, the parts and the order. */
import { crc32 } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { readArchive } from '../../../../functions/archive-formats/formats.ts'
import { DiskReader, indexBySeekTable } from '../../../../functions/archive-formats/raw-disk/disk-reader.ts'
import { rawDiskEncoder } from '../../../../functions/archive-formats/raw-disk/encoder.ts'
import { planDisk } from '../../../../functions/domain/encoding/disk-plan.ts'
import { inChunks } from '../proxmox/made-archives.ts'
import {
  allParts,
  assembled,
  type Content,
  diskOf,
  joined,
  makeParts,
  MIB,
  randomFrom,
  readerOf,
  shuffled,
} from './made-disks.ts'

const seeds = Array.from({ length: 8 }, (_, index) => index + 1)

describe.each(seeds)('a disk from seed %d', (seed) => {
  const random = randomFrom(seed)
  const pick = <Item>(items: readonly Item[]): Item => items[Math.floor(random() * items.length)] as Item

  function blocks(): (Content | 'hole')[] {
    const made: (Content | 'hole')[] = []
    const count = 2 + Math.floor(random() * 30)
    while (made.length < count) {
      const kind = pick(['hole', 'hole', 'text', 'zeros', 'random'] as const)
      for (let left = 1 + Math.floor(random() * 12); left > 0; left -= 1) made.push(kind)
    }
    return made
  }

  it('comes back whole, by parts in any order, as a stream and by ranges', async () => {
    const disk = diskOf(blocks(), pick([0, 512, 1, 300_001]), seed)
    const sizeBytes = disk.bytes.length
    const map = random() < 0.8 ? disk.map : undefined
    const cuts = [4, 8, 12, 16].map((mebibytes) => mebibytes * MIB).filter((cut) => cut < sizeBytes && random() < 0.4)
    const plan = {
      ...planDisk({ sourceRef: 'snap', sizeBytes, map, level: pick([1, 3]) }),
      bounds: [0, ...cuts, sizeBytes],
    }
    const encoder = rawDiskEncoder(plan, map)
    const read = readerOf(disk.bytes)
    const order = shuffled(allParts(encoder), random)
    const { object, assembly } = assembled(encoder, await makeParts(encoder, read, order))

    expect(read.readBytes).toBe(plan.allocatedBytes)
    expect(assembly.object).toEqual({ sizeBytes: object.length, crc32: crc32(object) })
    expect(assembly.source).toEqual({ sizeBytes, crc32: crc32(disk.bytes) })
    expect(
      (await joined(encoder.decode(inChunks(object, 1 + Math.floor(random() * 900_000))))).equals(disk.bytes),
    ).toBe(true)
    const content = assembly.content
    const reading = await readArchive(inChunks(object), { fileName: 'd.raw.zst', ...(content && { disk: content }) })
    expect(reading).toMatchObject({ result: 'accepted', evidence: { disk: { frames: content?.frames } } })

    const ranged = {
      sizeBytes: object.length,
      read: async (first: number, last: number) => object.subarray(first, last + 1),
    }
    const reader = new DiskReader(ranged, await indexBySeekTable(ranged))
    for (let round = 0; round < 5; round += 1) {
      const from = Math.floor(random() * sizeBytes)
      const to = Math.min(sizeBytes, from + Math.floor(random() * 2 * MIB))
      expect((await joined(reader.pieces({ from, to }), from)).equals(disk.bytes.subarray(from, to))).toBe(true)
    }
    let writtenBytes = 0
    for await (const { sizeBytes: bytes } of reader.written(disk.map)) writtenBytes += bytes
    expect(writtenBytes).toBe(planDisk({ sourceRef: 'snap', sizeBytes, map: disk.map }).allocatedBytes)
  })
})

import { crc32 } from 'node:zlib'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { backupOptionsSchema } from '../../../../functions/contracts/backup-options.ts'
import { azureAccessSchema } from '../../../../functions/contracts/azure-access.ts'
import {
  ConnectionDropped,
  ShortRead,
  SourceChanged,
  SourceUnreadable,
} from '../../../../functions/contracts/errors.ts'
import type { SourceLocation } from '../../../../functions/contracts/nouns.ts'
import { writtenIn } from '../../../../functions/domain/encoding/allocation-map.ts'
import { openPageBlobRoute } from '../../../../functions/readers/page-blob/page-blob.ts'
import type { Reader } from '../../../../functions/readers/reader.ts'
import { MIB, seededContent } from '../../../../local/labs/azure/disks/content.ts'
import { type AzureBed, azureBed } from '../../providers/azure/bed.ts'

const TOKEN = '0f1e2d3c4b5a6978'
const ID = '55555555-5555-4555-8555-555555555555'
const SIZE = 64 * MIB
/** Pages here and there, some beside each other. */
const ranges = Array.from({ length: 40 }, (_none, place) => ({
  start: place * MIB,
  end: place * MIB + 512 * (1 + (place % 3)),
}))

let bed: AzureBed
let location: SourceLocation
let reader: Reader
let resourceId: string
let waits: number[]

beforeEach(async () => {
  bed = await azureBed({
    vms: [
      {
        name: 'it',
        group: 'rg',
        vmId: ID,
        disks: [{ name: 'it_OsDisk', sizeBytes: SIZE, content: seededContent(ranges, 7) }],
      },
    ],
  })
  const [guest] = await bed.provider.findGuests([ID])
  if (guest === undefined) throw new Error('no guest')
  const { jobRef } = await bed.provider.start(guest, backupOptionsSchema.parse({}), TOKEN)
  while ((await bed.provider.check(jobRef)).running);
  const { evidence } = await bed.provider.gather(jobRef, guest, '')
  const artifact = evidence.sources?.[0]?.artifact
  if (artifact === undefined) throw new Error('no source')
  ;({ location, artifactRef: resourceId } = artifact)
  waits = []
  const access = azureAccessSchema.parse(bed.site)
  const sleep = async (milliseconds: number) => void waits.push(milliseconds)
  reader = await openPageBlobRoute('az', access, { now: () => new Date(), sleep }).open(location)
})
afterEach(async () => {
  await reader.close()
  await bed.close()
})

/** What the disk holds, with its footer. */
function truth(): Buffer {
  const pages = bed.lab.control.find(resourceId)?.blob.pages
  return Buffer.from(pages?.read(0, pages.length) ?? [])
}

async function bytes(from: number, count: number): Promise<Buffer> {
  const target = Buffer.alloc(count, 0xaa)
  expect(await reader.read(from, target)).toBe(crc32(target))
  return target
}

describe('a frozen disk of Azure', () => {
  it('is read at any place, up to its footer and no further', async () => {
    const all = truth()
    expect(reader.opened.sizeBytes).toBe(SIZE + 512)
    expect((await bytes(0, 3 * MIB)).equals(all.subarray(0, 3 * MIB))).toBe(true)
    expect((await bytes(SIZE - 512, 1024)).equals(all.subarray(SIZE - 512))).toBe(true)
    await expect(reader.read(SIZE, Buffer.alloc(1024))).rejects.toThrow(ShortRead)
  })

  it('says which of it was ever written, in however many answers', async () => {
    bed.lab.control.settings.mostPageRanges = 7
    const map = await reader.allocation?.()
    if (map === undefined) throw new Error('no map')
    const written = [...writtenIn(map, { from: 0, to: map.sizeBytes })]
    const isWithin = (at: number) => written.some(({ from, to }) => at >= from && at < to)
    for (const { start, end } of ranges) expect([start, end - 1].every(isWithin)).toBe(true)
    expect(isWithin(SIZE)).toBe(true)
    // Rounded outwards to blocks of 128 KiB, and no more.
    expect(written.reduce((sum, { from, to }) => sum + to - from, 0)).toBe(ranges.length * 128 * 1024 + 512)
    expect(bed.lab.control.calls('blob.pageList')).toBeGreaterThan(5)
  })

  it.each([
    ['a page for people', () => bed.lab.control.answerPage('blob.pageList', 200, 100)],
    ['half an answer', () => bed.lab.control.truncateAnswer('blob.pageList', 100)],
  ])('is never taken for empty: %s in the place of the list is no list', async (_what, strike) => {
    strike()
    await expect(reader.allocation?.()).rejects.toThrow(ConnectionDropped)
  })

  it('is another one when its tag changes, for bytes and for the list', async () => {
    bed.lab.control.touchBlob(resourceId)
    await expect(reader.read(0, Buffer.alloc(512))).rejects.toThrow(SourceChanged)
    await expect(reader.allocation?.()).rejects.toThrow(SourceChanged)
  })

  it('is refused when a whole disk comes in the place of a range', async () => {
    bed.lab.control.answerWhole(50)
    await expect(reader.read(0, Buffer.alloc(512))).rejects.toThrow(SourceUnreadable)
  })

  it('asks to be opened again after a cut connection, and reads on', async () => {
    bed.lab.control.cutAnswer('blob.read')
    await expect(reader.read(0, Buffer.alloc(MIB))).rejects.toThrow(ConnectionDropped)
    expect((await bytes(0, MIB)).equals(truth().subarray(0, MIB))).toBe(true)
  })

  it('is read on by another address when its own has ended', async () => {
    const before = bed.lab.control.calls('diskRestorePoints.beginGetAccess')
    bed.lab.control.expireSignatures()
    expect((await bytes(0, MIB)).equals(truth().subarray(0, MIB))).toBe(true)
    expect(bed.lab.control.calls('diskRestorePoints.beginGetAccess')).toBe(before + 1)
  })

  it('waits for storage that is busy, longer each time, and gives up in the end', async () => {
    bed.lab.control.busy('blob.read', 3)
    await bytes(0, 512)
    expect(waits.slice(-3).every((wait, at, all) => at === 0 || wait > (all[at - 1] ?? 0) * 0.9)).toBe(true)
    bed.lab.control.busy('blob.read', 100)
    await expect(reader.read(0, Buffer.alloc(512))).rejects.toThrow(ConnectionDropped)
  })

  it('is asked for its address by one patience: silence of Azure ends the read, and the copy opens it again', async () => {
    bed.lab.control.expireSignatures()
    bed.lab.control.resetCounts()
    bed.lab.control.dropRequest('diskRestorePoints.beginGetAccess', 100)
    await expect(reader.read(0, Buffer.alloc(512))).rejects.toThrow(ConnectionDropped)
    expect(bed.lab.control.calls('diskRestorePoints.beginGetAccess')).toBe(1)
    bed.lab.control.clearFaults()
    expect((await bytes(0, 512)).equals(truth().subarray(0, 512))).toBe(true)
  })

  it('that somebody removed says so', async () => {
    bed.lab.control.expireSignatures()
    for (const collection of bed.lab.control.collections()) collection.points.clear()
    await expect(reader.read(0, Buffer.alloc(512))).rejects.toThrow(/Someone removed the restore point/)
  })

  it('keeps its address when one of its readers ends: others read by it', async () => {
    await reader.close()
    expect(bed.lab.control.liveSignatures().map(({ id }) => id.toLowerCase())).toContain(resourceId.toLowerCase())
  })

  it('of another platform is refused', async () => {
    const route = openPageBlobRoute('az', azureAccessSchema.parse(bed.site))
    await expect(route.open({ node: 'pve1', path: '/x', storage: 'local', volume: 'v' })).rejects.toThrow(
      SourceUnreadable,
    )
  })
})

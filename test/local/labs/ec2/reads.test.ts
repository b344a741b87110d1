import { GetSnapshotBlockCommand, ListChangedBlocksCommand, ListSnapshotBlocksCommand } from '@aws-sdk/client-ebs'
import { CreateSnapshotsCommand } from '@aws-sdk/client-ec2'
import { describe, expect, it } from 'vitest'
import { BLOCK_BYTES, seededContent } from '../../../../local/labs/ec2/disk.ts'
import type { Ec2LabOptions } from '../../../../local/labs/ec2/lab.ts'
import { refusal, type VendorSite, vendorSite } from './vendor.ts'

const INSTANCE = 'i-0123456789abcdef0'
const VOLUME = 'vol-0aaaaaaaaaaaaaaa1'
const MINUTE = 60_000

async function siteWith(blocks: number[], options: Ec2LabOptions = {}): Promise<VendorSite & { id: string }> {
  const content = seededContent(blocks, 1)
  const site = await vendorSite({
    instances: [{ id: INSTANCE, volumes: [{ id: VOLUME, device: '/dev/xvda', sizeGiB: 1, content }] }],
    checkDates: false,
    ...options,
    settings: { snapshotAsks: 0, ...options.settings },
  })
  return { ...site, id: await snapshot(site) }
}

async function snapshot({ ec2 }: Pick<VendorSite, 'ec2'>): Promise<string> {
  const { Snapshots } = await ec2.send(new CreateSnapshotsCommand({ InstanceSpecification: { InstanceId: INSTANCE } }))
  return Snapshots?.[0]?.SnapshotId ?? ''
}

const upTo = (count: number): number[] => Array.from({ length: count }, (_none, index) => index * 2)

describe('a listing of blocks', () => {
  it('has an empty page after the first, which is not the last', async () => {
    const { ebs, id } = await siteWith(upTo(250))
    const pages: number[][] = []
    let NextToken: string | undefined
    do {
      const page = await ebs.send(new ListSnapshotBlocksCommand({ SnapshotId: id, MaxResults: 100, NextToken }))
      pages.push((page.Blocks ?? []).map(({ BlockIndex = -1 }) => BlockIndex))
      NextToken = page.NextToken
    } while (NextToken !== undefined)
    expect(pages.map(({ length }) => length)).toEqual([100, 0, 100, 50])
    expect(pages.flat()).toEqual(upTo(250))
  })

  it('may begin with an empty page', async () => {
    const { ebs, id } = await siteWith([3, 9], { settings: { emptyFirstPage: true } })
    const first = await ebs.send(new ListSnapshotBlocksCommand({ SnapshotId: id, StartingBlockIndex: 4 }))
    expect(first.Blocks).toEqual([])
    const { NextToken } = first
    const next = await ebs.send(new ListSnapshotBlocksCommand({ SnapshotId: id, NextToken }))
    expect(next.Blocks?.map(({ BlockIndex }) => BlockIndex)).toEqual([9])
    expect(next.NextToken).toBeUndefined()
  })

  it('begins at the next written block', async () => {
    const { ebs, id } = await siteWith([3, 9, 20])
    const page = await ebs.send(new ListSnapshotBlocksCommand({ SnapshotId: id, StartingBlockIndex: 4 }))
    expect(page.Blocks?.map(({ BlockIndex }) => BlockIndex)).toEqual([9, 20])
    const beyond = await ebs.send(new ListSnapshotBlocksCommand({ SnapshotId: id, StartingBlockIndex: 21 }))
    expect(beyond.Blocks).toEqual([])
  })

  it.each([99, 10_001])('refuses pages of %i blocks', async (MaxResults) => {
    const { ebs, id } = await siteWith([0])
    const list = ebs.send(new ListSnapshotBlocksCommand({ SnapshotId: id, MaxResults }))
    expect(await refusal(list)).toMatchObject({ name: 'ValidationException', reason: 'INVALID_PARAMETER_VALUE' })
  })

  it('lets a page token live an hour, and a block token seven days', async () => {
    let now = Date.parse('2026-11-29T10:00:00Z')
    const { ebs, id } = await siteWith(upTo(150), { clock: () => new Date(now) })
    const first = await ebs.send(new ListSnapshotBlocksCommand({ SnapshotId: id, MaxResults: 100 }))
    const { NextToken } = first
    const { BlockIndex, BlockToken } = first.Blocks?.[7] ?? {}
    expect(first.ExpiryTime).toEqual(new Date('2026-12-06T10:00:00Z'))
    const next = () => ebs.send(new ListSnapshotBlocksCommand({ SnapshotId: id, NextToken }))
    const get = () => ebs.send(new GetSnapshotBlockCommand({ SnapshotId: id, BlockIndex, BlockToken }))
    now += 59 * MINUTE
    await next()
    now += 2 * MINUTE
    expect(await refusal(next())).toMatchObject({ reason: 'INVALID_PAGE_TOKEN', status: 400 })
    await get()
    now += 7 * 24 * 60 * MINUTE
    expect(await refusal(get())).toMatchObject({ reason: 'INVALID_BLOCK_TOKEN', status: 400 })
  })

  it('takes the tokens of this snapshot and block alone', async () => {
    const site = await siteWith([0, 1])
    const { ebs, id } = site
    const other = await snapshot(site)
    const { Blocks } = await ebs.send(new ListSnapshotBlocksCommand({ SnapshotId: id }))
    const BlockToken = Blocks?.[0]?.BlockToken
    for (const [SnapshotId, BlockIndex] of [
      [id, 1],
      [other, 0],
    ] as const) {
      const get = ebs.send(new GetSnapshotBlockCommand({ SnapshotId, BlockIndex, BlockToken }))
      expect(await refusal(get)).toMatchObject({ name: 'ValidationException', reason: 'INVALID_BLOCK_TOKEN' })
    }
    const forged = ebs.send(new GetSnapshotBlockCommand({ SnapshotId: id, BlockIndex: 0, BlockToken: 'AAABAQ==' }))
    expect(await refusal(forged)).toMatchObject({ reason: 'INVALID_BLOCK_TOKEN' })
  })

  it('is refused for archived snapshots, failed ones and those that are gone', async () => {
    const site = await siteWith([0])
    const { lab, ebs, id } = site
    const list = (SnapshotId: string) => refusal(ebs.send(new ListSnapshotBlocksCommand({ SnapshotId })))
    const [archived, failed] = [await snapshot(site), await snapshot(site)]
    lab.control.archiveSnapshot(archived)
    lab.control.failSnapshot(failed, 'The volume had an error.')
    expect(await list(archived)).toMatchObject({ name: 'ValidationException' })
    expect(await list(failed)).toMatchObject({ name: 'ValidationException' })
    lab.control.removeSnapshot(id)
    expect(await list(id)).toMatchObject({
      name: 'ResourceNotFoundException',
      status: 404,
      reason: 'SNAPSHOT_NOT_FOUND',
    })
  })
})

describe('a snapshot', () => {
  it('keeps what was there when the guest writes on', async () => {
    const site = await siteWith([0, 1])
    const { lab, ebs, id } = site
    const before = lab.control.disk(VOLUME).read(1)
    lab.control.writeBlock(VOLUME, 1, new Uint8Array(BLOCK_BYTES).fill(7))
    lab.control.writeBlock(VOLUME, 40, new Uint8Array(BLOCK_BYTES))
    const { Blocks } = await ebs.send(new ListSnapshotBlocksCommand({ SnapshotId: id }))
    expect(Blocks?.map(({ BlockIndex }) => BlockIndex)).toEqual([0, 1])
    expect(Buffer.compare(lab.control.disk(id).read(1), before)).toBe(0)
    const later = await snapshot(site)
    // Zeros that were written are a block like others.
    expect(lab.control.disk(later).indexes).toEqual([0, 1, 40])
  })

  it('differs from an earlier one in the blocks that were written since', async () => {
    const site = await siteWith([0, 1, 2])
    const { lab, ebs, id } = site
    lab.control.writeBlock(VOLUME, 1, new Uint8Array(BLOCK_BYTES).fill(7))
    lab.control.writeBlock(VOLUME, 2, lab.control.disk(VOLUME).read(2).slice())
    lab.control.writeBlock(VOLUME, 40, new Uint8Array(BLOCK_BYTES))
    const later = await snapshot(site)
    const changes = await ebs.send(new ListChangedBlocksCommand({ FirstSnapshotId: id, SecondSnapshotId: later }))
    expect(
      changes.ChangedBlocks?.map(({ BlockIndex, FirstBlockToken, SecondBlockToken }) => [
        BlockIndex,
        FirstBlockToken !== undefined,
        SecondBlockToken !== undefined,
      ]),
    ).toEqual([
      [1, true, true],
      [40, false, true],
    ])
  })
})

describe('a disk of 1 TiB', () => {
  it('costs no more than what was written on it', async () => {
    const blocks = Array.from({ length: 20_000 }, (_none, index) => index * 104)
    const content = seededContent(blocks, 3)
    const { ec2, ebs } = await vendorSite({
      settings: { snapshotAsks: 0 },
      instances: [{ id: INSTANCE, volumes: [{ device: '/dev/xvda', sizeGiB: 1024, content }] }],
    })
    const before = process.memoryUsage().rss
    const SnapshotId = await snapshot({ ec2 })
    const seen: number[] = []
    let NextToken: string | undefined
    do {
      const page = await ebs.send(new ListSnapshotBlocksCommand({ SnapshotId, NextToken }))
      for (const { BlockIndex = -1 } of page.Blocks ?? []) seen.push(BlockIndex)
      NextToken = page.NextToken
    } while (NextToken !== undefined)
    expect(seen).toEqual(blocks)
    expect(process.memoryUsage().rss - before).toBeLessThan(200 * 1024 ** 2)
  })
})

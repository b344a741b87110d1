import { GetSnapshotBlockCommand, ListSnapshotBlocksCommand } from '@aws-sdk/client-ebs'
import {
  CreateSnapshotsCommand,
  DescribeInstancesCommand,
  DescribeSnapshotsCommand,
  type DescribeSnapshotsCommandOutput,
} from '@aws-sdk/client-ec2'
import { describe, expect, it } from 'vitest'
import { seededContent } from '../../../../local/labs/ec2/disk.ts'
import { refusal, type VendorSite, vendorSite } from './vendor.ts'

const InstanceId = 'i-0123456789abcdef0'
const freeze = new CreateSnapshotsCommand({ InstanceSpecification: { InstanceId } })

const site = (settings = {}): Promise<VendorSite> =>
  vendorSite({
    settings,
    instances: [{ id: InstanceId, volumes: [{ device: '/dev/xvda', sizeGiB: 1, content: seededContent([0, 9], 1) }] }],
  })

async function frozen({ ec2, lab }: VendorSite): Promise<string> {
  await ec2.send(freeze)
  lab.control.finishSnapshots()
  return lab.control.snapshots()[0]?.id ?? ''
}

async function block(of: VendorSite, SnapshotId: string): Promise<{ bytes: Uint8Array; sum: string | undefined }> {
  const { Blocks } = await of.ebs.send(new ListSnapshotBlocksCommand({ SnapshotId }))
  const [first] = Blocks ?? []
  const got = await of.ebs.send(
    new GetSnapshotBlockCommand({ SnapshotId, BlockIndex: 0, BlockToken: first?.BlockToken }),
  )
  return { bytes: (await got.BlockData?.transformToByteArray()) ?? new Uint8Array(), sum: got.Checksum }
}

const sha256 = async (bytes: Uint8Array): Promise<string> =>
  Buffer.from(await crypto.subtle.digest('SHA-256', new Uint8Array(bytes))).toString('base64')

describe('faults', () => {
  it('are too many requests, in the way of each service', async () => {
    const { lab, ec2, ebs } = await site()
    lab.control.throttle('DescribeInstances', 2)
    lab.control.throttle('ListSnapshotBlocks')
    const list = new DescribeInstancesCommand({})
    for (let times = 0; times < 2; times += 1)
      expect(await refusal(ec2.send(list))).toMatchObject({ name: 'RequestLimitExceeded', status: 503 })
    expect((await ec2.send(list)).Reservations).toHaveLength(1)
    const blocks = new ListSnapshotBlocksCommand({ SnapshotId: 'snap-0123456789abcdef0' })
    expect(await refusal(ebs.send(blocks))).toMatchObject({ name: 'RequestThrottledException', status: 400 })
    expect(lab.control.calls('DescribeInstances')).toBe(3)
  })

  it('are answers that are lost after the deed, and requests that never arrive', async () => {
    const { lab, ec2 } = await site()
    lab.control.dropRequest('CreateSnapshots')
    expect((await refusal(ec2.send(freeze))).status).toBeUndefined()
    expect(lab.control.snapshots()).toHaveLength(0)
    lab.control.loseAnswer('CreateSnapshots')
    expect((await refusal(ec2.send(freeze))).status).toBeUndefined()
    expect(lab.control.snapshots()).toHaveLength(1)
  })

  it('are bodies that end in the middle', async () => {
    const of = await site()
    const id = await frozen(of)
    of.lab.control.cutAnswer('GetSnapshotBlock')
    await expect(block(of, id)).rejects.toThrow('aborted')
    expect((await block(of, id)).bytes).toHaveLength(524_288)
  })

  it('are web pages instead of answers', async () => {
    const { lab, ec2, ebs } = await site()
    lab.control.answerPage('DescribeInstances', 503)
    lab.control.answerPage('ListSnapshotBlocks', 200)
    expect(await refusal(ec2.send(new DescribeInstancesCommand({})))).toMatchObject({ status: 503 })
    const blocks = ebs.send(new ListSnapshotBlocksCommand({ SnapshotId: 'snap-0123456789abcdef0' }))
    expect((await refusal(blocks)).name).toBe('SyntaxError')
  })

  it('are bytes that differ from their sum, or are wrong together with it', async () => {
    const of = await site()
    const id = await frozen(of)
    const right = await block(of, id)
    expect(await sha256(right.bytes)).toBe(right.sum)
    of.lab.control.corruptBlock(id, 0, 'sum')
    const wrong = await block(of, id)
    expect(wrong.sum).toBe(right.sum)
    expect(await sha256(wrong.bytes)).not.toBe(wrong.sum)
    of.lab.control.corruptBlock(id, 0, 'bytes')
    const other = await block(of, id)
    expect(other.sum).not.toBe(right.sum)
    expect(await sha256(other.bytes)).toBe(other.sum)
    expect((await block(of, id)).sum).toBe(right.sum)
    expect(of.lab.control.blocksRead).toEqual(Array.from({ length: 4 }, () => ({ snapshotId: id, index: 0 })))
  })

  it('are more blocks in a second than an account may read', async () => {
    let now = Date.now()
    const of = await vendorSite({
      clock: () => new Date(now),
      settings: { blocksPerSecond: 2 },
      instances: [{ id: InstanceId, volumes: [{ device: '/dev/xvda', sizeGiB: 1, content: seededContent([0], 1) }] }],
    })
    const id = await frozen(of)
    await block(of, id)
    await block(of, id)
    expect(await refusal(block(of, id))).toMatchObject({ name: 'RequestThrottledException', status: 400 })
    now += 1000
    await block(of, id)
    expect(of.lab.control.blocksRead).toHaveLength(3)
  })

  it('are seen in connections, which clients keep', async () => {
    const of = await site()
    const id = await frozen(of)
    of.lab.control.resetCounts()
    for (let times = 0; times < 5; times += 1) await block(of, id)
    expect(of.lab.control.connections.opened).toBeLessThanOrEqual(2)
  })

  it('are answers that wait for the test', async () => {
    const { lab, ec2 } = await site()
    const release = lab.control.holdAnswer('CreateSnapshots')
    const waiting = ec2.send(freeze)
    await expect.poll(() => lab.control.snapshots()).toHaveLength(1)
    release()
    expect((await waiting).Snapshots).toHaveLength(1)
  })
})

describe('snapshots', () => {
  const describeAll = ({ ec2 }: VendorSite): Promise<DescribeSnapshotsCommandOutput> =>
    ec2.send(new DescribeSnapshotsCommand({ OwnerIds: ['self'] }))

  it('stay pending with their progress until enough have asked', async () => {
    const of = await site({ snapshotAsks: 3 })
    await of.ec2.send(freeze)
    const progress = []
    for (let asks = 0; asks < 4; asks += 1) progress.push((await describeAll(of)).Snapshots?.[0]?.Progress)
    expect(progress).toEqual(['0%', '25%', '50%', '100%'])
  })

  it('are held until the test lets them go', async () => {
    const of = await site()
    of.lab.control.holdSnapshots()
    await of.ec2.send(freeze)
    for (let asks = 0; asks < 3; asks += 1)
      expect((await describeAll(of)).Snapshots?.[0]).toMatchObject({ State: 'pending' })
    of.lab.control.finishSnapshots()
    expect((await describeAll(of)).Snapshots?.[0]).toMatchObject({ State: 'completed' })
  })

  it('fail with a reason', async () => {
    const of = await site()
    await of.ec2.send(freeze)
    of.lab.control.failSnapshot(of.lab.control.snapshots()[0]?.id ?? '', 'Client error')
    expect((await describeAll(of)).Snapshots?.[0]).toMatchObject({ State: 'error', StateMessage: 'Client error' })
  })

  it('are missing from lists for a while', async () => {
    const of = await site({ hideNewSnapshots: 2 })
    await of.ec2.send(freeze)
    const found = []
    for (let asks = 0; asks < 3; asks += 1) found.push((await describeAll(of)).Snapshots?.length)
    expect(found).toEqual([0, 0, 1])
  })

  it('are shown with those that others made public, unless one asks for one’s own', async () => {
    const of = await site()
    await of.ec2.send(freeze)
    expect((await of.ec2.send(new DescribeSnapshotsCommand({}))).Snapshots).toHaveLength(2)
    expect((await describeAll(of)).Snapshots).toHaveLength(1)
  })

  it('are limited by account, by volume and by time', async () => {
    let now = Date.now()
    const of = await vendorSite({
      clock: () => new Date(now),
      settings: { pendingSnapshots: 6, secondsBetweenSnapshots: 15 },
      instances: [{ id: InstanceId, volumes: [{ device: '/dev/xvda', sizeGiB: 1 }] }],
    })
    of.lab.control.holdSnapshots()
    await of.ec2.send(freeze)
    expect(await refusal(of.ec2.send(freeze))).toMatchObject({ name: 'SnapshotCreationPerVolumeRateExceeded' })
    for (let more = 0; more < 4; more += 1) {
      now += 16_000
      await of.ec2.send(freeze)
    }
    now += 16_000
    expect(await refusal(of.ec2.send(freeze))).toMatchObject({ name: 'ConcurrentSnapshotLimitExceeded' })
    of.lab.control.settings.pendingSnapshots = 5
    expect(await refusal(of.ec2.send(freeze))).toMatchObject({ name: 'PendingSnapshotLimitExceeded' })
  })
})

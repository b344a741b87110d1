import { createHash } from 'node:crypto'
import { GetSnapshotBlockCommand, ListSnapshotBlocksCommand } from '@aws-sdk/client-ebs'
import {
  CreateSnapshotsCommand,
  DeleteSnapshotCommand,
  DescribeInstancesCommand,
  DescribeSnapshotsCommand,
  DescribeVolumesCommand,
} from '@aws-sdk/client-ec2'
import { describe, expect, it } from 'vitest'
import { BLOCK_BYTES, seededContent } from '../../../../local/labs/ec2/disk.ts'
import type { InstanceSpec } from '../../../../local/labs/ec2/account.ts'
import { refusal, vendorSite } from './vendor.ts'

const WEB: InstanceSpec = {
  id: 'i-0123456789abcdef0',
  name: 'web1',
  tags: { Backup: 'daily' },
  volumes: [
    { id: 'vol-0aaaaaaaaaaaaaaa1', device: '/dev/xvda', sizeGiB: 1, content: seededContent([0, 5, 2047], 1) },
    { id: 'vol-0aaaaaaaaaaaaaaa2', device: '/dev/xvdb', sizeGiB: 20, encrypted: true, content: seededContent([7], 2) },
  ],
}

const tagged = [{ ResourceType: 'snapshot' as const, Tags: [{ Key: 'guestlift:run', Value: 'run-1' }] }]

describe('a backup of an instance', () => {
  it('lists, freezes, waits, reads each block with its sum, and cleans up', async () => {
    const { lab, ec2, ebs } = await vendorSite({ instances: [WEB] })
    const listed = await ec2.send(
      new DescribeInstancesCommand({
        MaxResults: 1000,
        Filters: [
          { Name: 'tag:Backup', Values: ['daily'] },
          { Name: 'instance-state-name', Values: ['pending', 'running', 'stopping', 'stopped'] },
        ],
      }),
    )
    const [instance] = listed.Reservations?.[0]?.Instances ?? []
    expect(instance).toMatchObject({ InstanceId: WEB.id, State: { Name: 'running' }, RootDeviceName: '/dev/xvda' })
    const { Volumes } = await ec2.send(
      new DescribeVolumesCommand({ Filters: [{ Name: 'attachment.instance-id', Values: [WEB.id ?? ''] }] }),
    )
    expect(Volumes?.map(({ Size, Encrypted }) => [Size, Encrypted])).toEqual([
      [1, false],
      [20, true],
    ])

    const { Snapshots = [] } = await ec2.send(
      new CreateSnapshotsCommand({
        InstanceSpecification: { InstanceId: WEB.id },
        Description: 'guestlift run-1',
        CopyTagsFromSource: 'volume',
        TagSpecifications: tagged,
      }),
    )
    expect(Snapshots.map(({ State, VolumeSize }) => [State, VolumeSize])).toEqual([
      ['pending', 1],
      ['pending', 20],
    ])
    const id = Snapshots[0]?.SnapshotId ?? ''
    expect(await refusal(ebs.send(new ListSnapshotBlocksCommand({ SnapshotId: id })))).toMatchObject({
      name: 'ValidationException',
      status: 400,
    })
    const find = new DescribeSnapshotsCommand({
      OwnerIds: ['self'],
      Filters: [{ Name: 'tag:guestlift:run', Values: ['run-1'] }],
    })
    expect((await ec2.send(find)).Snapshots?.map(({ State }) => State)).toEqual(['pending', 'pending'])
    expect((await ec2.send(find)).Snapshots?.map(({ State, Progress }) => [State, Progress])).toEqual([
      ['completed', '100%'],
      ['completed', '100%'],
    ])
    expect((await ec2.send(find)).Snapshots?.[0]?.FullSnapshotSizeInBytes).toBe(3 * BLOCK_BYTES)

    const map = await ebs.send(new ListSnapshotBlocksCommand({ SnapshotId: id, MaxResults: 100 }))
    expect(map).toMatchObject({ BlockSize: BLOCK_BYTES, VolumeSize: 1 })
    expect(map.NextToken).toBeUndefined()
    expect(map.Blocks?.map(({ BlockIndex }) => BlockIndex)).toEqual([0, 5, 2047])
    for (const { BlockIndex, BlockToken } of map.Blocks ?? []) {
      const block = await ebs.send(new GetSnapshotBlockCommand({ SnapshotId: id, BlockIndex, BlockToken }))
      const bytes = (await block.BlockData?.transformToByteArray()) ?? new Uint8Array()
      expect(Buffer.compare(bytes, lab.control.disk('vol-0aaaaaaaaaaaaaaa1').read(BlockIndex ?? -1))).toBe(0)
      expect(createHash('sha256').update(bytes).digest('base64')).toBe(block.Checksum)
      expect(block).toMatchObject({ DataLength: BLOCK_BYTES, ChecksumAlgorithm: 'SHA256' })
    }

    for (const { SnapshotId } of Snapshots) await ec2.send(new DeleteSnapshotCommand({ SnapshotId }))
    expect(await refusal(ec2.send(new DeleteSnapshotCommand({ SnapshotId: id })))).toMatchObject({
      name: 'InvalidSnapshot.NotFound',
      status: 400,
    })
    expect(lab.control.snapshots()).toEqual([])
  })
})

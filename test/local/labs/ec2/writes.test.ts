import { createHash } from 'node:crypto'
import { CompleteSnapshotCommand, PutSnapshotBlockCommand, StartSnapshotCommand } from '@aws-sdk/client-ebs'
import {
  CreateVolumeCommand,
  DescribeImagesCommand,
  DescribeSnapshotsCommand,
  DescribeVolumesCommand,
  RegisterImageCommand,
  RunInstancesCommand,
} from '@aws-sdk/client-ec2'
import { describe, expect, it } from 'vitest'
import { BLOCK_BYTES } from '../../../../local/labs/ec2/disk.ts'
import { refusal, type VendorSite, vendorSite } from './vendor.ts'

const filled = (byte: number): Uint8Array => new Uint8Array(BLOCK_BYTES).fill(byte)
const sha256 = (bytes: Uint8Array): Buffer => createHash('sha256').update(bytes).digest()

const start = (more: Partial<ConstructorParameters<typeof StartSnapshotCommand>[0]> = {}): StartSnapshotCommand =>
  new StartSnapshotCommand({ VolumeSize: 1, ClientToken: 'restore-1', Timeout: 60, ...more })

const put = (SnapshotId: string, BlockIndex: number, bytes: Uint8Array, sum = sha256(bytes)): PutSnapshotBlockCommand =>
  new PutSnapshotBlockCommand({
    SnapshotId,
    BlockIndex,
    BlockData: bytes,
    DataLength: bytes.length,
    Checksum: sum.toString('base64'),
    ChecksumAlgorithm: 'SHA256',
  })

const complete = (SnapshotId: string, ChangedBlocksCount: number, sums?: readonly Buffer[]): CompleteSnapshotCommand =>
  new CompleteSnapshotCommand({
    SnapshotId,
    ChangedBlocksCount,
    ...(sums === undefined
      ? {}
      : {
          Checksum: sha256(Buffer.concat(sums)).toString('base64'),
          ChecksumAlgorithm: 'SHA256' as const,
          ChecksumAggregationMethod: 'LINEAR' as const,
        }),
  })

async function begun(site: VendorSite): Promise<string> {
  return (await site.ebs.send(start())).SnapshotId ?? ''
}

describe('a restored disk', () => {
  it('becomes a snapshot, an image, and the disk of an instance', async () => {
    const site = await vendorSite()
    const { lab, ec2, ebs } = site
    const begun = await ebs.send(start({ Tags: [{ Key: 'guestlift:run', Value: 'r' }], Encrypted: true }))
    const SnapshotId = begun.SnapshotId ?? ''
    expect(begun).toMatchObject({
      Status: 'pending',
      BlockSize: BLOCK_BYTES,
      VolumeSize: 1,
      $metadata: { httpStatusCode: 201 },
    })
    const blocks = new Map([
      [2047, filled(3)],
      [0, filled(1)],
      [5, filled(0)],
    ])
    for (const [index, bytes] of blocks) {
      const answer = await ebs.send(put(SnapshotId, index, bytes))
      expect(answer.Checksum).toBe(sha256(bytes).toString('base64'))
    }
    const ascending = [1, 0, 3].map((byte) => sha256(filled(byte)))
    const describe = () => ec2.send(new DescribeSnapshotsCommand({ SnapshotIds: [SnapshotId] }))
    expect((await describe()).Snapshots?.[0]).toMatchObject({ State: 'pending', VolumeId: 'vol-ffffffff' })
    const done = await ebs.send(complete(SnapshotId, 3, ascending))
    expect(done).toMatchObject({ Status: 'pending', $metadata: { httpStatusCode: 202 } })
    await describe()
    expect((await describe()).Snapshots?.[0]).toMatchObject({ State: 'completed', Encrypted: true })

    const { ImageId = '' } = await ec2.send(
      new RegisterImageCommand({
        Name: 'web1-restored',
        Architecture: 'arm64',
        BootMode: 'uefi',
        EnaSupport: true,
        VirtualizationType: 'hvm',
        RootDeviceName: '/dev/xvda',
        BlockDeviceMappings: [{ DeviceName: '/dev/xvda', Ebs: { SnapshotId, VolumeType: 'gp3' } }],
      }),
    )
    const look = () => ec2.send(new DescribeImagesCommand({ Owners: ['self'] }))
    expect((await look()).Images?.[0]).toMatchObject({ ImageId, State: 'pending', Architecture: 'arm64' })
    expect((await look()).Images?.[0]).toMatchObject({ State: 'available', BootMode: 'uefi' })
    const run = await ec2.send(
      new RunInstancesCommand({ ImageId, MinCount: 1, MaxCount: 1, InstanceType: 't4g.small' }),
    )
    const InstanceId = run.Instances?.[0]?.InstanceId ?? ''
    expect(run.Instances?.[0]).toMatchObject({ Architecture: 'arm64', BootMode: 'uefi', State: { Name: 'pending' } })
    const { Volumes } = await ec2.send(
      new DescribeVolumesCommand({ Filters: [{ Name: 'attachment.instance-id', Values: [InstanceId] }] }),
    )
    const disk = lab.control.disk(Volumes?.[0]?.VolumeId ?? '')
    expect(disk.indexes).toEqual([0, 5, 2047])
    for (const [index, bytes] of blocks) expect(Buffer.compare(disk.read(index), bytes)).toBe(0)
  })

  it('is one snapshot however often the same call began it, and never another call’s', async () => {
    const { ebs, lab } = await vendorSite()
    const [one, same] = [await ebs.send(start()), await ebs.send(start())]
    expect(same.SnapshotId).toBe(one.SnapshotId)
    expect(lab.control.snapshots()).toHaveLength(1)
    expect(await refusal(ebs.send(start({ VolumeSize: 2 })))).toMatchObject({ name: 'ConflictException', status: 409 })
  })

  it('is one volume however often the same call made it', async () => {
    const { ec2, lab } = await vendorSite()
    const make = (Size: number) =>
      ec2.send(new CreateVolumeCommand({ AvailabilityZone: 'eu-central-1b', Size, ClientToken: 'one' }))
    expect((await make(4)).VolumeId).toBe((await make(4)).VolumeId)
    expect(lab.control.volumes()).toHaveLength(1)
    expect(await refusal(make(5))).toMatchObject({ name: 'IdempotentParameterMismatch' })
  })

  it('takes no block whose sum, size or place is wrong', async () => {
    const site = await vendorSite()
    const id = await begun(site)
    const ask = (command: PutSnapshotBlockCommand) => refusal(site.ebs.send(command))
    expect(await ask(put(id, 6, filled(7), sha256(filled(8))))).toMatchObject({
      name: 'ValidationException',
      status: 400,
    })
    expect(await ask(put(id, 6, new Uint8Array(1000)))).toMatchObject({ name: 'ValidationException' })
    expect(await ask(put(id, 2048, filled(7)))).toMatchObject({ reason: 'INVALID_BLOCK' })
    expect(site.lab.control.disk(id).indexes).toEqual([])
  })

  it('is completed only with the right count and the right sum', async () => {
    const site = await vendorSite()
    const id = await begun(site)
    await site.ebs.send(put(id, 1, filled(1)))
    await site.ebs.send(put(id, 0, filled(2)))
    // Putting a block again counts once.
    await site.ebs.send(put(id, 0, filled(2)))
    const sums = [sha256(filled(2)), sha256(filled(1))]
    const ask = (command: CompleteSnapshotCommand) => refusal(site.ebs.send(command))
    expect(await ask(complete(id, 3, sums))).toMatchObject({ name: 'ValidationException' })
    expect(await ask(complete(id, 2, sums.toReversed()))).toMatchObject({ name: 'ValidationException' })
    await site.ebs.send(complete(id, 2, sums))
    expect(await ask(complete(id, 2, sums))).toMatchObject({ name: 'ValidationException' })
    expect(await refusal(site.ebs.send(put(id, 3, filled(3))))).toMatchObject({ name: 'ValidationException' })
  })

  it('may not be known yet when the first blocks come', async () => {
    const site = await vendorSite({ settings: { earlyPuts: 1 } })
    const id = await begun(site)
    expect(await refusal(site.ebs.send(put(id, 0, filled(1))))).toMatchObject({ reason: 'SNAPSHOT_NOT_FOUND' })
    await site.ebs.send(put(id, 0, filled(1)))
  })

  it('ends in an error when nobody goes on for longer than was agreed', async () => {
    let now = Date.parse('2026-11-29T10:00:00Z')
    const site = await vendorSite({ clock: () => new Date(now), checkDates: false })
    const id = await begun(site)
    now += 59 * 60_000
    await site.ebs.send(put(id, 0, filled(1)))
    now += 61 * 60_000
    const { Snapshots } = await site.ec2.send(new DescribeSnapshotsCommand({ SnapshotIds: [id] }))
    expect(Snapshots?.[0]).toMatchObject({ State: 'error' })
    expect(await refusal(site.ebs.send(put(id, 1, filled(1))))).toMatchObject({ name: 'ValidationException' })
  })
})

import {
  AttachVolumeCommand,
  CreateImageCommand,
  CreateSnapshotsCommand,
  CreateTagsCommand,
  CreateVolumeCommand,
  DeleteSnapshotCommand,
  DeleteVolumeCommand,
  DeregisterImageCommand,
  DescribeImagesCommand,
  DescribeInstancesCommand,
  DescribeInstanceStatusCommand,
  DescribeSnapshotsCommand,
  DescribeVolumesCommand,
  DetachVolumeCommand,
  type Filter,
  RebootInstancesCommand,
  RegisterImageCommand,
  StartInstancesCommand,
  StopInstancesCommand,
  TerminateInstancesCommand,
} from '@aws-sdk/client-ec2'
import { describe, expect, it, vi } from 'vitest'
import type { InstanceSpec } from '../../../../local/labs/ec2/account.ts'
import { signedRequest } from './signed.ts'
import { refusal, type VendorSite, vendorSite } from './vendor.ts'

const WEB = 'i-0123456789abcdef0'
const ROOT = 'vol-0aaaaaaaaaaaaaaa1'
const DATA = 'vol-0aaaaaaaaaaaaaaa2'

const web: InstanceSpec = {
  id: WEB,
  name: 'web1',
  volumes: [
    { id: ROOT, device: '/dev/xvda', sizeGiB: 1, tags: { purpose: 'root', 'aws:backup:source': 'x' } },
    { id: DATA, device: '/dev/sdf', sizeGiB: 2 },
  ],
}

const many = (count: number): InstanceSpec[] =>
  Array.from({ length: count }, (_none, index) => ({
    id: `i-${String(index).padStart(17, '0')}`,
    name: `app${index}`,
    tags: { stage: index % 2 === 0 ? 'production' : 'test' },
    zone: index % 3 === 0 ? 'eu-central-1b' : 'eu-central-1a',
  }))

async function names({ ec2 }: VendorSite, ...Filters: Filter[]): Promise<(string | undefined)[]> {
  const { Reservations = [] } = await ec2.send(new DescribeInstancesCommand({ Filters }))
  return Reservations.flatMap(({ Instances = [] }) => Instances).map(
    ({ Tags }) => Tags?.find(({ Key }) => Key === 'Name')?.Value,
  )
}

describe('instances', () => {
  it('come in pages, each by its own token', async () => {
    const { ec2 } = await vendorSite({ instances: many(12) })
    const found: string[] = []
    let NextToken: string | undefined
    do {
      const page = await ec2.send(new DescribeInstancesCommand({ MaxResults: 5, NextToken }))
      const ids = (page.Reservations ?? []).flatMap(({ Instances = [] }) =>
        Instances.map(({ InstanceId = '' }) => InstanceId),
      )
      expect(ids.length).toBeLessThanOrEqual(5)
      found.push(...ids)
      NextToken = page.NextToken
    } while (NextToken !== undefined)
    expect(found).toEqual(many(12).map(({ id }) => id))
    for (const [input, name] of [
      [{ NextToken: 'forged' }, 'InvalidNextToken'],
      [{ MaxResults: 4 }, 'InvalidParameterValue'],
      [{ MaxResults: 10, InstanceIds: [found[0] ?? ''] }, 'InvalidParameterCombination'],
      [{ Filters: [{ Name: 'colour', Values: ['red'] }] }, 'InvalidParameterValue'],
    ] as const)
      expect(await refusal(ec2.send(new DescribeInstancesCommand({ ...input } as object)))).toMatchObject({
        name,
        status: 400,
      })
  })

  it('are found by filters, which all have to agree, and by signs that stand for others', async () => {
    const site = await vendorSite({ instances: many(7) })
    expect(await names(site, { Name: 'tag:stage', Values: ['prod*'] })).toEqual(['app0', 'app2', 'app4', 'app6'])
    expect(
      await names(
        site,
        { Name: 'tag:stage', Values: ['production', 'none'] },
        { Name: 'availability-zone', Values: ['eu-central-1b'] },
      ),
    ).toEqual(['app0', 'app6'])
    expect(await names(site, { Name: 'instance-id', Values: [WEB] })).toEqual([])
    expect(await names(site, { Name: 'tag:Name', Values: ['app.'] })).toEqual([])
  })

  it('fail a call together when one of them is unknown', async () => {
    const { ec2 } = await vendorSite({ instances: [web] })
    const ask = (...InstanceIds: string[]) => refusal(ec2.send(new DescribeInstancesCommand({ InstanceIds })))
    expect(await ask(WEB, 'i-00000000000000000')).toMatchObject({ name: 'InvalidInstanceID.NotFound', status: 400 })
    expect(await ask('web1')).toMatchObject({ name: 'InvalidInstanceID.Malformed' })
  })

  it('of another Region are not there', async () => {
    const { as, key } = await vendorSite({ regions: ['eu-central-1', 'us-east-1'], instances: [web] })
    const { ec2 } = as(key, 'us-east-1')
    expect((await ec2.send(new DescribeInstancesCommand({}))).Reservations).toEqual([])
  })

  it('say what a restore has to know of them', async () => {
    const { ec2 } = await vendorSite({
      instances: [
        {
          ...web,
          architecture: 'arm64',
          bootMode: 'uefi',
          tpmSupport: 'v2.0',
          platform: 'windows',
          rootDeviceType: 'instance-store',
          autoScalingGroup: 'shop',
          productCodes: ['abc'],
          lifecycle: 'spot',
        },
      ],
    })
    const { Reservations } = await ec2.send(new DescribeInstancesCommand({}))
    expect(Reservations?.[0]?.Instances?.[0]).toMatchObject({
      Architecture: 'arm64',
      BootMode: 'uefi',
      TpmSupport: 'v2.0',
      Platform: 'windows',
      PlatformDetails: 'Windows',
      UsageOperation: 'RunInstances:0002',
      RootDeviceType: 'instance-store',
      InstanceLifecycle: 'spot',
      ProductCodes: [{ ProductCodeId: 'abc', ProductCodeType: 'marketplace' }],
      Tags: expect.arrayContaining([{ Key: 'aws:autoscaling:groupName', Value: 'shop' }]) as unknown,
    })
  })
})

describe('power', () => {
  const stateOf = async ({ ec2 }: VendorSite): Promise<string | undefined> => {
    const look = new DescribeInstanceStatusCommand({ InstanceIds: [WEB], IncludeAllInstances: true })
    return (await ec2.send(look)).InstanceStatuses?.[0]?.InstanceState?.Name
  }

  it('changes what an instance does, after a while', async () => {
    const site = await vendorSite({ instances: [web] })
    const { ec2, lab } = site
    const InstanceIds = [WEB]
    const stopped = await ec2.send(new StopInstancesCommand({ InstanceIds, Force: true }))
    expect(stopped.StoppingInstances?.[0]).toMatchObject({
      PreviousState: { Name: 'running', Code: 16 },
      CurrentState: { Name: 'stopping', Code: 64 },
    })
    expect(await refusal(ec2.send(new StartInstancesCommand({ InstanceIds })))).toMatchObject({
      name: 'IncorrectInstanceState',
    })
    expect([await stateOf(site), await stateOf(site)]).toEqual(['stopping', 'stopped'])
    expect(await refusal(ec2.send(new RebootInstancesCommand({ InstanceIds })))).toMatchObject({
      name: 'IncorrectInstanceState',
    })
    await ec2.send(new StartInstancesCommand({ InstanceIds }))
    expect([await stateOf(site), await stateOf(site)]).toEqual(['pending', 'running'])
    await ec2.send(new RebootInstancesCommand({ InstanceIds }))
    expect(lab.control.instances()[0]?.restarts).toBe(1)
  })

  it('ends an instance with the disks that belong to it', async () => {
    const instance = { ...web, volumes: [...(web.volumes ?? [])] }
    const { ec2, lab } = await vendorSite({ instances: [instance] })
    const data = lab.control.volumes().find(({ id }) => id === DATA)
    if (data?.attachment !== undefined) data.attachment.deleteOnTermination = false
    expect(await refusal(ec2.send(new DeleteVolumeCommand({ VolumeId: DATA })))).toMatchObject({ name: 'VolumeInUse' })
    await ec2.send(new TerminateInstancesCommand({ InstanceIds: [WEB] }))
    expect(lab.control.volumes()).toMatchObject([{ id: DATA, state: 'available' }])
    await ec2.send(new DeleteVolumeCommand({ VolumeId: DATA }))
    expect(lab.control.volumes()).toEqual([])
  })
})

describe('snapshots of an instance', () => {
  const freeze = (more: object): CreateSnapshotsCommand =>
    new CreateSnapshotsCommand({ InstanceSpecification: { InstanceId: WEB, ...more } })

  it('leave out the disks that were excluded', async () => {
    const { ec2 } = await vendorSite({ instances: [web] })
    const of = async (more: object) => (await ec2.send(freeze(more))).Snapshots?.map(({ VolumeId }) => VolumeId)
    expect(await of({ ExcludeBootVolume: true })).toEqual([DATA])
    expect(await of({ ExcludeDataVolumeIds: [DATA] })).toEqual([ROOT])
    expect(await refusal(ec2.send(freeze({ ExcludeDataVolumeIds: [ROOT] })))).toMatchObject({
      name: 'InvalidParameterValue',
    })
    expect(await refusal(ec2.send(freeze({ ExcludeBootVolume: true, ExcludeDataVolumeIds: [DATA] })))).toMatchObject({
      name: 'InvalidParameterValue',
    })
  })

  it('carry the tags of their volumes on request, except those of AWS', async () => {
    const { ec2, lab } = await vendorSite({ instances: [web] })
    await ec2.send(
      new CreateSnapshotsCommand({
        InstanceSpecification: { InstanceId: WEB },
        CopyTagsFromSource: 'volume',
        TagSpecifications: [{ ResourceType: 'snapshot', Tags: [{ Key: 'guestlift:run', Value: 'r' }] }],
      }),
    )
    expect(lab.control.snapshots().map(({ tags }) => Object.fromEntries(tags))).toEqual([
      { purpose: 'root', 'guestlift:run': 'r' },
      { 'guestlift:run': 'r' },
    ])
    const [first] = lab.control.snapshots()
    const later = new CreateTagsCommand({ Resources: [first?.id ?? ''], Tags: [{ Key: 'kept', Value: 'yes' }] })
    await ec2.send(later)
    expect(first?.tags.get('kept')).toBe('yes')
    const wrong = new CreateSnapshotsCommand({
      InstanceSpecification: { InstanceId: WEB },
      TagSpecifications: [{ ResourceType: 'image', Tags: [{ Key: 'a', Value: 'b' }] }],
    })
    expect(await refusal(ec2.send(wrong))).toMatchObject({ name: 'InvalidParameterValue' })
  })
})

describe('images', () => {
  const register = (SnapshotId: string, more: object = {}): RegisterImageCommand =>
    new RegisterImageCommand({
      Name: 'restored',
      Architecture: 'x86_64',
      VirtualizationType: 'hvm',
      RootDeviceName: '/dev/xvda',
      BlockDeviceMappings: [{ DeviceName: '/dev/xvda', Ebs: { SnapshotId } }],
      ...more,
    })

  it('hold on to their snapshots until they are gone', async () => {
    const { ec2, lab } = await vendorSite({ instances: [web], settings: { snapshotAsks: 0 } })
    await ec2.send(new CreateSnapshotsCommand({ InstanceSpecification: { InstanceId: WEB, ExcludeBootVolume: true } }))
    const SnapshotId = lab.control.snapshots()[0]?.id ?? ''
    const { ImageId } = await ec2.send(register(SnapshotId))
    expect(await refusal(ec2.send(new DeleteSnapshotCommand({ SnapshotId })))).toMatchObject({
      name: 'InvalidSnapshot.InUse',
    })
    expect(await refusal(ec2.send(register(SnapshotId)))).toMatchObject({ name: 'InvalidAMIName.Duplicate' })
    const gone = await ec2.send(new DeregisterImageCommand({ ImageId, DeleteAssociatedSnapshots: true }))
    expect(gone.DeleteSnapshotResults).toEqual([{ SnapshotId, ReturnCode: 'success' }])
    expect(await refusal(ec2.send(new DeregisterImageCommand({ ImageId })))).toMatchObject({
      name: 'InvalidAMIID.Unavailable',
    })
    expect(lab.control.snapshots()).toEqual([])
  })

  it('are refused over what is missing, unfinished or contradicts itself', async () => {
    const { ec2, lab } = await vendorSite({ instances: [web] })
    await ec2.send(new CreateSnapshotsCommand({ InstanceSpecification: { InstanceId: WEB, ExcludeBootVolume: true } }))
    const id = lab.control.snapshots()[0]?.id ?? ''
    expect(await refusal(ec2.send(register(id)))).toMatchObject({ name: 'InvalidSnapshot.InvalidState' })
    lab.control.finishSnapshots()
    const Ebs = { SnapshotId: id }
    for (const [more, name] of [
      [{ RootDeviceName: '/dev/sda1' }, 'InvalidParameterCombination'],
      [{ TpmSupport: 'v2.0', BootMode: 'legacy-bios' }, 'InvalidParameterCombination'],
      [{ Name: 'a' }, 'InvalidAMIName.Malformed'],
      [
        { BlockDeviceMappings: [{ DeviceName: '/dev/xvda', Ebs: { ...Ebs, VolumeSize: 1 } }] },
        'InvalidBlockDeviceMapping',
      ],
      [
        { BlockDeviceMappings: [{ DeviceName: '/dev/xvda', Ebs: { ...Ebs, Encrypted: true } }] },
        'InvalidBlockDeviceMapping',
      ],
    ] as const)
      expect(await refusal(ec2.send(register(id, more)))).toMatchObject({ name })
    expect(await refusal(ec2.send(register('snap-00000000000000000')))).toMatchObject({
      name: 'InvalidSnapshot.NotFound',
    })
  })

  it('of a running instance restart it unless told', async () => {
    const { ec2, lab } = await vendorSite({ instances: [web] })
    await ec2.send(new CreateImageCommand({ InstanceId: WEB, Name: 'one', NoReboot: true }))
    expect(lab.control.instances()[0]?.restarts).toBe(0)
    await ec2.send(new CreateImageCommand({ InstanceId: WEB, Name: 'two' }))
    expect(lab.control.instances()[0]?.restarts).toBe(1)
    const { Images } = await ec2.send(new DescribeImagesCommand({ Owners: ['self'] }))
    expect(Images?.map(({ Name, SourceInstanceId }) => [Name, SourceInstanceId])).toEqual([
      ['one', WEB],
      ['two', WEB],
    ])
  })
})

describe('a call', () => {
  it('with a parameter that the lab does not know is refused, and does nothing', async () => {
    const { lab, key } = await vendorSite({ instances: [web] })
    const form = {
      Action: 'CreateSnapshots',
      Version: '2016-11-15',
      'InstanceSpecification.InstanceId': WEB,
      ClientToken: 'there is none',
    }
    const answer = await signedRequest(lab.url, key, { service: 'ec2', form })
    expect(answer.text).toContain('<Code>UnknownParameter</Code>')
    expect(lab.control.snapshots()).toEqual([])
  })

  it('makes a volume no smaller than its snapshot, in a zone that there is', async () => {
    const { ec2, lab } = await vendorSite({ instances: [web], settings: { snapshotAsks: 0 } })
    await ec2.send(new CreateSnapshotsCommand({ InstanceSpecification: { InstanceId: WEB, ExcludeBootVolume: true } }))
    const SnapshotId = lab.control.snapshots()[0]?.id ?? ''
    const make = (more: object) =>
      ec2.send(new CreateVolumeCommand({ AvailabilityZone: 'eu-central-1a', SnapshotId, ...more }))
    expect(await refusal(make({ Size: 1 }))).toMatchObject({ name: 'InvalidParameterValue' })
    expect(await refusal(make({ AvailabilityZone: 'eu-central-1z' }))).toMatchObject({ name: 'InvalidZone.NotFound' })
    expect(await make({ Size: 3, Encrypted: true })).toMatchObject({ Size: 3, Encrypted: true, State: 'creating' })
    expect((await make({ KmsKeyId: 'alias/mine', Encrypted: true })).KmsKeyId).toBe(
      'arn:aws:kms:eu-central-1:111122223333:alias/mine',
    )
  })

  it('that the lab itself fails at is answered all the same, with what went wrong', async () => {
    const told = vi.spyOn(console, 'error').mockImplementation(() => undefined)
    const { ec2 } = await vendorSite({
      authorize: () => {
        throw new Error('the test is wrong')
      },
    })
    const { status } = await refusal(ec2.send(new DescribeSnapshotsCommand({})))
    expect(status).toBe(500)
    expect(String(told.mock.calls[0]?.[0])).toContain('the test is wrong')
    told.mockRestore()
  })

  it('puts a restored disk in the place of a root', async () => {
    const { ec2, lab } = await vendorSite({ instances: [web], settings: { powerAsks: 0 } })
    const { VolumeId } = await ec2.send(new CreateVolumeCommand({ AvailabilityZone: 'eu-central-1a', Size: 1 }))
    await ec2.send(new DescribeVolumesCommand({}))
    const attach = new AttachVolumeCommand({ VolumeId, InstanceId: WEB, Device: '/dev/xvda' })
    const detach = new DetachVolumeCommand({ VolumeId: ROOT })
    expect(await refusal(ec2.send(detach))).toMatchObject({ name: 'OperationNotPermitted' })
    await ec2.send(new StopInstancesCommand({ InstanceIds: [WEB] }))
    expect(await refusal(ec2.send(attach))).toMatchObject({ name: 'InvalidParameterValue' })
    expect(await ec2.send(detach)).toMatchObject({ State: 'detaching', VolumeId: ROOT })
    expect(await ec2.send(attach)).toMatchObject({ State: 'attaching', Device: '/dev/xvda' })
    expect(await refusal(ec2.send(attach))).toMatchObject({ name: 'VolumeInUse' })
    const root = lab.control.volumes().find(({ attachment }) => attachment?.device === '/dev/xvda')
    expect(root?.id).toBe(VolumeId)
    const far = await ec2.send(new CreateVolumeCommand({ AvailabilityZone: 'eu-central-1b', Size: 1 }))
    await ec2.send(new DescribeVolumesCommand({}))
    const wrongZone = new AttachVolumeCommand({ VolumeId: far.VolumeId, InstanceId: WEB, Device: '/dev/sdz' })
    expect(await refusal(ec2.send(wrongZone))).toMatchObject({ name: 'InvalidVolume.ZoneMismatch' })
  })

  it('is counted, with who made it and how it ended', async () => {
    const { ec2, lab, key } = await vendorSite()
    await refusal(ec2.send(new DescribeSnapshotsCommand({ SnapshotIds: ['snap-00000000000000000'] })))
    expect(lab.control.seen).toEqual([
      {
        service: 'ec2',
        action: 'DescribeSnapshots',
        region: 'eu-central-1',
        accessKeyId: key.accessKeyId,
        status: 400,
      },
    ])
    lab.control.resetCounts()
    expect(lab.control.calls()).toBe(0)
  })
})

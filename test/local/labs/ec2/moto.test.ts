/**
 * The lab beside moto, which other people wrote: the vendor's client asks both the same, and what moto's answer has, the
 * lab's has too. Values are compared where no server chooses them for itself.
 */
import { type ChildProcessByStdio, spawn, spawnSync } from 'node:child_process'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import {
  CreateSnapshotsCommand,
  CreateTagsCommand,
  CreateVolumeCommand,
  DeleteSnapshotCommand,
  DeleteTagsCommand,
  DeleteVolumeCommand,
  DeregisterImageCommand,
  DescribeAvailabilityZonesCommand,
  DescribeImagesCommand,
  DescribeInstanceAttributeCommand,
  DescribeInstancesCommand,
  DescribeInstanceStatusCommand,
  DescribeRegionsCommand,
  DescribeSnapshotsCommand,
  DescribeTagsCommand,
  DescribeVolumesCommand,
  EC2Client,
  RebootInstancesCommand,
  RegisterImageCommand,
  RunInstancesCommand,
  StartInstancesCommand,
  StopInstancesCommand,
  TerminateInstancesCommand,
} from '@aws-sdk/client-ec2'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type Ec2Lab, startEc2Lab } from '../../../../local/labs/ec2/lab.ts'

const ZONE = 'eu-central-1a'
const hasMoto = spawnSync('python3', ['-c', 'import moto.server, flask']).status === 0
if (!hasMoto) console.warn('skipped: no moto')

let moto: ChildProcessByStdio<null, null, Readable> | undefined
let lab: Ec2Lab
let clients: { moto: EC2Client; lab: EC2Client }

/** Resolves with its address once it listens; it says so on its standard error. */
async function startMoto(): Promise<string> {
  moto = spawn('python3', ['-m', 'moto.server', '-H', '127.0.0.1', '-p', '0'], { stdio: ['ignore', 'ignore', 'pipe'] })
  for await (const line of createInterface({ input: moto.stderr })) {
    const [, url] = /Running on (http:\/\/127\.0\.0\.1:\d+)/.exec(line) ?? []
    if (url !== undefined) return url
  }
  throw new Error('moto ended without a word of where it listens.')
}

beforeAll(async () => {
  if (!hasMoto) return
  const url = await startMoto()
  lab = await startEc2Lab({ account: '123456789012', settings: { snapshotAsks: 0, imageAsks: 0, powerAsks: 0 } })
  const clientOf = (endpoint: string, credentials: { accessKeyId: string; secretAccessKey: string }): EC2Client =>
    new EC2Client({ endpoint, region: 'eu-central-1', credentials, maxAttempts: 1 })
  clients = {
    moto: clientOf(url, { accessKeyId: 'any', secretAccessKey: 'any' }),
    lab: clientOf(lab.url, lab.credentials[0] ?? { accessKeyId: '', secretAccessKey: '' }),
  }
})

afterAll(async () => {
  if (!hasMoto) return
  clients.moto.destroy()
  clients.lab.destroy()
  await lab.close()
  moto?.kill()
})

/** Networks, times and names are each server's own; so is what moto says of machines that it makes up. */
const OWN =
  /\$metadata|Time$|Date|Id$|Ip|DnsName|NetworkInterface|SecurityGroups|MetadataOptions|StateReason|Monitoring|ClientToken|SourceDestCheck|HibernationOptions|StateTransitionReason|PublicDns|KeyName|Tenancy|GroupName|Endpoint|ZoneId|Groups|ImageLocation|DeleteOnTermination|PlatformDetails|UsageOperation|Hypervisor|OptInStatus|KernelId|RamdiskId|Licenses|EbsOptimized/

function fields(value: unknown, path = ''): Map<string, string> {
  if (value instanceof Date || typeof value !== 'object' || value === null) return new Map([[path, String(value)]])
  return new Map(Object.entries(value).flatMap(([name, of]) => [...fields(of, path === '' ? name : `${path}.${name}`)]))
}

const differences: string[] = []
let compared = 0

/** Both answers, after what they have in common was compared. `otherwise` names fields in which moto isn't as AWS is. */
async function both<T extends object>(
  name: string,
  ask: (client: EC2Client, who: 'moto' | 'lab') => Promise<T>,
  otherwise = /^$/,
): Promise<{ moto: T; lab: T }> {
  const [theirs, ours] = await Promise.all([ask(clients.moto, 'moto'), ask(clients.lab, 'lab')])
  const mine = fields(ours)
  for (const [path, value] of fields(theirs)) {
    if (value === '' || OWN.test(path) || otherwise.test(path)) continue
    compared += 1
    if (mine.get(path) !== value) differences.push(`${name}: ${path} is ${mine.get(path) ?? 'missing'}, not ${value}`)
  }
  return { moto: theirs, lab: ours }
}

const errorOf = async (call: Promise<unknown>): Promise<{ error: string }> => {
  try {
    await call
    return { error: '' }
  } catch (error) {
    const { name, $metadata } = error as Error & { $metadata?: { httpStatusCode?: number } }
    return { error: `${name} ${$metadata?.httpStatusCode ?? ''}` }
  }
}

it.skipIf(!hasMoto)('answers as moto does, where moto is right', async () => {
  const tags = (kind: 'volume' | 'snapshot' | 'instance' | 'image') => [
    { ResourceType: kind, Tags: [{ Key: 'guestlift:run', Value: 'r<&>1' }] },
  ]
  await both('regions', (client) => client.send(new DescribeRegionsCommand({ RegionNames: ['eu-central-1'] })))
  await both('zones', (client) => client.send(new DescribeAvailabilityZonesCommand({})), /Messages/)
  const volume = await both(
    'make a volume',
    (client) =>
      client.send(
        new CreateVolumeCommand({
          AvailabilityZone: ZONE,
          Size: 4,
          VolumeType: 'gp3',
          TagSpecifications: tags('volume'),
        }),
      ),
    /^State$/,
  )
  const of = { moto: volume.moto.VolumeId ?? '', lab: volume.lab.VolumeId ?? '' }
  for (const filter of [
    { Name: 'tag:guestlift:run', Values: ['r<&>?'] },
    { Name: 'tag-key', Values: ['guestlift:run'] },
    { Name: 'volume-type', Values: ['gp3'] },
    { Name: 'status', Values: ['available'] },
  ])
    await both(
      `volumes by ${filter.Name}`,
      (client) => client.send(new DescribeVolumesCommand({ Filters: [filter, { Name: 'size', Values: ['4'] }] })),
      /Volumes.0.State/,
    )
  await both('tag', (client, who) =>
    client.send(new CreateTagsCommand({ Resources: [of[who]], Tags: [{ Key: 'a', Value: 'b' }] })),
  )
  await both('untag', (client, who) =>
    client.send(new DeleteTagsCommand({ Resources: [of[who]], Tags: [{ Key: 'a' }] })),
  )
  await both('tags', (client, who) =>
    client.send(new DescribeTagsCommand({ Filters: [{ Name: 'resource-id', Values: [of[who]] }] })),
  )
  await both('no volume', (client) =>
    errorOf(client.send(new DescribeVolumesCommand({ VolumeIds: ['vol-00000000000000000'] }))),
  )

  // moto has images from the start, and takes any snapshot for a new one.
  const images = { moto: 'ami-03cf127a', lab: 'ami-0abcdef1234567890' }
  const run = await both(
    'run',
    (client, who) =>
      client.send(
        new RunInstancesCommand({
          ImageId: images[who],
          MinCount: 1,
          MaxCount: 1,
          InstanceType: 't3.micro',
          Placement: { AvailabilityZone: ZONE },
          TagSpecifications: tags('instance'),
        }),
      ),
    // moto 5.2.1 takes /dev/sda1 and Windows for all machines, and counts another state.
    /RootDeviceName|Platform|State|BlockDevice|SriovNetSupport/,
  )
  const id = { moto: run.moto.Instances?.[0]?.InstanceId ?? '', lab: run.lab.Instances?.[0]?.InstanceId ?? '' }
  const ids = (who: 'moto' | 'lab'): string[] => [id[who]]
  await both(
    'instances',
    (client, who) => client.send(new DescribeInstancesCommand({ InstanceIds: ids(who) })),
    /RootDeviceName|Platform|DeviceName|SriovNetSupport|State.Name/,
  )
  await both('status', (client, who) => client.send(new DescribeInstanceStatusCommand({ InstanceIds: ids(who) })))
  await both('attribute', (client, who) =>
    client.send(new DescribeInstanceAttributeCommand({ InstanceId: id[who], Attribute: 'instanceType' })),
  )
  await both('no instance', (client) =>
    errorOf(client.send(new StopInstancesCommand({ InstanceIds: ['i-00000000000000000'] }))),
  )
  const frozen = await both('snapshots', (client, who) =>
    client.send(
      new CreateSnapshotsCommand({
        InstanceSpecification: { InstanceId: id[who] },
        Description: 'd',
        TagSpecifications: tags('snapshot'),
      }),
    ),
  )
  const snapshot = {
    moto: frozen.moto.Snapshots?.[0]?.SnapshotId ?? '',
    lab: frozen.lab.Snapshots?.[0]?.SnapshotId ?? '',
  }
  for (const filter of [
    { Name: 'tag:guestlift:run', Values: ['r<&>1'] },
    { Name: 'status', Values: ['completed'] },
    { Name: 'description', Values: ['d'] },
  ])
    await both(`snapshots by ${filter.Name}`, (client) =>
      client.send(
        new DescribeSnapshotsCommand({ OwnerIds: ['self'], Filters: [filter, { Name: 'description', Values: ['d'] }] }),
      ),
    )
  const image = await both('image', (client, who) =>
    client.send(
      new RegisterImageCommand({
        Name: 'restored',
        Architecture: 'x86_64',
        VirtualizationType: 'hvm',
        RootDeviceName: '/dev/xvda',
        BlockDeviceMappings: [
          { DeviceName: '/dev/xvda', Ebs: { SnapshotId: snapshot[who], VolumeType: 'gp3', VolumeSize: 8 } },
        ],
      }),
    ),
  )
  const imageId = { moto: image.moto.ImageId ?? '', lab: image.lab.ImageId ?? '' }
  await both(
    'images',
    (client, who) => client.send(new DescribeImagesCommand({ ImageIds: [imageId[who]] })),
    // moto 5.2.1 forgets the devices that were given, and says i386 and "standard" of them.
    /BlockDeviceMappings|RootDevice|Platform|BootMode|SourceInstanceId|Architecture|Description/,
  )
  await both('deregister', (client, who) => client.send(new DeregisterImageCommand({ ImageId: imageId[who] })))
  await both('deregister again', (client, who) =>
    errorOf(client.send(new DeregisterImageCommand({ ImageId: imageId[who] }))),
  )
  await both('reboot', (client, who) => client.send(new RebootInstancesCommand({ InstanceIds: ids(who) })))
  for (const [name, change] of [
    ['stop', (InstanceIds: string[]) => new StopInstancesCommand({ InstanceIds })],
    ['start', (InstanceIds: string[]) => new StartInstancesCommand({ InstanceIds })],
  ] as const)
    await both(name, (client, who) => client.send(change(ids(who))), /CurrentState/)
  await both(
    'terminate',
    (client, who) => client.send(new TerminateInstancesCommand({ InstanceIds: ids(who) })),
    /CurrentState/,
  )
  await both('delete', (client, who) => client.send(new DeleteSnapshotCommand({ SnapshotId: snapshot[who] })))
  await both('delete again', (client, who) =>
    errorOf(client.send(new DeleteSnapshotCommand({ SnapshotId: snapshot[who] }))),
  )
  await both('delete a volume', (client, who) => client.send(new DeleteVolumeCommand({ VolumeId: of[who] })))
  await both('delete it again', (client, who) => errorOf(client.send(new DeleteVolumeCommand({ VolumeId: of[who] }))))
  expect(differences).toEqual([])
  expect(compared).toBeGreaterThan(100)
})

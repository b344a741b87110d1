/** An image over restored snapshots. Its name bears the restore's token and is taken once, so that asking again finds it. */
import * as z from 'zod'
import { NoAnswer } from '../../aws-api/aws-call.ts'
import { AwsRefusal } from '../../aws-api/query.ts'
import { RestoreFailed, RestoreRefused } from '../../contracts/errors.ts'
import type { BroughtDisks, IntendedDisks, MadeMachine } from '../capabilities/disk-restores.ts'
import {
  type ArchivedInstance,
  archivedMachine,
  type ArchivedVolume,
  bootModeOf,
  goesWithInstance,
} from './archived-machine.ts'
import type { Ec2Client } from './client.ts'
import { restoreTags, tagSpecification } from './restore-tags.ts'
import { type Image, imagesSchema } from './schemas.ts'

const OWN = { Owner: ['self'] }
/** EC2's rules for names and descriptions of images (RegisterImage). */
const LONGEST_NAME = 128
const LONGEST_DESCRIPTION = 255

const registeredSchema = z.object({ imageId: z.string().min(1) })

interface Account {
  client: Ec2Client
  site: string
}

export function imageName({ archive, target, token }: Pick<IntendedDisks, 'archive' | 'target' | 'token'>): string {
  const ending = ` ${token}`
  const plain = (target.name ?? archive.guest.name).replaceAll(/[^A-Za-z0-9()[\] ./\-'@_]/g, '-')
  return `${`guestlift ${plain}`.slice(0, LONGEST_NAME - ending.length)}${ending}`
}

/** The image that a restore made; `undefined` before it is listed. */
export async function imageOf({ client }: Account, region: string, name: string): Promise<Image | undefined> {
  const input = { ...OWN, Filter: [{ Name: 'name', Value: [name] }] }
  const call = { region, action: 'DescribeImages', input }
  const found = await client.all(call, imagesSchema, ({ imagesSet }) => imagesSet)
  return found.find((image) => image.name === name)
}

/** Any image whose name bears the token, for who cleans up and knows no more. */
export async function imageOfToken(account: Account, region: string, token: string): Promise<Image | undefined> {
  const input = { ...OWN, Filter: [{ Name: 'name', Value: [`guestlift * ${token}`] }] }
  const call = { region, action: 'DescribeImages', input }
  const found = await account.client.all(call, imagesSchema, ({ imagesSet }) => imagesSet)
  return found.find(({ name }) => name.endsWith(` ${token}`))
}

export async function makeImage(account: Account, region: string, brought: BroughtDisks): Promise<MadeMachine> {
  const name = imageName(brought)
  const image = (await imageOf(account, region, name)) ?? (await register(account, region, name, brought))
  if (image === undefined) return { ready: false, made: [] }
  const { imageId, imageState } = image
  if (imageState !== 'available' && imageState !== 'pending') {
    throw new RestoreFailed(
      `Site ${account.site}, region ${region}: image ${imageId} is in state ${imageState}. Its snapshots are whole: register an image of them.`,
    )
  }
  return { ready: imageState === 'available', made: [{ what: 'image', ref: imageId }] }
}

/** @returns `undefined` where an image of the name is taken and doesn't show yet: look again */
async function register(
  { client, site }: Account,
  region: string,
  name: string,
  brought: BroughtDisks,
): Promise<Pick<Image, 'imageId' | 'imageState'> | undefined> {
  const call = { region, action: 'RegisterImage', input: registration(site, name, brought) }
  try {
    const { imageId } = await client.write(call, registeredSchema)
    return { imageId, imageState: 'pending' }
  } catch (error) {
    if (error instanceof AwsRefusal && error.code === 'InvalidAMIName.Duplicate') return undefined
    // Whether it was made, its name says the next time.
    if (error instanceof NoAnswer) return undefined
    throw client.fact(error, call)
  }
}

/** @throws RestoreRefused where the archive doesn't say what the machine was */
export function registration(site: string, name: string, brought: BroughtDisks) {
  const machine = archivedMachine(brought.archive.description)
  const { instance } = machine ?? {}
  if (machine === undefined || instance === undefined) {
    throw new RestoreRefused(`${brought.archive.origin} doesn't say what its machine was: restore it to volumes.`)
  }
  return {
    Name: name,
    Description: `Restored by Guestlift from ${brought.archive.origin}`.slice(0, LONGEST_DESCRIPTION),
    ...machineInput(instance),
    BlockDeviceMapping: brought.disks.flatMap(({ fileName, ref }) => {
      const volume = machine.volumes.get(fileName)
      return volume === undefined ? [] : [mapping(volume, ref, instance.rootDeviceName)]
    }),
    TagSpecification: tagSpecification(
      'image',
      restoreTags(site, brought.token, brought.target.name ?? brought.archive.guest.name),
    ),
  }
}

function machineInput(instance: ArchivedInstance) {
  const { architecture, rootDeviceName, virtualizationType, enaSupport, sriovNetSupport, tpmSupport } = instance
  const bootMode = bootModeOf(instance)
  return {
    Architecture: architecture,
    RootDeviceName: rootDeviceName,
    VirtualizationType: virtualizationType === '' ? 'hvm' : virtualizationType,
    ...(enaSupport === 'true' ? { EnaSupport: true } : {}),
    ...(sriovNetSupport === '' ? {} : { SriovNetSupport: sriovNetSupport }),
    ...(bootMode === '' ? {} : { BootMode: bootMode }),
    ...(tpmSupport === '' ? {} : { TpmSupport: tpmSupport }),
  }
}

/** Whether it is encrypted, the snapshot alone decides. */
function mapping(volume: ArchivedVolume, snapshotId: string, rootDevice: string) {
  const { device } = volume
  return {
    DeviceName: device,
    Ebs: {
      SnapshotId: snapshotId,
      ...typeInput(volume),
      DeleteOnTermination: device === rootDevice || goesWithInstance(volume),
    },
  }
}

/** Only some types take figures (CreateVolume: `Iops`, `Throughput`). */
export function typeInput({ volumeType, iops, throughput }: ArchivedVolume) {
  const takesIops = ['io1', 'io2', 'gp3'].includes(volumeType)
  return {
    ...(volumeType === '' ? {} : { VolumeType: volumeType }),
    ...(takesIops && iops !== '' ? { Iops: iops } : {}),
    ...(volumeType === 'gp3' && throughput !== '' ? { Throughput: throughput } : {}),
  }
}

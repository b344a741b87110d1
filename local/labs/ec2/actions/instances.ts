/** Looking at instances. */
import { type Action, instant, permitted, tagSet } from '../call.ts'
import { ec2 } from '../errors.ts'
import { type Filters, filtered, paged } from '../listing.ts'
import type { XmlValue } from '../wire.ts'
import type { InstanceState, LabInstance, LabVolume, Region, World } from '../world.ts'

const CODES: Record<InstanceState, number> = {
  pending: 0,
  running: 16,
  'shutting-down': 32,
  terminated: 48,
  stopping: 64,
  stopped: 80,
}

export const stateOf = (state: InstanceState): XmlValue => ({ code: CODES[state], name: state })

export const volumesOf = (region: Region, id: string): LabVolume[] =>
  [...region.volumes.values()].filter(({ attachment }) => attachment?.instanceId === id)

/** Every one of these, or an error that names the first that isn't there. */
export function instancesNamed(region: Region, ids: readonly string[]): LabInstance[] {
  const wrong = ids.find((id) => !/^i-[0-9a-f]{8}(?:[0-9a-f]{9})?$/.test(id))
  if (wrong !== undefined) throw ec2('InvalidInstanceID.Malformed', `Invalid id: "${wrong}"`)
  const missing = ids.filter((id) => !region.instances.has(id))
  if (missing.length === 1) throw ec2('InvalidInstanceID.NotFound', `The instance ID '${missing[0]}' does not exist`)
  if (missing.length > 1)
    throw ec2('InvalidInstanceID.NotFound', `The instance IDs '${missing.join(', ')}' do not exist`)
  return ids.flatMap((id) => region.instances.get(id) ?? [])
}

/** Somebody looked: what was under way comes one step closer. */
export function passOn(instance: LabInstance): void {
  if (instance.next === undefined) return
  instance.next.asksLeft -= 1
  if (instance.next.asksLeft > 0) return
  instance.state = instance.next.state
  delete instance.next
}

const FILTERS: Filters<LabInstance> = {
  'instance-id': ({ id }) => [id],
  'instance-state-name': ({ state }) => [state],
  'instance-state-code': ({ state }) => [String(CODES[state])],
  'availability-zone': ({ zone }) => [zone],
  'instance-type': ({ type }) => [type],
  architecture: ({ architecture }) => [architecture],
  'image-id': ({ imageId }) => [imageId],
  'root-device-type': ({ rootDeviceType }) => [rootDeviceType],
  'instance-lifecycle': ({ lifecycle }) => [lifecycle],
  'client-token': ({ clientToken }) => [clientToken],
  'reservation-id': ({ reservationId }) => [reservationId],
}

const productCodes = (codes: readonly string[]): XmlValue =>
  codes.map((productCode) => ({ productCode, type: 'marketplace' }))

export function instanceXml(world: World, region: Region, instance: LabInstance): XmlValue {
  const { id, zone, bootMode } = instance
  const volumes = volumesOf(region, id)
  const machineName = `ip-${instance.privateIp.replaceAll('.', '-')}.${region.name}.compute.internal`
  return {
    instanceId: id,
    imageId: instance.imageId,
    instanceState: stateOf(instance.state),
    privateDnsName: machineName,
    dnsName: '',
    reason: '',
    amiLaunchIndex: 0,
    productCodes: productCodes(instance.productCodes),
    instanceType: instance.type,
    launchTime: instant(instance.launchedAt),
    placement: { availabilityZone: zone, groupName: '', tenancy: 'default' },
    platform: instance.platform,
    monitoring: { state: 'disabled' },
    privateIpAddress: instance.privateIp,
    groupSet: [{ groupId: 'sg-0123456789abcdef0', groupName: 'default' }],
    architecture: instance.architecture,
    rootDeviceType: instance.rootDeviceType,
    rootDeviceName: instance.rootDeviceName,
    blockDeviceMapping: volumes.map(({ id: volumeId, attachment }) => ({
      deviceName: attachment?.device,
      ebs: {
        volumeId,
        status: 'attached',
        attachTime: attachment === undefined ? undefined : instant(attachment.attachedAt),
        deleteOnTermination: attachment?.deleteOnTermination,
      },
    })),
    instanceLifecycle: instance.lifecycle,
    virtualizationType: 'hvm',
    clientToken: instance.clientToken ?? '',
    tagSet: tagSet(instance.tags),
    hypervisor: 'xen',
    ebsOptimized: false,
    sriovNetSupport: instance.sriovNetSupport,
    enaSupport: instance.enaSupport,
    outpostArn: instance.outpostArn,
    hibernationOptions: { configured: instance.hibernation },
    bootMode,
    currentInstanceBootMode: bootMode === 'uefi-preferred' ? 'uefi' : (bootMode ?? 'legacy-bios'),
    tpmSupport: instance.tpmSupport,
    platformDetails: instance.platformDetails,
    usageOperation: instance.usageOperation,
    usageOperationUpdateTime: instant(instance.launchedAt),
    networkInterfaceSet: [
      {
        networkInterfaceId: `eni-${id.slice(2)}`,
        ownerId: world.account,
        status: 'in-use',
        privateIpAddress: instance.privateIp,
        subnetId: 'subnet-0123456789abcdef0',
        vpcId: 'vpc-0123456789abcdef0',
      },
    ],
    subnetId: 'subnet-0123456789abcdef0',
    vpcId: 'vpc-0123456789abcdef0',
  }
}

export const describeInstances: Action = (call) => {
  const { world, region, parameters, rights } = call
  rights.need('ec2:DescribeInstances')
  const ids = parameters.list('InstanceId')
  const all = ids.length > 0 ? instancesNamed(region, ids) : [...region.instances.values()]
  const found = filtered(parameters, all, FILTERS)
  const { page, nextToken } = paged(call, found, 'InstanceId')
  const reservationSet = page.map((instance) => ({
    reservationId: instance.reservationId,
    ownerId: world.account,
    groupSet: [],
    instancesSet: [instanceXml(world, region, instance)],
  }))
  for (const instance of page) passOn(instance)
  return { reservationSet, nextToken }
}

export const describeInstanceStatus: Action = (call) => {
  const { region, parameters, rights } = call
  rights.need('ec2:DescribeInstanceStatus')
  const ids = parameters.list('InstanceId')
  const all = ids.length > 0 ? instancesNamed(region, ids) : [...region.instances.values()]
  const everyState = parameters.flag('IncludeAllInstances') === true
  const shown = filtered(parameters, all, FILTERS).filter(({ state }) => everyState || state === 'running')
  const { page, nextToken } = paged(call, shown, 'InstanceId')
  const instanceStatusSet = page.map(({ id, zone, state }) => {
    const checks =
      state === 'running'
        ? { status: 'ok', details: [{ name: 'reachability', status: 'passed' }] }
        : { status: 'not-applicable' }
    return {
      instanceId: id,
      availabilityZone: zone,
      instanceState: stateOf(state),
      systemStatus: checks,
      instanceStatus: checks,
    }
  })
  for (const instance of page) passOn(instance)
  return { instanceStatusSet, nextToken }
}

export const describeInstanceAttribute: Action = (call) => {
  const { region, parameters } = call
  const id = parameters.need('InstanceId')
  const attribute = parameters.need('Attribute')
  const [instance] = instancesNamed(region, [id])
  call.rights.need('ec2:DescribeInstanceAttribute')
  permittedAttribute(attribute)
  permitted(call)
  const values: Record<string, XmlValue> = {
    instanceType: { value: instance?.type },
    rootDeviceName: { value: instance?.rootDeviceName },
    enaSupport: { value: instance?.enaSupport },
    sriovNetSupport: { value: instance?.sriovNetSupport },
    disableApiTermination: { value: false },
    disableApiStop: { value: false },
    userData: {},
  }
  return { instanceId: id, [attribute]: values[attribute] }
}

function permittedAttribute(attribute: string): void {
  const known = 'instanceType rootDeviceName enaSupport sriovNetSupport disableApiTermination disableApiStop userData'
  if (!known.split(' ').includes(attribute))
    throw ec2('InvalidParameterValue', `Value (${attribute}) for parameter attribute is invalid. Unknown attribute.`)
}

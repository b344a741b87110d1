/** One call of the query protocol, as its action sees it. */
import { ec2 } from './errors.ts'
import { carried, type Rights, wished } from './rights.ts'
import type { Parameters, XmlValue } from './wire.ts'
import type { LabCredential, Region, Tags, World } from './world.ts'

export type Kind = 'instance' | 'volume' | 'snapshot' | 'image'

export interface Call {
  world: World
  region: Region
  name: string
  parameters: Parameters
  caller: LabCredential
  rights: Rights
}

export type Action = (call: Call) => { readonly [name: string]: XmlValue }

/** The ARN of a resource. Snapshots and images belong to no account in theirs. */
export function arnOf({ world, region }: Pick<Call, 'world' | 'region'>, kind: Kind, id: string): string {
  const account = kind === 'snapshot' || kind === 'image' ? '' : world.account
  return `arn:aws:ec2:${region.name}:${account}:${kind}/${id}`
}

/** The right to do what the call says to a resource that exists. */
export function needOn(call: Call, kind: Kind, { id, tags }: { id: string; tags: Tags }): void {
  call.rights.need(`ec2:${call.name}`, arnOf(call, kind, id), carried(tags))
}

/** The rights to make a resource, and to tag it in the same breath. */
export function needToMake(call: Call, kind: Kind, tags: Tags): void {
  const resource = arnOf(call, kind, '*')
  call.rights.need(`ec2:${call.name}`, resource, wished(tags))
  if (tags.size > 0) call.rights.need('ec2:CreateTags', resource, { ...wished(tags), 'ec2:CreateAction': [call.name] })
}

/**
 * All was looked at: from here on the call changes things. A dry run ends here, as does a call with parameters that the
 * lab doesn't know.
 */
export function permitted({ parameters }: Call): void {
  const dry = parameters.flag('DryRun')
  const unknown = parameters.unused()
  if (unknown.length > 0)
    throw ec2('UnknownParameter', `The parameter ${unknown[0]} is not recognized, or this lab has no double of it`)
  if (dry === true) throw ec2('DryRunOperation', 'Request would have succeeded, but DryRun flag is set.', 412)
}

/** Tags that the call gives to new resources of a kind. */
export function tagsFor(parameters: Parameters, kind: Kind): Tags {
  const tags: Tags = new Map()
  for (const specification of parameters.members('TagSpecification')) {
    const type = parameters.need(`${specification}.ResourceType`)
    const given = tagsAt(parameters, `${specification}.Tag`)
    if (type === kind) for (const [key, value] of given) tags.set(key, value)
  }
  return tags
}

export function tagsAt(parameters: Parameters, name: string): Tags {
  const tags: Tags = new Map()
  for (const member of parameters.members(name)) {
    const key = parameters.need(`${member}.Key`)
    if (key.toLowerCase().startsWith('aws:'))
      throw ec2('InvalidParameterValue', `Tag keys starting with 'aws:' are reserved for internal use`)
    tags.set(key, parameters.get(`${member}.Value`) ?? '')
  }
  if (tags.size > 50) throw ec2('TagLimitExceeded', 'The maximum number of Tags for a resource has been reached.')
  return tags
}

/** Only the resource types that a call takes. */
export function onlyTagsFor(parameters: Parameters, kinds: readonly string[]): void {
  for (const specification of parameters.members('TagSpecification')) {
    const type = parameters.need(`${specification}.ResourceType`)
    if (!kinds.includes(type))
      throw ec2('InvalidParameterValue', `'${type}' is not a valid taggable resource type for this operation.`)
  }
}

export const tagSet = (tags: Tags): XmlValue => [...tags].map(([key, value]) => ({ key, value }))

export const instant = (date: Date): string => date.toISOString()

/** Names of what we make, and how a backup is found again by them. */
import { createHash } from 'node:crypto'
import { RequestRejected } from '../../contracts/errors.ts'
import { type Freeze, freezeSchema, type WantedConsistency, wantedConsistencySchema } from './options.ts'

/** A backup: of which guest, by which token, and how it goes on. */
export interface JobRef {
  /** The machine's `vmId`, in lower case. */
  guestId: string
  token: string
  freeze: Freeze
  consistency: WantedConsistency
  /** The guest wasn't running when it began. */
  off: boolean
  /** When it was begun, by Azure's clock. */
  at: string
  /** Places of the disks that the job leaves out: `os`, or their LUNs. */
  skip: readonly string[]
}

export function formatJobRef({ guestId, token, freeze, consistency, off, at, skip }: JobRef): string {
  return [guestId, token, freeze, consistency, off ? 'off' : 'on', at, skip.join(',') || 'none'].join('/')
}

export function parseJobRef(text: string): JobRef | undefined {
  const [guestId = '', token = '', freeze, consistency, power = '', at = '', skip = '', ...more] = text.split('/')
  const itsFreeze = freezeSchema.safeParse(freeze)
  const itsConsistency = wantedConsistencySchema.safeParse(consistency)
  const isKnown =
    isVmId(guestId) &&
    isToken(token) &&
    /^(on|off)$/.test(power) &&
    !Number.isNaN(Date.parse(at)) &&
    /^(none|(os|\d+)(,(os|\d+))*)$/.test(skip) &&
    more.length === 0
  if (!isKnown || !itsFreeze.success || !itsConsistency.success) return undefined
  const places = skip === 'none' ? [] : skip.split(',')
  const [its, wanted] = [itsFreeze.data, itsConsistency.data]
  return { guestId, token, freeze: its, consistency: wanted, off: power === 'off', at, skip: places }
}

/** @throws RequestRejected for a reference of another platform or version */
export function requireJobRef(text: string, site: string): JobRef {
  const ref = parseJobRef(text)
  if (ref !== undefined) return ref
  throw new RequestRejected(`Site ${site}: ${text} is no backup of Azure. It begins with the machine's vmId.`)
}

export function isVmId(text: string): boolean {
  return /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(text)
}

function isToken(text: string): boolean {
  return /^[0-9a-z]{1,32}$/.test(text)
}

/** Whose backups: two installations may have a site of one name. */
export interface Owner {
  site: string
  home?: string
}

const COLLECTION_PREFIX = 'guestlift-'

/**
 * The collection of a guest's restore points, at most 80 characters. One for each installation: a second one would give
 * the first one's its own tags.
 */
export function collectionNameOf(guestId: string, { site, home = '' }: Owner): string {
  const whose = createHash('sha256')
    .update(JSON.stringify([site, home]))
    .digest('hex')
    .slice(0, 8)
  return `${COLLECTION_PREFIX}${guestId}-${whose}`
}

export type PointKind = 'application' | 'crash'

export function pointNameOf(token: string, kind: PointKind): string {
  return kind === 'crash' ? `gl-${token}-crash` : `gl-${token}`
}

export function parsePointName(name: string): { token: string; kind: PointKind } | undefined {
  const [, token, crash] = /^gl-([0-9a-z]{1,32})(-crash)?$/.exec(name) ?? []
  return token === undefined ? undefined : { token, kind: crash === undefined ? 'application' : 'crash' }
}

/** By the disk's place in the guest: `os`, or its LUN. */
export function snapshotNameOf(token: string, slot: string): string {
  return `gl-${token}-${slot}`
}

/** `/subscriptions/…/resourceGroups/RG-PROD/…` → `rg-prod`. Azure writes names in changing case. */
export function resourceGroupOf(resourceId: string): string {
  return /\/resourcegroups\/([^/]+)/i.exec(resourceId)?.[1]?.toLowerCase() ?? ''
}

/** The last name of a resource id. */
export function nameIn(resourceId: string): string {
  return resourceId.split('/').at(-1) ?? resourceId
}

/** A job is the set of snapshots that bear one token: region, instance and token find it again. */
import { InvalidSite, RequestRejected } from '../../contracts/errors.ts'

export interface JobRef {
  region: string
  instanceId: string
  token: string
}

export function formatJobRef({ region, instanceId, token }: JobRef): string {
  return `${region}/${instanceId}/${token}`
}

export function parseJobRef(text: string): JobRef | undefined {
  const [, region, instanceId, token] = /^([a-z0-9-]+)\/(i-[0-9a-f]+)\/([0-9a-z]+)$/.exec(text) ?? []
  if (region === undefined || instanceId === undefined || token === undefined) return undefined
  return { region, instanceId, token }
}

/** @throws RequestRejected for a reference of another platform or version */
export function requireJobRef(text: string, site: string): JobRef {
  const ref = parseJobRef(text)
  if (ref !== undefined) return ref
  throw new RequestRejected(`Site ${site}: ${text} is no backup of an instance. It is region/instance/token.`)
}

export function isInstanceId(text: string): boolean {
  return /^i-[0-9a-f]{8,17}$/.test(text)
}

/**
 * The region of a zone: `eu-central-1a`, and the local zone `us-west-2-lax-1a`.
 * @throws InvalidSite when it is in none of the site's
 */
export function regionOf(zone: string, regions: readonly string[], site: string): string {
  const [region] = regions.filter((one) => zone.startsWith(one)).toSorted((one, other) => other.length - one.length)
  if (region !== undefined) return region
  throw new InvalidSite(
    `Site ${site}: zone ${zone} is in none of the site's regions (${regions.join(', ')}). Add its region to \`regions\`.`,
  )
}

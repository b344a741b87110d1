import type { AwsAccess, AwsEndpoints } from '../contracts/aws-access.ts'

/** China has names of its own (AWS General Reference, "Service endpoints"). */
function domainOf(region: string): string {
  return region.startsWith('cn-') ? 'amazonaws.com.cn' : 'amazonaws.com'
}

/** Where a service of a region is asked. */
export function endpointOf(service: keyof AwsEndpoints, region: string, { endpoints }: AwsAccess): URL {
  const own = endpoints?.[service]?.replaceAll('{region}', region)
  return new URL(own ?? `https://${service}.${region}.${domainOf(region)}`)
}

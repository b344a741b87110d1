/** How a site's bytes are reached: the part of its configuration that functions which move bytes need. No provider comes along. */
import * as z from 'zod'
import { type AzureAccess, azureAccessSchema } from '../../contracts/azure-access.ts'
import { EBS_BLOCK_BYTES, type EbsAccess, ebsAccessSchema } from '../../contracts/aws-access.ts'
import { InvalidSite } from '../../contracts/errors.ts'
import { type RouteConfig, routeSchema } from '../../contracts/route.ts'
import { type VsphereAccess, vsphereAccessSchema } from '../../contracts/vsphere-access.ts'
import { validationMessage } from '../../domain/words/validation-message.ts'

export type SiteBytes =
  | { by: 'route'; route: RouteConfig }
  | { by: 'ebs'; access: EbsAccess }
  | { by: 'datastore'; access: VsphereAccess }
  | { by: 'page-blob'; access: AzureAccess }

const siteWithRoute = z.object({ route: routeSchema })

/** @throws InvalidSite */
export function bytesOf(site: string, config: unknown): SiteBytes {
  if (has(config, OF_AWS)) return { by: 'ebs', access: checked(site, ebsAccessSchema, config, 'configuration') }
  if (has(config, OF_VSPHERE))
    return { by: 'datastore', access: checked(site, vsphereAccessSchema, config, 'configuration') }
  if (has(config, OF_AZURE))
    return { by: 'page-blob', access: checked(site, azureAccessSchema, config, 'configuration') }
  return { by: 'route', route: checked(site, siteWithRoute, config, 'route').route }
}

function checked<Schema extends z.ZodType>(
  site: string,
  schema: Schema,
  config: unknown,
  what: string,
): z.output<Schema> {
  const parsed = schema.safeParse(config)
  if (parsed.success) return parsed.data
  throw new InvalidSite(`The ${what} of site ${site} is malformed: ${validationMessage(parsed.error)}.`)
}

/** What the site's bytes may take by themselves, whatever its limits say; `undefined`: anything. @throws InvalidSite */
export function mostMibPerSecond(site: string, config: unknown): number | undefined {
  const bytes = has(config, OF_AWS) ? bytesOf(site, config) : undefined
  return bytes?.by === 'ebs' ? (bytes.access.ebs.getBlocksPerSecond * EBS_BLOCK_BYTES) / 2 ** 20 : undefined
}

/** Only sites of AWS have regions, only those of vSphere one endpoint, and only those of Azure a subscription. */
const OF_AWS = 'regions'
const OF_VSPHERE = 'endpoint'
const OF_AZURE = 'subscriptionId'

function has(config: unknown, key: string): boolean {
  return typeof config === 'object' && config !== null && key in config
}

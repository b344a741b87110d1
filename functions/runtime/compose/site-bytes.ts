/** How a site's bytes are reached: the part of its configuration that functions which move bytes need. No provider comes along. */
import * as z from 'zod'
import { EBS_BLOCK_BYTES, type EbsAccess, ebsAccessSchema } from '../../contracts/aws-access.ts'
import { InvalidSite } from '../../contracts/errors.ts'
import { type RouteConfig, routeSchema } from '../../contracts/route.ts'
import { validationMessage } from '../../domain/words/validation-message.ts'

export type SiteBytes = { by: 'route'; route: RouteConfig } | { by: 'ebs'; access: EbsAccess }

const siteWithRoute = z.object({ route: routeSchema })

/** @throws InvalidSite */
export function bytesOf(site: string, config: unknown): SiteBytes {
  if (isByBlocks(config)) {
    const parsed = ebsAccessSchema.safeParse(config)
    if (parsed.success) return { by: 'ebs', access: parsed.data }
    throw new InvalidSite(`The configuration of site ${site} is malformed: ${validationMessage(parsed.error)}.`)
  }
  const parsed = siteWithRoute.safeParse(config)
  if (parsed.success) return { by: 'route', route: parsed.data.route }
  throw new InvalidSite(`The route of site ${site} is malformed: ${validationMessage(parsed.error)}.`)
}

/** What the site's bytes may take by themselves, whatever its limits say; `undefined`: anything. @throws InvalidSite */
export function mostMibPerSecond(site: string, config: unknown): number | undefined {
  const bytes = isByBlocks(config) ? bytesOf(site, config) : undefined
  return bytes?.by === 'ebs' ? (bytes.access.ebs.getBlocksPerSecond * EBS_BLOCK_BYTES) / 2 ** 20 : undefined
}

/** Only sites of AWS have regions. */
function isByBlocks(config: unknown): boolean {
  return typeof config === 'object' && config !== null && 'regions' in config
}

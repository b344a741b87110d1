import * as z from 'zod'
import { type DeliveryConfig, deliverySchema } from '../../contracts/delivery.ts'
import { InvalidSite } from '../../contracts/errors.ts'
import { validationMessage } from '../../domain/words/validation-message.ts'
import type { Ports } from '../../operations/ports.ts'
import type { Delivery } from '../../writers/writer.ts'
import type { Invocation } from '../define-handler.ts'
import { readRestoreSiteConfig } from './secrets.ts'

/** Only the part of a site that this needs, so that functions which move bytes carry no provider with them. */
const siteWithDelivery = z.object({ restore: z.object({ delivery: deliverySchema }) })

/** Imported on demand: in the bundle, a module is evaluated on its first use, and a site uses one delivery. */
async function openDelivery(site: string, delivery: DeliveryConfig): Promise<Delivery> {
  switch (delivery.type) {
    case 'pull': {
      const { openPullDelivery } = await import('../../writers/pull/pull.ts')
      return openPullDelivery(site, delivery)
    }
    case 'sftp': {
      const { openSftpDelivery } = await import('../../writers/sftp/sftp.ts')
      return openSftpDelivery(site, delivery)
    }
  }
}

/** The delivery that a site's configuration names. @throws InvalidSite */
export async function deliveryIn(site: string, config: unknown): Promise<Delivery> {
  const parsed = siteWithDelivery.safeParse(config)
  if (!parsed.success) {
    throw new InvalidSite(`The delivery of site ${site} is malformed: ${validationMessage(parsed.error)}.`)
  }
  return openDelivery(site, parsed.data.restore.delivery)
}

export function withDelivery(_invocation: Invocation): Pick<Ports, 'delivery'> {
  return { delivery: async (site) => deliveryIn(site, await readRestoreSiteConfig(site)) }
}

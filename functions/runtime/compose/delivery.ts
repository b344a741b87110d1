import * as z from 'zod'
import { deliverySchema, type FileDelivery } from '../../contracts/delivery.ts'
import { InvalidSite } from '../../contracts/errors.ts'
import { validationMessage } from '../../domain/words/validation-message.ts'
import type { Ports } from '../../operations/ports.ts'
import type { Delivery } from '../../writers/writer.ts'
import type { Invocation } from '../define-handler.ts'
import { withDiskWriter } from './disk-writer.ts'
import { readRestoreSiteConfig } from './secrets.ts'

/** Only the part of a site that this needs, so that functions which move bytes carry no provider with them. */
const siteWithDelivery = z.object({ restore: z.object({ delivery: deliverySchema }) })

/** Imported on demand: in the bundle, a module is evaluated on its first use, and a site uses one delivery. */
async function openDelivery(site: string, delivery: FileDelivery): Promise<Delivery> {
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

function configured(site: string, config: unknown): z.output<typeof deliverySchema> {
  const parsed = siteWithDelivery.safeParse(config)
  if (parsed.success) return parsed.data.restore.delivery
  throw new InvalidSite(`The delivery of site ${site} is malformed: ${validationMessage(parsed.error)}.`)
}

/** The delivery that a site's configuration names. @throws InvalidSite, also where nothing is delivered */
export async function deliveryIn(site: string, config: unknown): Promise<Delivery> {
  const delivery = configured(site, config)
  if (delivery.type !== 'import') return openDelivery(site, delivery)
  throw new InvalidSite(`Site ${site} restores by import, and has no delivery for files. Start the restore again.`)
}

export function withDelivery(
  invocation: Invocation,
): Pick<Ports, 'delivery' | 'diskWriter' | 'fileDiskWriter' | 'importsGuests'> {
  return {
    ...withDiskWriter(invocation),
    delivery: async (site) => deliveryIn(site, await readRestoreSiteConfig(site)),
    importsGuests: async (site) => configured(site, await readRestoreSiteConfig(site)).type === 'import',
  }
}

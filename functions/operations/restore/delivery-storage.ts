/** Which storage takes what a restore brings, where the request leaves that open. */
import { backupOptionsSchema } from '../../contracts/backup-options.ts'
import { StorageUnusable } from '../../contracts/errors.ts'
import { chooseStorage } from '../../domain/backup/storage-choice.ts'
import type { DiskImports } from '../../providers/capabilities/disk-imports.ts'
import type { Provider } from '../../providers/provider.ts'

export interface DeliveryOrder {
  site: string
  node: string
}

/** For the archive's file. @throws StorageUnusable when no storage of the node is known to take it */
export async function fileStorage(
  { site, node }: DeliveryOrder,
  { storages }: Pick<Provider, 'storages'>,
): Promise<string> {
  const found = (await storages?.forBackups(node, backupOptionsSchema.parse({}))) ?? []
  const { chosen } = chooseStorage(found.map((one) => ({ ...one, promisedBytes: 0 })))
  if (chosen !== undefined) return chosen.storage
  throw new StorageUnusable(
    `Site ${site}, node ${node}: the account is shown no storage that keeps backups as files. ` +
      `Name one with deliveryStorage${storages === undefined ? '' : `, or grant ${storages.privileges} on one`}.`,
  )
}

/** For disks: the one with most room of those that take them. @throws StorageUnusable when there is none */
export async function diskStorage({ site, node }: DeliveryOrder, imports: DiskImports): Promise<string> {
  const all = await imports.storagesFor(node)
  const [most] = all.toSorted((one, other) => other.freeBytes - one.freeBytes || (one.storage < other.storage ? -1 : 1))
  if (most !== undefined) return most.storage
  throw new StorageUnusable(
    `Site ${site}, node ${node}: the account is shown no storage that takes disks to import. Allow that content on one, or restore with delivery "pull" or "sftp".`,
  )
}

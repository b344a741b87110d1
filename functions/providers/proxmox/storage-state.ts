import * as z from 'zod'
import type { StorageRecord } from '../capabilities/storages.ts'
import { apiPath } from './api-path.ts'
import type { ApiClient } from './client.ts'
import { count, filledText, flag, rows, text } from './schemas.ts'

/** GET /nodes/{n}/storage. A storage that couldn't be activated has `active` 0 and no bytes at all; the answer is 200. */
export const storageStateRowsSchema = rows(
  z.object({
    storage: filledText,
    type: text.default(''),
    content: text.default(''),
    enabled: flag,
    active: flag,
    shared: flag,
    total: count.default(0),
    avail: count.default(0),
  }),
)

type StorageStateRow = z.output<typeof storageStateRowsSchema>[number]

/** Asked for the whole list, since a storage that the account may not see and one that isn't there are the same then. */
export async function describeStorage(
  client: ApiClient,
  storage: string,
  node: string,
): Promise<StorageRecord | undefined> {
  return (await storagesOf(client, node, storage)).find((one) => one.storage === storage)
}

/** All that the account is shown. `storage` only names what it is about, for errors. */
export async function storagesOf(client: ApiClient, node: string, storage?: string): Promise<StorageRecord[]> {
  const about = client.about('look at the storage', storage === undefined ? { node } : { node, storage })
  const { data } = await client.get(apiPath`/nodes/${node}/storage`, storageStateRowsSchema, about)
  return data.map((row) => recordOf(row, node))
}

function recordOf(row: StorageStateRow, node: string): StorageRecord {
  const content = row.content.split(',').filter((word) => word !== '')
  const isFile = backupsAreFiles(row.type)
  return {
    storage: row.storage,
    node,
    type: row.type,
    content: content.toSorted(),
    takesBackups: content.includes('backup'),
    ...(isFile === undefined ? {} : { backupsAreFiles: isFile }),
    enabled: row.enabled,
    active: row.active,
    shared: row.shared,
    totalBytes: row.total,
    freeBytes: row.avail,
  }
}

/**
 * Types of Proxmox VE's own that keep backups as files in a folder (pve-storage 9.1.7; glusterfs until version 8).
 * A list of what is known: plug-ins of others may keep them anywhere.
 */
const FILE_TYPES: ReadonlySet<string> = new Set(['dir', 'nfs', 'cifs', 'cephfs', 'btrfs', 'glusterfs'])

/** A Proxmox Backup Server keeps chunks. */
function backupsAreFiles(type: string): boolean | undefined {
  if (FILE_TYPES.has(type)) return true
  return type === 'pbs' ? false : undefined
}

export function isUsable({ takesBackups, enabled, active }: StorageRecord): boolean {
  return takesBackups && enabled && active
}

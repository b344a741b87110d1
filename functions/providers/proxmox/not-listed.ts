/** Why an archive that a job's log names isn't in the storage's list: it is hidden, has another name now, or is gone. */
import { GuestliftError } from '../../contracts/errors.ts'
import type { Guest } from '../../contracts/nouns.ts'
import { apiPath, apiQuery } from './api-path.ts'
import type { ApiClient } from './client.ts'
import { backupVolid, parseArchiveName } from './identifiers.ts'
import { hidesArchives } from './privileges.ts'
import { permissionsSchema, pruneRowsSchema } from './schemas.ts'

/** An archive as the log names it. */
export interface Unlisted {
  storage: string
  guest: Guest
  archiveName: string
  /** Start of the job, unix seconds by the node's clock. */
  jobStart: number
}

/** The storage's own clock may be a little behind the node's. */
const CLOCK_SECONDS = 60
const MOST_NAMED = 3

/** What is known and what to do, for the operator of the platform. */
export async function adviceOnUnlisted(client: ApiClient, unlisted: Unlisted): Promise<string> {
  const { storage, guest } = unlisted
  const { account } = client.about('look up the archive')
  const hidden =
    `Storage ${storage} hides archives from an account without Datastore.AllocateSpace on /storage/${storage} and VM.Backup on ` +
    `/vms/${guest.id}: check ${account}.`
  const look = `Look on node ${guest.node} whether the storage is mounted, and whether somebody pruned, moved or removed the archive, or a hook script did.`
  const all = await unlessRefused(() => everyName(client, unlisted))
  if (all?.some(({ volid }) => volid === volidOf(unlisted)) === true) return hidden
  const others = (all ?? []).filter((row) => mayBeIt(row, unlisted)).map(({ volid }) => volid)
  if (others.length > 0) {
    const more = others.length > MOST_NAMED ? ` and ${others.length - MOST_NAMED} more` : ''
    return (
      `The storage has ${others.slice(0, MOST_NAMED).join(', ')}${more} of that time. If a hook script renames archives ` +
      `("script" in /etc/vzdump.conf on node ${guest.node}), let it keep their names. Only what the log names is known to be the archive.`
    )
  }
  if (all !== undefined) return `Nothing of that name or time is on storage ${storage}. ${look}`
  const about = client.about('read its permissions')
  const permissions = await unlessRefused(
    async () => (await client.get('/access/permissions', permissionsSchema, about)).data,
  )
  if (permissions === undefined) return `${look} ${hidden}`
  if (hidesArchives(permissions, storage, guest.id)) return hidden
  return `${account} may see it, so nothing of that name is on storage ${storage}. ${look}`
}

/** A trial of pruning lists all archives, those that the account isn't shown as well, and renamed ones. */
async function everyName(client: ApiClient, { storage, guest: { node, id } }: Unlisted) {
  const about = client.about('look for the archive by another name', { node, guest: id, storage })
  const path = apiPath`/nodes/${node}/storage/${storage}/prunebackups` + apiQuery({ 'prune-backups': 'keep-all=1' })
  return (await client.get(path, pruneRowsSchema, about)).data
}

/** It bears the archive's own time in its name, or has no standard name and is as young as the job. */
function mayBeIt(
  { volid, ctime }: { volid: string; ctime: number },
  { archiveName, guest, jobStart }: Unlisted,
): boolean {
  const name = volid.slice(volid.lastIndexOf('/') + 1)
  const standard = parseArchiveName(name)
  // Another guest of the same job may have begun in the same second.
  if (standard !== undefined && standard.vmid !== guest.id) return false
  const time = parseArchiveName(archiveName)?.localTime
  if (time !== undefined && name.includes(time)) return true
  return standard === undefined && ctime >= jobStart - CLOCK_SECONDS
}

function volidOf({ storage, archiveName }: Unlisted): string {
  return backupVolid(storage, archiveName)
}

async function unlessRefused<Value>(ask: () => Promise<Value>): Promise<Value | undefined> {
  try {
    return await ask()
  } catch (error) {
    if (!(error instanceof GuestliftError)) throw error
    return undefined
  }
}

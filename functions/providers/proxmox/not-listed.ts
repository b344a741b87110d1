/** Why an archive that a job's log names isn't in the storage's list: rights hide it, or it isn't there. */
import { GuestliftError } from '../../contracts/errors.ts'
import type { Guest } from '../../contracts/nouns.ts'
import type { ApiClient } from './client.ts'
import { hidesArchives } from './privileges.ts'
import { permissionsSchema } from './schemas.ts'

/** A hint, in two sentences, for the operator of the platform. */
export async function adviceOnUnlisted(client: ApiClient, storage: string, guest: Guest): Promise<string> {
  const about = client.about('read its permissions')
  const hidden =
    `Storage ${storage} hides archives from an account without Datastore.AllocateSpace on /storage/${storage} and VM.Backup on ` +
    `/vms/${guest.id}: check ${about.account}.`
  const gone =
    `${about.account} may see it, so the file isn't on storage ${storage} any more. Look on node ${guest.node} whether the storage is ` +
    'mounted, and whether somebody pruned or removed the archive.'
  try {
    const { data: permissions } = await client.get('/access/permissions', permissionsSchema, about)
    return hidesArchives(permissions, storage, guest.id) ? hidden : gone
  } catch (error) {
    if (!(error instanceof GuestliftError)) throw error
    return `Look on node ${guest.node} whether storage ${storage} is mounted and the archive is there. ${hidden}`
  }
}

/** Removes what a restore by import made beside the guest: files that the platform fetched, and the objects they came from. */
import type { RestoreRecord } from '../../contracts/restore-record.ts'
import type { RestoreReport } from '../../contracts/restore-report.ts'
import { START_SETTLES_SECONDS } from '../../domain/backup/guest-claim.ts'
import { unpackedPrefix } from '../../domain/books/object-keys.ts'
import type { Ports } from '../ports.ts'
import { placeOf } from './delivery-target.ts'
import { importsOf } from './import-target.ts'
import { openRestorer } from './intended-restore.ts'

type Needs = Pick<Ports, 'store' | 'keyPrefix' | 'provider' | 'now'>

const STOP_SECONDS = 120

/** Uploads that nobody goes on with are removed as well, whether or not the record names them. */
export async function removeUnpacked(
  { restoreId, startedAt }: RestoreRecord,
  { store, keyPrefix }: Pick<Needs, 'store' | 'keyPrefix'>,
): Promise<void> {
  const prefix = unpackedPrefix(keyPrefix, restoreId, startedAt)
  for (const { key, uploadId } of await store.listUploadsBelow(prefix)) await store.abortUpload(key, uploadId)
  for (const key of await store.listKeys(prefix)) await store.remove(key)
}

/** A fetch that runs is stopped first. One that may yet begin is left to a later try. */
export async function removeFetched(
  record: RestoreRecord,
  ports: Needs,
): Promise<{ left: RestoreReport['left']; again: boolean }> {
  const asked = (record.disks ?? []).filter(({ askedAt, failures }) => askedAt !== undefined || failures !== undefined)
  if (asked.length === 0) return { left: [], again: false }
  const { provider, restores } = await openRestorer(record, ports)
  const imports = importsOf(restores, record.request.site)
  const { node, storage, fileName } = placeOf(record)
  const at = { node, storage }
  let undecided = false
  for (const disk of asked) {
    if (disk.fetchedAt !== undefined || disk.askedAt === undefined) continue
    const found =
      disk.jobRef === undefined ? await imports.findFetch(at, disk.fileName, new Date(disk.askedAt)) : undefined
    const jobRef = disk.jobRef ?? found?.jobRef
    const settled = ports.now().getTime() - Date.parse(disk.askedAt) > START_SETTLES_SECONDS * 1000
    if (jobRef === undefined) undecided ||= !settled
    else if ((await imports.fetchEnding(jobRef)).ending === 'running') await provider.stop(jobRef, STOP_SECONDS)
  }
  await imports.removeFetched(at, fileName)
  if (!undecided) return { left: [], again: false }
  const what = `Site ${record.request.site}, node ${node}: a disk may yet be fetched to ${storage} as ${fileName}-….`
  return { left: [{ what }], again: true }
}

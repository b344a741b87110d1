/** Bringing guests back: what each method promises stands in `../capabilities/restores.ts`. */
import { RestoreStartUnclear, StorageUnusable } from '../../contracts/errors.ts'
import type { GuestPower } from '../capabilities/power.ts'
import type { FoundRestores, IntendedRestore, RestorePlace, Restores } from '../capabilities/restores.ts'
import type { JobSummary } from '../job-summary.ts'
import type { ProviderDeps } from '../provider-deps.ts'
import type { Provider } from '../provider.ts'
import { apiPath, apiQuery } from './api-path.ts'
import { backupFolder, contentFolder } from './backup-folder.ts'
import type { ApiClient } from './client.ts'
import { mayBeSince, offsetByTask } from './clock.ts'
import { NoSuchTask, where } from './errors.ts'
import { compareConfiguration } from './compare-configuration.ts'
import { openGuestCommands } from './guest-commands.ts'
import { isLost } from './job-ending.ts'
import { backupVolid, formatVolid, markedArchiveName, parseUpid, type Upid } from './identifiers.ts'
import { IMPORT_CONTENT, openDiskImports } from './disk-imports.ts'
import { importForm } from './import-form.ts'
import { openTargetCheck } from './restore-check.ts'
import { restoreForm } from './restore-form.ts'
import { openRemoval } from './restore-removal.ts'
import { HEAD_LINES, IMPORT_TYPE, RESTORE_TYPES, restoreEnding, restoresArchive } from './restore-tasks.ts'
import { openRestoredGuest } from './restored-guest.ts'
import { taskRowsSchema } from './schemas.ts'
import { openTemplates } from './templates.ts'
import { requireUpid, type TaskReader, type TaskState } from './tasks.ts'

/** A node's list holds about a thousand; of one guest there are some dozens. */
const MOST_TASKS = 1000
/** What pulling a guest's plug may take. */
const STOP_SECONDS = 120
/** vzdump's compressors write a checksum over the content, and theirs that unpack compare it (zstd, gzip, lzop). */
const CHECKED_FORMATS = /\.(?:zst|gz|tgz|lzo)$/
/** Before a status that makes no sense is believed. */
const SECOND_LOOK_MS = 2000

interface RestoreDeps extends Pick<ProviderDeps, 'now' | 'sleep'> {
  power: GuestPower
  /** What may be run in guests, by name. */
  commands: Readonly<Record<string, readonly string[]>>
}

export function openRestores(
  client: ApiClient,
  tasks: TaskReader,
  siteName: string,
  findGuests: Provider['findGuests'],
  { now, sleep, power, commands }: RestoreDeps,
): Restores {
  const targets = openTargetCheck(client, siteName, findGuests)

  async function create(intended: IntendedRestore, artifactRef: string, token: string): Promise<JobSummary> {
    const { target, archive, imports } = intended
    const { node, id } = target
    const about = client.about('restore the guest', { node, guest: id, storage: intended.deliveryStorage })
    const path = archive.guest.kind === 'vm' ? apiPath`/nodes/${node}/qemu` : apiPath`/nodes/${node}/lxc`
    const form = imports === undefined ? restoreForm(intended, artifactRef, token) : importForm(intended, token)
    const written = await client.write('POST', path, about, form)
    if (!written.answered) {
      throw new RestoreStartUnclear(
        `${written.error.message} The restore may have been started all the same: look for it before asking again.`,
        { cause: written.error },
      )
    }
    const upid = typeof written.data === 'string' ? parseUpid(written.data) : undefined
    if (upid === undefined || !isOf(intended, upid) || typeof written.data !== 'string') {
      throw new RestoreStartUnclear(`${where(about)}: the answer to the restore names no task of one.`)
    }
    return { ...summaryOf(written.data, upid, true), clock: offsetByTask(upid, written.timing) }
  }

  async function find(intended: IntendedRestore, artifactRef: string, since: Date): Promise<FoundRestores> {
    const { node, id } = intended.target
    const about = client.about('look for its restores', { node, guest: id })
    // The default, `archive`, leaves out what still runs; a `since` would be compared with the node's clock.
    const query = apiQuery({ source: 'all', vmid: id, limit: MOST_TASKS })
    const { data, timing } = await client.get(apiPath`/nodes/${node}/tasks` + query, taskRowsSchema, about)
    const found: FoundRestores = { ours: [], undecided: [] }
    for (const row of data) {
      const upid = parseUpid(row.upid)
      if (upid === undefined || upid.user !== client.account || upid.id !== id || !isOf(intended, upid)) continue
      const running = row.endtime === undefined && (row.status === undefined || row.status.toUpperCase() === 'RUNNING')
      if (!running && !mayBeSince(upid, since, timing)) continue
      // What makes a guest of disks doesn't say of which. This restore alone may make one of the id.
      const named = intended.imports !== undefined || restoresArchive(await headOf(row.upid), artifactRef)
      if (named === true) found.ours.push(summaryOf(row.upid, upid, running))
      else if (named === undefined && running) found.undecided.push(summaryOf(row.upid, upid, running))
    }
    const newest = (one: JobSummary, other: JobSummary) => other.startedAt.localeCompare(one.startedAt)
    return { ours: found.ours.toSorted(newest), undecided: found.undecided.toSorted(newest) }
  }

  async function headOf(jobRef: string): Promise<string[]> {
    try {
      return await tasks.logHead(jobRef, HEAD_LINES)
    } catch (error) {
      if (error instanceof NoSuchTask) return []
      throw error
    }
  }

  /** A process that is gone before its last line is written reads as lost, and so is looked at twice. */
  async function ending(jobRef: string) {
    const upid = requireUpid(jobRef, siteName)
    const look = async () => {
      try {
        const state = await tasks.state(jobRef)
        return { state, lines: state.running ? [] : await tasks.log(jobRef) }
      } catch (error) {
        if (!(error instanceof NoSuchTask)) throw error
        const state: TaskState = { running: false, exitStatus: 'no such task' }
        return { state, lines: [] }
      }
    }
    const first = await look()
    if (first.state.running || !isLost(first.state)) return restoreEnding(first.state, first.lines, upid)
    await sleep(SECOND_LOOK_MS)
    const second = await look()
    return restoreEnding(second.state, second.lines, upid)
  }

  async function placeFor(
    { archive, deliveryStorage, imports }: Pick<IntendedRestore, 'archive' | 'deliveryStorage' | 'imports'>,
    token: string,
  ): Promise<RestorePlace> {
    if (imports !== undefined) return placeForDisks(deliveryStorage, token)
    const folder = await backupFolder(client, deliveryStorage)
    if (folder === undefined) {
      throw new StorageUnusable(
        `Site ${siteName}: storage ${deliveryStorage} has no folder for backups that the account is shown. Name another storage for the archive's file.`,
      )
    }
    const fileName = markedArchiveName(archive.fileName, token)
    return {
      folder,
      fileName,
      artifactRef: backupVolid(deliveryStorage, fileName),
      provesItself: CHECKED_FORMATS.test(archive.fileName),
    }
  }

  /** The disks' files have this name in front. */
  async function placeForDisks(storage: string, token: string): Promise<RestorePlace> {
    const folder = await contentFolder(client, storage, 'import', 'import')
    if (folder === undefined) {
      throw new StorageUnusable(
        `Site ${siteName}: storage ${storage} has no folder for disks to import that the account is shown. Name another storage with deliveryStorage.`,
      )
    }
    const fileName = `guestlift-${token}`
    const artifactRef = formatVolid({ storage, volume: `${IMPORT_CONTENT}/${fileName}` })
    return { folder, fileName, artifactRef, provesItself: false }
  }

  return {
    imports: openDiskImports(client, tasks, siteName, sleep),
    placeFor,
    checkTarget: (intended) => targets.checkTarget(intended),
    missingPrivileges: (intended) => targets.missingPrivileges(intended),
    create,
    find,
    ending,
    compare: (archived, { configuration }, how) => compareConfiguration(archived, configuration, how),
    ...openRestoredGuest(client, siteName, findGuests),
    ...openGuestCommands(client, commands, { now, sleep }),
    makeTemplate: openTemplates(client, tasks, sleep),
    removeMade: openRemoval(client, tasks, siteName, {
      findGuests,
      isFree: (id) => targets.isFree(id),
      stop: async (guest) => void (await power.order(guest, 'stop', { timeoutSeconds: STOP_SECONDS })),
    }),
  }
}

/** A guest is made of its archive's file by other tasks than of disks. */
function isOf({ imports }: IntendedRestore, { type }: Upid): boolean {
  return imports === undefined ? RESTORE_TYPES.has(type) : type === IMPORT_TYPE
}

function summaryOf(jobRef: string, upid: Upid, running: boolean): JobSummary {
  return { jobRef, startedAt: new Date(upid.startTime * 1000).toISOString(), running }
}

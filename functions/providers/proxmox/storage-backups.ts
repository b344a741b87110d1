/** Archives on the site's storages: list them, read and change their marks, remove one, preview the platform's pruning. */
import {
  GuestliftError,
  PlatformTaskFailed,
  PlatformUnavailable,
  RequestRejected,
  StorageUnusable,
} from '../../contracts/errors.ts'
import type { GuestKind } from '../../contracts/nouns.ts'
import type {
  ArchiveFilter,
  ArchiveListing,
  ArchiveMarks,
  ArchiveRemoval,
  ArchivesOnPlatform,
  PlatformArchive,
} from '../capabilities/archives-on-platform.ts'
import { apiPath, apiQuery } from './api-path.ts'
import type { ApiClient } from './client.ts'
import { type About, ArchiveProtected, errorFromText, NoSuchVolume, where } from './errors.ts'
import { withoutMark } from './notes-template.ts'
import { parseVolid } from './identifiers.ts'
import { privilegesToSeeArchives } from './privileges.ts'
import { archiveMarksSchema, archiveRowsSchema, pruneRowsSchema, taskIdSchema } from './schemas.ts'
import { atEachPlace, type StoragePlace } from './storage-places.ts'
import type { TaskReader } from './tasks.ts'

/** Removing an archive is quick on a disk and slow on a busy network storage. */
const DELETE_SECONDS = 300

export interface StorageBackups {
  archivesOnPlatform: ArchivesOnPlatform
  /** Remove an archive and wait for it. One that is gone already is fine. */
  free: (artifactRef: string, node: string) => Promise<void>
}

export function openStorageBackups(client: ApiClient, tasks: TaskReader, siteName: string): StorageBackups {
  /** Path and description of one archive's own resource. @throws RequestRejected for what is no archive's address */
  function volume(doing: string, artifactRef: string, node: string): { path: string; about: About } {
    const volid = parseVolid(artifactRef)
    if (volid === undefined || !volid.volume.startsWith('backup/')) {
      throw new RequestRejected(
        `Site ${siteName}: "${artifactRef}" is no archive of this platform. Its address is <storage>:backup/<file name>.`,
      )
    }
    const about = client.about(doing, { node, storage: volid.storage })
    return { path: apiPath`/nodes/${node}/storage/${volid.storage}/content/${artifactRef}`, about }
  }

  async function listAt(place: StoragePlace, guestId: string | undefined) {
    const { node, storage } = place
    const about = client.about(`list the archives of storage ${storage}`, place)
    const narrowed = guestId === undefined ? {} : { vmid: guestId }
    const path = apiPath`/nodes/${node}/storage/${storage}`
    const { data } = await client.get(
      `${path}/content${apiQuery({ content: 'backup', ...narrowed })}`,
      archiveRowsSchema,
      about,
    )
    const archives = data.map((row): PlatformArchive => {
      const guest = guestOf(row.subtype, row.vmid)
      return {
        artifactRef: row.volid,
        ...place,
        ...guest,
        createdAt: instant(row.ctime),
        sizeBytes: row.size,
        format: row.format,
        // Only their first line comes with the list: without notes of a person's, that is the mark.
        notes: withoutMark(row.notes),
        protected: row.protected,
        encrypted: row.encrypted !== undefined,
        ...(row.verification === undefined ? {} : { verification: row.verification.state }),
      }
    })
    // The file name's text is what the platform filters by, so a renamed file of another guest may be among them.
    const wanted = archives.filter(({ guestId: its }) => guestId === undefined || its === guestId)
    return { archives: wanted, ...(await hiddenAt(place, guestId, new Set(data.map(({ volid }) => volid)))) }
  }

  /**
   * The list leaves out, without a word, archives of guests that the account may not back up; a trial of pruning shows
   * them all. A storage that refuses the trial has been listed all the same, and may hold more.
   */
  async function hiddenAt(
    place: StoragePlace,
    guestId: string | undefined,
    seen: ReadonlySet<string>,
  ): Promise<Pick<ArchiveListing, 'hidden' | 'mayLack'>> {
    try {
      const all = await marksAt(place, guestId, 'keep-all=1')
      const count = all.filter(({ volid }) => !seen.has(volid)).length
      return { hidden: count === 0 ? [] : [{ ...place, count, needs: privilegesToSeeArchives(place.storage) }] }
    } catch (error) {
      if (!(error instanceof GuestliftError)) throw error
      return {
        hidden: [],
        mayLack: `Whether all archives on storage ${place.storage} are shown isn't known: ${error.message}`,
      }
    }
  }

  async function marksAt(place: StoragePlace, guestId: string | undefined, rules: string | undefined) {
    const about = client.about(`preview the pruning of storage ${place.storage}`, place)
    const query = {
      ...(rules === undefined ? {} : { 'prune-backups': rules }),
      ...(guestId === undefined ? {} : { vmid: guestId }),
    }
    const path = apiPath`/nodes/${place.node}/storage/${place.storage}/prunebackups`
    const { data } = await client.get(
      Object.keys(query).length === 0 ? path : path + apiQuery(query),
      pruneRowsSchema,
      about,
    )
    return data
  }

  const places = <Result>(filter: ArchiveFilter, ask: (place: StoragePlace) => Promise<Result>) =>
    atEachPlace(client, siteName, filter, ask)

  async function readMarks(artifactRef: string, node: string): Promise<ArchiveMarks | undefined> {
    const { path, about } = volume(`read the notes of ${artifactRef}`, artifactRef, node)
    try {
      return (await client.get(path, archiveMarksSchema, about)).data
    } catch (error) {
      if (error instanceof NoSuchVolume) return undefined
      throw error
    }
  }

  async function editMarks(artifactRef: string, node: string, change: Partial<ArchiveMarks>): Promise<ArchiveMarks> {
    const { path, about } = volume(`change the notes or protection of ${artifactRef}`, artifactRef, node)
    const gone = () => new NoSuchVolume(`${where(about)}: ${artifactRef} isn't on the storage, so nothing was changed.`)
    // The order would make a notes file beside an archive that isn't there.
    if ((await readMarks(artifactRef, node)) === undefined) throw gone()
    const written = await client.write('PUT', path, about, {
      ...(change.notes === undefined ? {} : { notes: change.notes }),
      ...(change.protected === undefined ? {} : { protected: change.protected ? '1' : '0' }),
    })
    const now = await readMarks(artifactRef, node)
    if (now === undefined) throw gone()
    const asWanted =
      (change.notes === undefined || now.notes.trimEnd() === change.notes.trimEnd()) &&
      (change.protected === undefined || now.protected === change.protected)
    if (asWanted) return now
    // Whether or not the order arrived, what the archive says now is what counts.
    if (!written.answered) throw written.error
    throw new PlatformTaskFailed(`${where(about)}: the platform took the change of ${artifactRef} and didn't keep it.`)
  }

  /** Order the removal and wait. @throws ArchiveProtected, NoSuchVolume and whatever else the platform has against it */
  async function order(artifactRef: string, node: string): Promise<void> {
    const { path, about } = volume(`remove ${artifactRef}`, artifactRef, node)
    const written = await client.write('DELETE', path, about)
    if (!written.answered) throw written.error
    const taskId = taskIdSchema.safeParse(written.data)
    if (!taskId.success) throw new PlatformUnavailable(`${where(about)}: the answer to ${about.doing} names no task.`)
    if (taskId.data === null) return
    const { exitStatus = 'no exit status' } = await tasks.waitForEnd(taskId.data, DELETE_SECONDS)
    if (exitStatus === 'OK' || exitStatus.startsWith('WARNINGS: ')) return
    throw (
      errorFromText(exitStatus, about) ?? new StorageUnusable(`${where(about)}: cannot ${about.doing}: ${exitStatus}`)
    )
  }

  async function remove(artifactRef: string, node: string): Promise<ArchiveRemoval> {
    // The task ends in OK for a file that was never there: only a look before tells the two apart.
    const before = await readMarks(artifactRef, node)
    if (before === undefined) return 'gone'
    if (before.protected) return 'protected'
    try {
      await order(artifactRef, node)
    } catch (error) {
      if (error instanceof ArchiveProtected) return 'protected'
      if (!(error instanceof NoSuchVolume)) throw error
    }
    if ((await readMarks(artifactRef, node)) === undefined) return 'removed'
    const { about } = volume(`remove ${artifactRef}`, artifactRef, node)
    throw new PlatformTaskFailed(
      `${where(about)}: the platform says that ${artifactRef} was removed, and it is still there.`,
    )
  }

  const archivesOnPlatform: ArchivesOnPlatform = {
    async list(filter) {
      const { results, unread, mayLack } = await places(filter, (place) => listAt(place, filter.guestId))
      const doubts = [mayLack, ...results.map((result) => result.mayLack)].filter((doubt) => doubt !== undefined)
      return {
        archives: results.flatMap(({ archives }) => archives).toSorted(newestFirst),
        unread,
        hidden: results.flatMap(({ hidden }) => hidden),
        ...(doubts.length === 0 ? {} : { mayLack: doubts.join(' ') }),
      }
    },
    readMarks,
    editMarks,
    remove,
    async previewPrune(filter, rules) {
      const text = rules === undefined ? undefined : ruleText(rules)
      const { results, unread } = await places(filter, async (place) =>
        (await marksAt(place, filter.guestId, text)).map((row) => ({
          artifactRef: row.volid,
          node: place.node,
          ...guestOf(row.type, row.vmid),
          createdAt: instant(row.ctime),
          mark: row.mark,
        })),
      )
      return { marks: results.flat().toSorted(newestFirst), unread }
    },
  }

  const free = async (artifactRef: string, node: string): Promise<void> => {
    try {
      await order(artifactRef, node)
    } catch (error) {
      if (!(error instanceof NoSuchVolume)) throw error
    }
  }

  return { archivesOnPlatform, free }
}

/** As the platform writes rules. Empty rules would be taken as "keep everything", so they are an error of the caller's. */
function ruleText(rules: Readonly<Record<string, number | boolean | undefined>>): string {
  const given = Object.entries(rules).filter(([, value]) => value !== undefined && value !== false)
  if (given.length === 0) throw new RequestRejected('No retention rule is given.')
  return given.map(([name, value]) => `${name}=${value === true ? 1 : value}`).join(',')
}

const kinds: ReadonlyMap<string, GuestKind> = new Map([
  ['qemu', 'vm'],
  ['lxc', 'container'],
  // What containers were before Proxmox VE 4.
  ['openvz', 'container'],
])

function guestOf(subtype: string | undefined, vmid: string | undefined): { guestId?: string; guestKind?: GuestKind } {
  const guestKind = kinds.get(subtype ?? '')
  return { ...(vmid === undefined ? {} : { guestId: vmid }), ...(guestKind === undefined ? {} : { guestKind }) }
}

const instant = (unixSeconds: number): string => new Date(unixSeconds * 1000).toISOString()

/** Names settle what a second can't. */
function newestFirst(
  one: { createdAt: string; artifactRef: string },
  other: { createdAt: string; artifactRef: string },
): number {
  return other.createdAt.localeCompare(one.createdAt) || one.artifactRef.localeCompare(other.artifactRef)
}

import { GuestliftError } from '../contracts/errors.ts'
import type { Job } from '../contracts/job.ts'
import type { Platform } from '../contracts/nouns.ts'
import { type ExpectedSize, expectSize } from '../domain/expected-size.ts'
import type {
  GuestDetails,
  GuestRecord,
  MissingPrivilege,
  PlatformArchive,
  Provider,
  StorageRecord,
} from '../providers/provider.ts'
import { chooseGuests } from './choose-guests.ts'
import { forecastPlace, type Obstacle, placeKey, spaceNotes } from './foresee-place.ts'
import { intendedWork } from './intended-work.ts'
import type { LastStored } from './last-stored.ts'

/** What would become of a guest that the job means. */
export interface ForeseenGuest extends Partial<Omit<GuestRecord, 'id' | 'missingPrivileges'>> {
  id: string
  fate: 'archive' | 'skip' | 'fail'
  /** A sentence: why it is chosen, or what stands in the way. */
  reason: string
  /** With fate `archive`, where anything is known. */
  expected?: ExpectedSize
  details?: GuestDetails
}

/** A run as it would go if it began now. Nothing was changed anywhere to find out. */
export interface ForeseenRun {
  version: 1
  site: string
  platform: Platform
  platformVersion: string
  /** The selection in words. */
  selection: string
  backup: Job['backup']
  guests: ForeseenGuest[]
  leftOut: { id: string; kind: string; name: string; node: string; reason: string }[]
  /** The job's storage as each node concerned sees it. */
  storages: StorageRecord[]
  /** With any of these, the run fails before it begins. */
  missingPrivileges: MissingPrivilege[]
  notes: string[]
  totals: { archive: number; skip: number; fail: number; leftOut: number; expectedBytes: number }
}

/** Guests whose configurations are read at the same time. */
const READ_AHEAD = 8

interface Needs {
  provider: Provider
  /** The newest archive of a guest in the bucket, where a bucket is at hand. */
  lastStored?: (guest: GuestRecord) => Promise<LastStored | undefined>
}

/** @throws the errors of a site that can't be asked at all; what concerns one guest or node is in the result */
export async function foreseeRun(job: Job, { provider, lastStored }: Needs): Promise<ForeseenRun> {
  const { site, backup } = job
  const { version } = await provider.identify()
  const missingPrivileges = await provider.missingPrivileges(intendedWork(job))
  const choice = await chooseGuests(site, job.guests, provider, 'everything')
  const notes = [...choice.doubts]
  const places = new Map<string, { storage: StorageRecord | undefined; obstacle: Obstacle | undefined }>()
  for (const node of new Set(choice.chosen.filter(({ nodeOffline }) => !nodeOffline).map((guest) => guest.node))) {
    places.set(node, await forecastPlace(site, backup.storage, node, provider))
  }
  const usable = [...places.values()].some(({ obstacle }) => obstacle === undefined)
  const archives = usable ? await archivesOn(backup.storage, provider, notes) : []
  const whyOf = new Map(choice.decisions.map(({ guest, reason }) => [guest.id, reason]))

  const foresee = async (guest: GuestRecord): Promise<ForeseenGuest> => {
    const { missingPrivileges: _told, ...known } = guest
    const obstacle = inTheWay(site, guest, missingPrivileges) ?? places.get(guest.node)?.obstacle
    if (obstacle !== undefined) return { ...known, ...obstacle }
    const details = await detailsOf(guest, provider, notes)
    const expected = expectSize({
      onStorage: archives.find(
        ({ guestId, guestKind }) => guestId === guest.id && (guestKind ?? guest.kind) === guest.kind,
      ),
      inBucket: await lastStored?.(guest),
      disks: details?.disks ?? [],
    })
    return {
      ...known,
      fate: 'archive',
      reason: whyOf.get(guest.id) ?? '',
      ...(expected === undefined ? {} : { expected }),
      ...(details === undefined ? {} : { details }),
    }
  }
  const guests: ForeseenGuest[] = choice.failed.map(({ guest, reason }) => ({ ...guest, fate: 'fail', reason }))
  for (let start = 0; start < choice.chosen.length; start += READ_AHEAD) {
    guests.push(...(await Promise.all(choice.chosen.slice(start, start + READ_AHEAD).map(foresee))))
  }
  guests.sort((one, other) => Number(one.id) - Number(other.id))
  const storages = [...places.values()].flatMap(({ storage }) => storage ?? [])
  const leftOut = choice.record.guests
    .filter(({ verdict }) => verdict === 'left-out')
    .map(({ id, kind, name, node, reason }) => ({ id, kind, name, node, reason }))
  const count = (fate: ForeseenGuest['fate']) => guests.filter((guest) => guest.fate === fate).length
  return {
    version: 1,
    site,
    platform: provider.platform,
    platformVersion: version,
    selection: choice.record.selection,
    backup,
    guests,
    leftOut,
    storages,
    missingPrivileges,
    notes: [...notes, ...spaceNotes(storages, expectedByPlace(guests, storages), job.deleteSource)],
    totals: {
      archive: count('archive'),
      skip: count('skip'),
      fail: count('fail'),
      leftOut: leftOut.length,
      expectedBytes: guests.reduce((sum, { expected }) => sum + (expected?.sizeBytes ?? 0), 0),
    },
  }
}

function inTheWay(site: string, guest: GuestRecord, lacking: readonly MissingPrivilege[]): Obstacle | undefined {
  const { id, node, lock, nodeOffline } = guest
  if (lacking.length > 0) return { fate: 'fail', reason: 'The run fails at its start: the account lacks privileges.' }
  if (nodeOffline) return { fate: 'fail', reason: `Site ${site}, guest ${id}: its node ${node} doesn't answer.` }
  if (lock === 'migrate') return { fate: 'skip', reason: 'It is on its way to another node at this moment.' }
  if (lock === undefined) return undefined
  return { fate: 'skip', reason: `It is locked by another operation (${lock}) at this moment.` }
}

async function archivesOn(storage: string, provider: Provider, notes: string[]): Promise<PlatformArchive[]> {
  try {
    const { archives, unread } = await provider.listArchives({ storage })
    notes.push(...unread.map(({ reason }) => `Older archives, which tell sizes, can't all be read: ${reason}`))
    return archives
  } catch (error) {
    if (!(error instanceof GuestliftError)) throw error
    notes.push(`Older archives, which tell sizes, can't be read: ${error.message}`)
    return []
  }
}

async function detailsOf(guest: GuestRecord, provider: Provider, notes: string[]): Promise<GuestDetails | undefined> {
  try {
    const details = await provider.describeGuest(guest)
    if (!details.disks.some(({ included }) => included)) notes.push(`Guest ${guest.id}: its backup would hold no disk.`)
    return details
  } catch (error) {
    if (!(error instanceof GuestliftError)) throw error
    notes.push(`Its disks aren't known: ${error.message}`)
    return undefined
  }
}

/** What is expected to arrive on each storage: one of its own on each node, unless it is shared. */
function expectedByPlace(guests: readonly ForeseenGuest[], storages: readonly StorageRecord[]): Map<string, number> {
  const sums = new Map<string, number>()
  for (const { node, expected } of guests) {
    const storage = storages.find((one) => one.node === node)
    if (storage === undefined || expected === undefined) continue
    sums.set(placeKey(storage), (sums.get(placeKey(storage)) ?? 0) + expected.sizeBytes)
  }
  return sums
}

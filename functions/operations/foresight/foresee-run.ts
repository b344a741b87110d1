import { byId } from '../../domain/identity/compare-ids.ts'
import { AUTO_STORAGE } from '../../contracts/backup-options.ts'
import { GuestliftError } from '../../contracts/errors.ts'
import type { Job } from '../../contracts/job.ts'
import type { Platform } from '../../contracts/nouns.ts'
import type { ArchiveFilter, PlatformArchive } from '../../providers/capabilities/archives-on-platform.ts'
import type { GuestRecord } from '../../providers/guest-facts.ts'
import type { MissingPrivilege } from '../../providers/intended-work.ts'
import type { Provider } from '../../providers/provider.ts'
import type { StorageRecord } from '../../providers/capabilities/storages.ts'
import { type Choice, chooseGuests } from '../selection/choose-guests.ts'
import { type ForeseenGuest, foreseeGuest, inTheWay } from './foresee-guest.ts'
import { placeKey } from '../../domain/backup/storage-place.ts'
import { type Obstacle, type Place, spaceNotes } from './foresee-place.ts'
import { lookAtNode } from './look-at-node.ts'
import { intendedWork } from '../selection/intended-work.ts'
import { requireKnownOptions } from '../selection/require-known-keys.ts'
import type { LastStored } from '../catalogue/last-stored.ts'

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
  /** The job's guests, where they have been listed with `everything` already. */
  choice?: Choice
  /** The newest archive of a guest in the bucket, where a bucket is at hand. */
  lastStored?: (guest: GuestRecord) => Promise<LastStored | undefined>
  /** Which of these nodes the site's route doesn't reach, and why, where that is to be found out. */
  testRoutes?: (nodes: readonly string[]) => Promise<ReadonlyMap<string, GuestliftError>>
}

/** @throws the errors of a site that can't be asked at all; what concerns one guest or node is in the result */
export async function foreseeRun(
  job: Job,
  { provider, lastStored, testRoutes, ...needs }: Needs,
): Promise<ForeseenRun> {
  const { site, backup } = job
  const { version } = await provider.identify()
  requireKnownOptions(site, backup, provider)
  await provider.requireOptions(backup)
  const missingPrivileges = await provider.missingPrivileges(intendedWork(job))
  const choice = needs.choice ?? (await chooseGuests(site, job.guests, provider, 'everything'))
  const notes = [...choice.doubts]
  const places = new Map<string, Place>()
  const nodes = [...new Set(choice.chosen.filter(({ nodeOffline }) => !nodeOffline).map((guest) => guest.node))]
  const refusals = await testRoutes?.(nodes)
  for (const node of nodes) {
    const { place, complaint } = await lookAtNode({ site, backup, node }, provider)
    const reason = refusals?.get(node)?.message ?? complaint
    notes.push(...place.notes)
    places.set(node, reason === undefined ? place : { ...place, obstacle: { fate: 'fail', reason } })
  }
  const usable = [...places.values()].some(({ obstacle }) => obstacle === undefined)
  const isAuto = backup.storage === AUTO_STORAGE
  const archives = usable ? await archivesOn(isAuto ? {} : { storage: backup.storage }, provider, notes) : []
  if (isAuto && usable)
    notes.push('Storage auto: a run looks anew for the storage with most free space before each backup.')
  const whyOf = new Map(choice.decisions.map(({ guest, reason }) => [guest.id, reason]))

  const foresee = async (guest: GuestRecord): Promise<ForeseenGuest> => {
    const place = places.get(guest.node)
    const obstacle =
      inTheWay(site, guest, missingPrivileges, { provider, notes }) ??
      place?.obstacle ??
      (await fullByRetention(guest, { ...backup, storage: place?.storage?.storage ?? backup.storage }, provider, notes))
    const reason = whyOf.get(guest.id) ?? ''
    const { require } = job
    const sources = { provider, backup, require, archives, notes, lastStored }
    return foreseeGuest(guest, obstacle ?? { fate: 'archive', reason }, sources)
  }
  const guests: ForeseenGuest[] = choice.failed.map(({ guest, reason }) => ({ ...guest, fate: 'fail', reason }))
  for (let start = 0; start < choice.chosen.length; start += READ_AHEAD) {
    guests.push(...(await Promise.all(choice.chosen.slice(start, start + READ_AHEAD).map(foresee))))
  }
  guests.sort(byId)
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

/** A storage that holds as many backups of the guest as its own retention allows. */
async function fullByRetention(
  guest: GuestRecord,
  options: Job['backup'],
  provider: Provider,
  notes: string[],
): Promise<Obstacle | undefined> {
  try {
    const reason = await provider.storages?.refusalByRetention(guest, options)
    return reason === undefined ? undefined : { fate: 'fail', reason }
  } catch (error) {
    if (!(error instanceof GuestliftError)) throw error
    notes.push(`Guest ${guest.id}: the retention of storage ${options.storage} isn't known: ${error.message}`)
    return undefined
  }
}

async function archivesOn(filter: ArchiveFilter, provider: Provider, notes: string[]): Promise<PlatformArchive[]> {
  if (provider.archivesOnPlatform === undefined) return []
  try {
    const { archives, unread } = await provider.archivesOnPlatform.list(filter)
    // Only sizes are taken from them: those of archives that aren't shown are estimated.
    notes.push(...unread.map(({ reason }) => `Older archives, which show sizes, can't all be read: ${reason}`))
    return archives
  } catch (error) {
    if (!(error instanceof GuestliftError)) throw error
    notes.push(`Older archives, which show sizes, can't be read: ${error.message}`)
    return []
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

/** Which privileges a run needs, and whether an account's effective permissions cover them. */
import { AUTO_STORAGE, type BackupOptions } from '../../contracts/backup-options.ts'
import type { IntendedPool, IntendedWork, MissingPrivilege } from '../intended-work.ts'
import { privilegesOf } from './backup-options.ts'

/** Path → privilege → whether it reaches the paths below: as GET /access/permissions answers for the caller. */
export type Permissions = Readonly<Record<string, Readonly<Record<string, number | string | boolean>>>>

/**
 * Listing a guest takes VM.Audit, dumping it VM.Backup (checked only inside the task). Seeing and removing its archives
 * takes Datastore.AllocateSpace with VM.Backup; with Datastore.Audit alone the list is silently empty.
 */
function needed({ guestIds, storage, options }: IntendedWork): MissingPrivilege[] {
  const ofOptions = options === undefined ? [] : privilegesOf(options)
  return [
    ...(storage === AUTO_STORAGE ? [] : neededOnStorage(storage)),
    ...guestIds.flatMap(neededForGuest),
    ...ofOptions.filter(({ path }) => path !== ANY_STORAGE),
  ]
}

const ANY_STORAGE = '/storage'

/** What putting backups on a storage and seeing them there takes. */
export const privilegesOnStorage = ['Datastore.AllocateSpace', 'Datastore.Audit'] as const

/** What seeing a guest takes, or all of them, as messages say it. */
export function privilegeToSee(guestId?: string): string {
  return `VM.Audit on /vms${guestId === undefined ? '' : `/${guestId}`}`
}

/** What being shown a storage's archives takes, as messages say it. */
export function privilegesToSeeArchives(storage: string): string {
  return `Datastore.AllocateSpace on /storage/${storage} and VM.Backup on their guests`
}

function neededOnStorage(storage: string): MissingPrivilege[] {
  return privilegesOnStorage.map((privilege) => ({ privilege, path: `/storage/${storage}` }))
}

/** What a backup with these options takes on the storage it is put on, and lacks. */
export function missingOnStorage(
  permissions: Permissions,
  storage: string,
  options: BackupOptions,
): MissingPrivilege[] {
  const ofOptions = privilegesOf({ ...options, storage }).filter(({ path }) => path === `/storage/${storage}`)
  return [...neededOnStorage(storage), ...ofOptions].filter(
    ({ privilege, path }) => !holds(permissions, privilege, path),
  )
}

/** With `auto`, some storage has to do: one that has its own rights, or any at all. */
function missingOnAnyStorage(permissions: Permissions, { storage, options }: IntendedWork): MissingPrivilege[] {
  if (storage !== AUTO_STORAGE || options === undefined) return []
  const named = Object.keys(permissions).flatMap((path) => /^\/storage\/([^/]+)$/.exec(path)?.[1] ?? [])
  // A name that nobody gave a storage stands for all that have no rights of their own.
  const best = [...named, ' '].map((name) => missingOnStorage(permissions, name, options))
  if (best.some((missing) => missing.length === 0)) return []
  return (best.at(-1) ?? []).map((missing) => ({ ...missing, path: ANY_STORAGE }))
}

function neededForGuest(id: string): MissingPrivilege[] {
  return ['VM.Audit', 'VM.Backup'].map((privilege) => ({ privilege, path: `/vms/${id}` }))
}

export function missingPrivileges(permissions: Permissions, work: IntendedWork): MissingPrivilege[] {
  return [
    ...needed(work).filter(({ privilege, path }) => !holds(permissions, privilege, path)),
    ...missingOnAnyStorage(permissions, work),
    ...missingForSelection(permissions, work),
  ]
}

/** What backing up one guest takes, apart from the storage. */
export function missingOnGuest(permissions: Permissions, id: string): MissingPrivilege[] {
  return neededForGuest(id).filter(({ privilege, path }) => !holds(permissions, privilege, path))
}

/**
 * Whether the account is shown every guest, as far as that can be known: a guest on which all rights were taken away from
 * it (NoAccess) appears nowhere.
 */
export function seesAllGuests(permissions: Permissions): boolean {
  return holdsOnAll(permissions, 'VM.Audit', '/vms')
}

/** Whether lists of the storage leave out, without a word, the archives of a guest. */
export function hidesArchives(permissions: Permissions, storage: string, guestId: string): boolean {
  const onStorage = (privilege: string) => holds(permissions, privilege, `/storage/${storage}`)
  if (onStorage('Datastore.Allocate')) return false
  return !onStorage('Datastore.AllocateSpace') || !holds(permissions, 'VM.Backup', `/vms/${guestId}`)
}

/** Whether the account is shown every storage; those that it isn't are left out of the lists without a word. */
export function seesAllStorages(permissions: Permissions): boolean {
  return holdsOnAll(permissions, 'Datastore.Audit', '/storage')
}

/** Whether the account is shown in which pool a guest is, for each of them. */
export function seesAllPools(permissions: Permissions): boolean {
  return holdsOnAll(permissions, 'Pool.Audit', '/pool')
}

/** Held above, and on each path below that is listed with rights of its own. */
export function holdsOnAll(permissions: Permissions, privilege: string, above: string): boolean {
  const lacking = Object.keys(permissions).some(
    (path) => path.startsWith(`${above}/`) && permissions[path]?.[privilege] === undefined,
  )
  return !lacking && reachesBelow(permissions, privilege, above)
}

/**
 * The lists of guests are filtered in silence, so a selection by anything but ids is whole only when the account sees
 * all that could be in it. For the backups themselves it is enough here that there is some right to them: each chosen
 * guest is looked at by itself.
 */
function missingForSelection(permissions: Permissions, work: IntendedWork): MissingPrivilege[] {
  const { everyGuest = false, pools = [], excludedPools = [] } = work
  const lacks = (privilege: string, path: string) =>
    reachesBelow(permissions, privilege, path) ? [] : [{ privilege, path }]
  const mayBackUp = Object.entries(permissions).some(
    ([path, held]) => /^\/(?:$|vms(?:\/|$)|pool\/)/.test(path) && held['VM.Backup'] !== undefined,
  )
  return [
    ...(everyGuest ? lacks('VM.Audit', '/vms') : []),
    ...(everyGuest && !mayBackUp ? [{ privilege: 'VM.Backup', path: '/vms' }] : []),
    // A pool's list shows it only to those with Pool.Audit, and its rights reach its members.
    ...distinct([...pools, ...excludedPools].flatMap((pool) => lackedOnPool(permissions, 'Pool.Audit', pool))),
    ...pools.flatMap((pool) =>
      ['VM.Audit', 'VM.Backup'].flatMap((privilege) =>
        reachesBelow(permissions, privilege, '/vms') ? [] : lackedOnPool(permissions, privilege, pool),
      ),
    ),
  ]
}

/**
 * Each pool is listed with its own rights. One that isn't listed may be there all the same, and its members would be
 * missed without a word: rights on a pool with sub-pools have to propagate.
 */
function lackedOnPool(permissions: Permissions, privilege: string, { pool, subPools }: IntendedPool) {
  const path = `/pool/${pool}`
  if (!holds(permissions, privilege, path)) return [{ privilege, path }]
  if (!subPools) return []
  const below = Object.keys(permissions).filter((one) => one.startsWith(`${path}/`))
  const hidden = below.filter((one) => !holds(permissions, privilege, one))
  if (hidden.length > 0) return hidden.map((one) => ({ privilege, path: one }))
  return holds(permissions, privilege, `${path}/ `)
    ? []
    : [{ privilege, path: `${path}, propagated to its sub-pools (or say subPools: false)` }]
}

function distinct(missing: readonly MissingPrivilege[]): MissingPrivilege[] {
  return [...new Map(missing.map((one) => [`${one.privilege} ${one.path}`, one])).values()]
}

/**
 * The platform lists a path with its effective privileges where they may differ from the parent's (it has an ACL of its
 * own or is in a pool), so the nearest listed path decides, and from above only what propagates counts.
 */
export function holds(permissions: Permissions, privilege: string, path: string): boolean {
  for (let at = path; ; at = parent(at)) {
    const here = permissions[at]
    if (here !== undefined) {
      const propagates = here[privilege]
      return propagates !== undefined && (at === path || isTrue(propagates))
    }
    if (at === '/') return false
  }
}

/** Held at the path and, as far as the path's own entry tells, below it. */
function reachesBelow(permissions: Permissions, privilege: string, path: string): boolean {
  const own = permissions[path]
  if (own !== undefined) return isTrue(own[privilege] ?? 0)
  return holds(permissions, privilege, path)
}

function parent(path: string): string {
  return path.slice(0, path.lastIndexOf('/')) || '/'
}

function isTrue(flag: number | string | boolean): boolean {
  return flag === true || Number(flag) === 1
}

/** Which privileges a run needs, and whether an account's effective permissions cover them. */
import type { IntendedWork, MissingPrivilege } from '../provider.ts'

/** Path → privilege → whether it reaches the paths below: as GET /access/permissions answers for the caller. */
export type Permissions = Readonly<Record<string, Readonly<Record<string, number | string | boolean>>>>

/**
 * Listing a guest takes VM.Audit, dumping it VM.Backup (checked only inside the task). Seeing and removing its archives
 * takes Datastore.AllocateSpace with VM.Backup; with Datastore.Audit alone the list is silently empty.
 */
function needed({ guestIds, storage }: IntendedWork): MissingPrivilege[] {
  const onStorage = ['Datastore.AllocateSpace', 'Datastore.Audit'].map((privilege) => ({
    privilege,
    path: `/storage/${storage}`,
  }))
  const onGuests = guestIds.flatMap((id) =>
    ['VM.Audit', 'VM.Backup'].map((privilege) => ({ privilege, path: `/vms/${id}` })),
  )
  return [...onStorage, ...onGuests]
}

export function missingPrivileges(permissions: Permissions, work: IntendedWork): MissingPrivilege[] {
  return needed(work).filter(({ privilege, path }) => !holds(permissions, privilege, path))
}

/**
 * The platform lists a path with its effective privileges where they may differ from the parent's (it has an ACL of its
 * own or is in a pool), so the nearest listed path decides, and from above only what propagates counts.
 */
function holds(permissions: Permissions, privilege: string, path: string): boolean {
  for (let at = path; ; at = parent(at)) {
    const here = permissions[at]
    if (here !== undefined) {
      const propagates = here[privilege]
      return propagates !== undefined && (at === path || isTrue(propagates))
    }
    if (at === '/') return false
  }
}

function parent(path: string): string {
  return path.slice(0, path.lastIndexOf('/')) || '/'
}

function isTrue(flag: number | string | boolean): boolean {
  return flag === true || Number(flag) === 1
}

/** Rights that a backup takes (vSphere Security, "Defined privileges"), asked for all guests in one call. */
import { readObject } from '../../vsphere-api/properties.ts'
import { VimFault } from '../../vsphere-api/vim-fault.ts'
import { type Argument, childOf, childrenOf, type Ref, refOf, textOf } from '../../vsphere-api/xml.ts'
import type { IntendedWork, MissingPrivilege } from '../intended-work.ts'
import { readMachine } from './guests.ts'
import type { SiteSession } from './site-session.ts'
import { shownPath } from './places.ts'

export const GUEST_RIGHTS = [
  'VirtualMachine.State.CreateSnapshot',
  'VirtualMachine.State.RemoveSnapshot',
  'VirtualMachine.Provisioning.GetVmFiles',
  'VirtualMachine.Provisioning.DiskRandomRead',
] as const
export const DATASTORE_RIGHTS = ['Datastore.Browse', 'Datastore.FileManagement'] as const
export const CLONE_RIGHTS = [
  'VirtualMachine.Provisioning.Clone',
  'VirtualMachine.Inventory.CreateFromExisting',
  'VirtualMachine.Inventory.Delete',
  'Resource.AssignVMToPool',
  'Datastore.AllocateSpace',
] as const

/** Guests that are asked for in one call. */
const A_CALL = 100

/** A guest that the account may not see is in no list: only the right at the top shows that none is missing. */
export async function mayHideGuests(session: SiteSession): Promise<boolean> {
  const root = (await session.vim.content()).ref('rootFolder')
  try {
    return (await refused(session, [root], ['System.Read'], () => '/')).length > 0
  } catch (error) {
    if (error instanceof VimFault && error.type === 'NoPermission') return true
    throw error
  }
}

export async function missingRights(
  session: SiteSession,
  { guestIds, everyGuest }: IntendedWork,
): Promise<MissingPrivilege[]> {
  const { vim, site } = session
  const places = await session.places()
  const machines = (await Promise.all(guestIds.map((id) => readMachine(vim, id)))).flatMap(
    (read) => read?.machine ?? [],
  )
  const paths = new Map(machines.map(({ ref, parent, name }) => [ref.id, `${shownPath(places, parent)}/${name}`]))
  const ofGuests = [...GUEST_RIGHTS, ...(site.mode === 'clone' ? [CLONE_RIGHTS[0]] : [])]
  const missing: MissingPrivilege[] = []
  if (everyGuest === true && (await mayHideGuests(session))) missing.push({ privilege: 'System.Read', path: '/' })
  for (let at = 0; at < machines.length; at += A_CALL) {
    const refs = machines.slice(at, at + A_CALL).map(({ ref }) => ref)
    missing.push(...(await refused(session, refs, ofGuests, (ref) => paths.get(ref.id) ?? ref.id)))
  }
  const stores = places.datastores.map(({ ref }) => ref)
  const names = new Map(places.datastores.map(({ ref, name }) => [ref.id, `datastore ${name}`]))
  const used =
    stores.length > 0 && machines.length > 0
      ? await datastoresOf(
          session,
          machines.map(({ ref }) => ref),
        )
      : new Set<string>()
  const asked = stores.filter(({ id }) => used.has(id))
  if (asked.length > 0)
    missing.push(...(await refused(session, asked, DATASTORE_RIGHTS, (ref) => names.get(ref.id) ?? ref.id)))
  return missing
}

async function datastoresOf({ vim }: SiteSession, machines: readonly Ref[]): Promise<Set<string>> {
  const used = new Set<string>()
  for (const ref of machines) {
    const properties = await readObject(vim, ref, ['datastore'])
    for (const store of childrenOf(properties.get('datastore'), 'ManagedObjectReference')) used.add(textOf(store))
  }
  return used
}

async function refused(
  { vim, site }: SiteSession,
  entities: readonly Ref[],
  rights: readonly string[],
  pathOf: (ref: Ref) => string,
): Promise<MissingPrivilege[]> {
  const content = await vim.content()
  const args: Argument[] = [...entities.map((ref): Argument => ['entities', ref]), ['userName', site.auth.username]]
  const answer = await vim.read({
    method: 'FetchUserPrivilegeOnEntities',
    on: content.ref('authorizationManager'),
    args,
  })
  return childrenOf(answer, 'returnval').flatMap((one) => {
    const entity = refOf(childOf(one, 'entity'))
    const granted = new Set(childrenOf(one, 'privileges').map(textOf))
    if (entity === undefined) return []
    return rights.filter((right) => !granted.has(right)).map((privilege) => ({ privilege, path: pathOf(entity) }))
  })
}

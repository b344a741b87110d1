/** Rights that a backup takes (vSphere Security, "Defined privileges"), asked for all guests in one call. */
import { VimFault } from '../../vsphere-api/vim-fault.ts'
import { type Argument, childOf, childrenOf, type Ref, refOf, textOf } from '../../vsphere-api/xml.ts'
import type { IntendedWork, MissingPrivilege } from '../intended-work.ts'
import { findMachines } from './guests.ts'
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

/** Rights of the account that brings guests back, by what they are needed on. */
export const RESTORE_RIGHTS = {
  datastore: [...DATASTORE_RIGHTS, 'Datastore.AllocateSpace'],
  folder: ['VirtualMachine.Inventory.Register'],
  pool: ['Resource.AssignVMToPool'],
} as const

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
  const machines = await findMachines(vim, guestIds)
  const used = new Set(machines.flatMap(({ datastores }) => datastores.map(({ id }) => id)))
  const stores = places.datastores.filter(({ ref }) => used.has(ref.id))
  const paths = new Map([
    ...machines.map(({ ref, parent, name }) => [ref.id, `${shownPath(places, parent)}/${name}`] as const),
    ...stores.map(({ ref, name }) => [ref.id, `datastore ${name}`] as const),
  ])
  const pathOf = (ref: Ref) => paths.get(ref.id) ?? ref.id
  const ofGuests = [...GUEST_RIGHTS, ...(site.mode === 'clone' ? [CLONE_RIGHTS[0]] : [])]
  const missing: MissingPrivilege[] = []
  if (everyGuest === true && (await mayHideGuests(session))) missing.push({ privilege: 'System.Read', path: '/' })
  for (const [objects, rights] of [
    [machines, ofGuests],
    [stores, DATASTORE_RIGHTS],
  ] as const) {
    for (let at = 0; at < objects.length; at += A_CALL) {
      const refs = objects.slice(at, at + A_CALL).map(({ ref }) => ref)
      missing.push(...(await refused(session, refs, rights, pathOf)))
    }
  }
  return missing
}

/** An object that the answer doesn't name counts as one on which nothing is granted. */
export async function refused(
  { vim, site }: SiteSession,
  entities: readonly Ref[],
  rights: readonly string[],
  pathOf: (ref: Ref) => string,
): Promise<MissingPrivilege[]> {
  const content = await vim.content()
  const args: Argument[] = [...entities.map((ref): Argument => ['entities', ref]), ['userName', site.auth.username]]
  const call = { method: 'FetchUserPrivilegeOnEntities', on: content.ref('authorizationManager'), args }
  const granted = new Map<string, Set<string>>()
  for (const one of childrenOf(await vim.read(call), 'returnval')) {
    granted.set(refOf(childOf(one, 'entity'))?.id ?? '', new Set(childrenOf(one, 'privileges').map(textOf)))
  }
  return entities.flatMap((entity) =>
    rights
      .filter((right) => granted.get(entity.id)?.has(right) !== true)
      .map((privilege) => ({ privilege, path: pathOf(entity) })),
  )
}

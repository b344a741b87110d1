/** Clones that we make of snapshots: off, with files of their own, in the staging folder. */
import { readObject } from '../../vsphere-api/properties.ts'
import { isGone } from '../../vsphere-api/vim-fault.ts'
import { childrenOf, type Ref, refOf, type Xml } from '../../vsphere-api/xml.ts'
import { isOurs, type Mark, markOf, nameOf } from './identifiers.ts'
import { LIST_PATHS, type Machine, machineOf } from './machine.ts'
import { findByPath } from './places.ts'
import type { SiteSession } from './site-session.ts'

export interface OwnClone {
  machine: Machine
  mark: Mark
  properties: ReadonlyMap<string, Xml>
}

/** What stands in the staging folder and bears this site's mark. @throws VimFault, facts of ours */
export async function ownClones(
  { vim, site, owner }: SiteSession,
  of: { token?: string } = {},
  morePaths: readonly string[] = [],
): Promise<OwnClone[]> {
  if (site.staging === undefined) return []
  const folder = await findByPath(vim, site.staging.folder)
  if (folder === undefined) return []
  const children = childrenOf(
    (await readObject(vim, folder, ['childEntity'])).get('childEntity'),
    'ManagedObjectReference',
  )
  const refs = children.map(refOf).filter((ref): ref is Ref => ref?.type === 'VirtualMachine')
  const clones: OwnClone[] = []
  for (const ref of refs) {
    const properties = await readObject(vim, ref, [...LIST_PATHS, ...morePaths]).catch((error: unknown) => {
      if (isGone(error)) return undefined
      throw error
    })
    const machine = properties === undefined ? undefined : machineOf({ ref, properties })
    const mark = machine === undefined ? undefined : markOf(machine.name, machine.annotation)
    if (machine === undefined || properties === undefined || mark === undefined || !isOurs(mark, owner)) continue
    if (of.token === undefined || machine.name === nameOf(of.token)) clones.push({ machine, mark, properties })
  }
  return clones
}

/**
 * Why a clone is not removed, for removing one deletes its disks; `undefined` where everything says that it is ours.
 * Name and note bear our mark already.
 */
export function clonesDoubt({ machine, mark }: OwnClone): string | undefined {
  if (machine.powerState !== 'poweredOff') return 'somebody started it'
  if (machine.snapshots.length > 0) return 'somebody made a snapshot of it'
  if (machine.template) return 'somebody made it a template'
  if (mark.frozen === undefined) return 'its note does not say what it was made of'
  if (machine.id === mark.guestId) return 'it is the guest itself'
  return undefined
}

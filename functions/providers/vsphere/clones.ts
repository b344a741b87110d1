/** Clones that we make of snapshots: off, with files of their own, in the staging folder. */
import { InvalidSite } from '../../contracts/errors.ts'
import { readObject } from '../../vsphere-api/properties.ts'
import { isGone } from '../../vsphere-api/vim-fault.ts'
import { type Argument, type Ref, refsIn, type Xml } from '../../vsphere-api/xml.ts'
import { describeMark, isOurs, type Mark, markOf, nameOf } from './identifiers.ts'
import { LIST_PATHS, type Machine, machineOf } from './machine.ts'
import { datastoreNamed, findByPath } from './places.ts'
import type { SiteSession } from './site-session.ts'

export interface OwnClone {
  machine: Machine
  mark: Mark
  properties: ReadonlyMap<string, Xml>
}

/** What `staging` names. A folder that isn't seen says nothing of the clones in it. @throws InvalidSite, facts of ours */
async function staged({ vim, siteName }: SiteSession, what: string, path: string): Promise<Ref> {
  const ref = await findByPath(vim, path)
  if (ref !== undefined) return ref
  throw new InvalidSite(
    `Site ${siteName}: \`staging\` names the ${what} ${path}, which is not there, or the account may not see it. Correct it, or make it.`,
  )
}

/**
 * What stands in the staging folder and bears this site's mark.
 * @throws InvalidSite where the folder is not to be seen, VimFault, facts of ours
 */
export async function ownClones(
  session: SiteSession,
  of: { token?: string } = {},
  morePaths: readonly string[] = [],
): Promise<OwnClone[]> {
  const { vim, site, owner } = session
  if (site.staging === undefined) return []
  const folder = await staged(session, 'folder', site.staging.folder)
  const children = refsIn((await readObject(vim, folder, ['childEntity'])).get('childEntity'))
  const refs = children.filter(({ type }) => type === 'VirtualMachine')
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

/** The call that makes a clone of a snapshot: off, with disks of its own, and with its mark from the beginning. */
export async function cloneOf(session: SiteSession, on: Ref, snapshot: Ref, mark: Mark) {
  const { siteName, site } = session
  const { staging } = site
  if (staging === undefined) throw new InvalidSite(`Site ${siteName}: mode clone needs \`staging\`.`)
  const folder = await staged(session, 'folder', staging.folder)
  const pool = await staged(session, 'resource pool', staging.resourcePool)
  const datastore = datastoreNamed(await session.places(), staging.datastore, folder)
  if (datastore === undefined) {
    throw new InvalidSite(
      `Site ${siteName}: \`staging\` names the datastore ${staging.datastore}, which is not in the datacenter of its folder.`,
    )
  }
  const location: Argument[] = [
    ['datastore', datastore.ref],
    ['diskMoveType', 'moveAllDiskBackingsAndDisallowSharing'],
    ['pool', pool],
  ]
  const spec: Argument[] = [
    ['location', location],
    ['template', false],
    ['config', [['annotation', describeMark(mark)]]],
    ['powerOn', false],
    ['snapshot', snapshot],
    ['memory', false],
  ]
  const args: Argument[] = [
    ['folder', folder],
    ['name', nameOf(mark.token)],
    ['spec', spec],
  ]
  return { method: 'CloneVM_Task', on, args }
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

/** Where a guest comes back: what the request names, else the site's own place for restores, else where it was. */
import type { RestoreFinding } from '../../contracts/restore.ts'
import type { Ref } from '../../vsphere-api/xml.ts'
import type { IntendedDisks } from '../capabilities/disk-restores.ts'
import { type ArchivedGuest, datastoreOf } from './archived-guest.ts'
import { type Datastore, datacenterAbove, datastoreNamed, findByPath } from './places.ts'
import type { SiteSession } from './site-session.ts'

export interface RestorePlace {
  name: string
  folder: Ref
  folderPath: string
  pool: Ref
  poolPath: string
  /** Absent where the archived one is gone: the cluster chooses. */
  host: Ref | undefined
  datastore: Datastore
  datacenter: Ref
}

/** `findings` only where something is missing, or another place is taken. */
export async function restorePlace(
  session: SiteSession,
  guest: ArchivedGuest,
  { target }: Pick<IntendedDisks, 'target'>,
): Promise<{ place?: RestorePlace; findings: RestoreFinding[] }> {
  const { vim, site, siteName } = session
  const own = site.restore
  const folderPath = target.guest.folder ?? own?.folder ?? `/${guest.folder}`
  const poolPath = target.guest.resourcePool ?? own?.resourcePool ?? `/${guest.resourcePool}`
  const datastoreName = target.guest.datastore ?? own?.datastore ?? datastoreOf(guest)
  const places = await session.places()
  const [folder, pool] = await Promise.all([findByPath(vim, folderPath), findByPath(vim, poolPath)])
  const findings: RestoreFinding[] = []
  const missing = (what: string, path: string, option: string) =>
    findings.push({
      name: 'place-unfit',
      level: 'refusal',
      message: `Site ${siteName} has no ${what} ${path}, or the account that restores may not see it. Name another with --${option}.`,
    })
  if (folder?.type !== 'Folder') missing('folder of guests', folderPath, 'folder')
  if (pool?.type !== 'ResourcePool') missing('resource pool', poolPath, 'resource-pool')
  const datastore = folder === undefined ? undefined : datastoreNamed(places, datastoreName, folder)
  const datacenter = datacenterAbove(places, folder)
  if (folder !== undefined && datastore === undefined)
    missing(`datastore in the datacenter of ${folderPath} called`, datastoreName, 'datastore')
  const host = [...places.byId.values()].find(({ ref, name }) => ref.type === 'HostSystem' && name === target.node)
  if (host === undefined) {
    const isAsked = target.node !== guest.host
    const message = isAsked
      ? `Site ${siteName} has no host ${target.node}. Name one that it has with --node.`
      : `The host ${target.node} is gone from site ${siteName}: the platform chooses another one of the pool.`
    findings.push({ name: 'node-unknown', level: isAsked ? 'refusal' : 'warning', message })
  }
  if (folder === undefined || pool === undefined || datastore === undefined || datacenter === undefined) {
    return { findings }
  }
  const name = target.name ?? (target.guest.unique ? `${guest.name}-restored` : guest.name)
  return {
    findings,
    place: { name, folder, folderPath, pool, poolPath, host: host?.ref, datastore, datacenter },
  }
}

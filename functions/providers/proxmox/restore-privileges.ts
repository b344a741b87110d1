/** What bringing a guest back takes, and whether an account's effective permissions cover it. */
import type { IntendedRestore } from '../capabilities/restores.ts'
import type { MissingPrivilege } from '../intended-work.ts'
import { holds, type Permissions, privilegesOnStorage } from './privileges.ts'
import type { NeededBridge, RestoreNeeds } from './restore-needs.ts'
import { isAtLeast } from './versions.ts'

/** Any one of these will do; the first is what is asked for where none is held. */
type Need = readonly [MissingPrivilege, ...MissingPrivilege[]]

/** What only root's own right to everything replaces. */
export const FOR_PRIVILEGED: MissingPrivilege = { privilege: 'Sys.Modify', path: '/' }

/** @param version the site's: rights on bridges are asked for since 8.0 */
export function missingForRestore(
  permissions: Permissions,
  intended: IntendedRestore,
  needs: RestoreNeeds | undefined,
  version: string,
): MissingPrivilege[] {
  const all = [
    ...onGuest(intended, needs),
    ...(intended.target.rehearsal !== undefined ? onRehearsal(intended, version) : []),
    ...onStorages(intended, needs),
    ...(needs?.privileged === true ? [[FOR_PRIVILEGED] as const] : []),
    ...(needs?.mappings ?? []).map((path): Need => [{ privilege: 'Mapping.Use', path }]),
  ]
  const missing = all
    .filter((need) => !need.some(({ privilege, path }) => holds(permissions, privilege, path)))
    .map(([first]) => first)
  const bridges = isAtLeast(version, 8, 0) ? (needs?.bridges ?? []) : []
  const unusable = bridges.filter((bridge) => !usesBridge(permissions, bridge))
  const ofBridges = unusable.map((bridge) => ({ privilege: 'SDN.Use', path: pathOf(bridge) }))
  return [...new Map([...missing, ...ofBridges].map((one) => [`${one.privilege} ${one.path}`, one])).values()]
}

/** A bridge of a zone of the software-defined network has that zone in its path; which one, only the rights show. */
export function usesBridge(permissions: Permissions, bridge: NeededBridge): boolean {
  if (holds(permissions, 'SDN.Use', pathOf(bridge))) return true
  return Object.keys(permissions).some(
    (path) =>
      path.startsWith('/sdn/zones/') && path.endsWith(`/${bridge.bridge}`) && holds(permissions, 'SDN.Use', path),
  )
}

function pathOf({ bridge, tag }: NeededBridge): string {
  return `/sdn/zones/localnetwork/${bridge}${tag === undefined ? '' : `/${tag}`}`
}

/** The rights on a pool reach a guest that is made in it. */
function needOnGuest(id: string, pool: string | undefined): (...privileges: [string, ...string[]]) => Need {
  const paths = [`/vms/${id}`, ...(pool === undefined ? [] : [`/pool/${pool}`])]
  return (first, ...others) => [
    { privilege: first, path: `/vms/${id}` },
    ...[first, ...others].flatMap((privilege) => paths.map((path) => ({ privilege, path }))),
  ]
}

/** Unplugging, starting and stopping it, and asking its agent. Rights on agents have names of their own since 9.0. */
function onRehearsal({ target: { id, pool, rehearsal }, archive }: IntendedRestore, version: string): Need[] {
  const need = needOnGuest(id, pool)
  const all = 'VM.GuestAgent.Unrestricted'
  const ofAgents = rehearsal?.runsCommands === true ? need(all) : need('VM.GuestAgent.Audit', all)
  const agent = isAtLeast(version, 9, 0) ? ofAgents : need('VM.Monitor')
  return [need('VM.Config.Network'), need('VM.PowerMgmt'), ...(archive.guest.kind === 'vm' ? [agent] : [])]
}

function onGuest({ target, archive }: IntendedRestore, needs: RestoreNeeds | undefined): Need[] {
  const { id, pool, replace = false, bridges = {}, name, start = false, template = false } = target
  const path = `/vms/${id}`
  const need = needOnGuest(id, pool)
  const renamesContainer = name !== undefined && archive.guest.kind === 'container'
  const givesNetwork = renamesContainer || (needs !== undefined && Object.keys(bridges).length > 0)
  return [
    replace
      ? [
          { privilege: 'VM.Allocate', path },
          { privilege: 'VM.Backup', path },
        ]
      : need('VM.Allocate'),
    need('VM.Audit'),
    // For the note that says where it came from, and a VM's name.
    need('VM.Config.Options'),
    ...(givesNetwork ? [need('VM.Config.Network')] : []),
    ...(start ? [need('VM.PowerMgmt')] : []),
    // Replacing a guest takes less.
    ...(template ? [need('VM.Allocate')] : []),
  ]
}

function onStorages({ archive, target, deliveryStorage }: IntendedRestore, needs: RestoreNeeds | undefined): Need[] {
  const storages = new Set([...(needs?.disks ?? []).map(({ storage }) => storage), ...[target.storage ?? []].flat()])
  const delivery = `/storage/${deliveryStorage}`
  const allocate = { privilege: 'Datastore.Allocate', path: delivery }
  return [
    ...[...storages].flatMap((storage) =>
      privilegesOnStorage.map((privilege): Need => [{ privilege, path: `/storage/${storage}` }]),
    ),
    // Reading an archive takes the right to its storage, or to space there and to its guest's backups.
    [{ privilege: 'Datastore.AllocateSpace', path: delivery }, allocate],
    [{ privilege: 'VM.Backup', path: `/vms/${archive.guest.id}` }, allocate],
    [{ privilege: 'Datastore.Audit', path: delivery }, allocate],
  ]
}

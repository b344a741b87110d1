/** What bringing a guest back takes, and whether an account's effective permissions cover it. */
import type { IntendedRestore } from '../capabilities/restores.ts'
import type { MissingPrivilege } from '../intended-work.ts'
import { holds, type Permissions, privilegesOnStorage } from './privileges.ts'
import type { NeededBridge, RestoreNeeds } from './restore-needs.ts'
import { importedParts } from './import-findings.ts'
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
    ...forImport(intended),
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

/** Unplugging, starting and stopping it, and asking its agent. Rights on agents have names of their own since 9.0. */
function onRehearsal({ target, archive }: IntendedRestore, version: string): Need[] {
  const need = (privilege: string): Need => onNewGuest(privilege, target)
  const all = need('VM.GuestAgent.Unrestricted')
  const ofAgents: Need = target.rehearsal?.runsCommands === true ? all : [...need('VM.GuestAgent.Audit'), ...all]
  const agent = isAtLeast(version, 9, 0) ? ofAgents : need('VM.Monitor')
  return [need('VM.Config.Network'), need('VM.PowerMgmt'), ...(archive.guest.kind === 'vm' ? [agent] : [])]
}

function onGuest({ target, archive }: IntendedRestore, needs: RestoreNeeds | undefined): Need[] {
  const { id, replace = false, bridges = {}, name, start = false, template = false } = target
  const path = `/vms/${id}`
  const need = (privilege: string): Need => onNewGuest(privilege, target)
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

/** What an archive's file brings by itself takes the right to write it when the configuration is given. */
function forImport({ imports, archive, target, deliveryStorage }: IntendedRestore): Need[] {
  if (imports === undefined) return []
  const { drives, cloudInit } = importedParts(archive.configuration ?? '')
  const areas = ['Disk', 'CPU', 'Memory', 'Network', 'HWType']
  const all = [...areas, ...(drives ? ['CDROM'] : []), ...(cloudInit ? ['Cloudinit'] : [])]
  const storage = `/storage/${deliveryStorage}`
  return [
    ...all.map((area) => onNewGuest(`VM.Config.${area}`, target)),
    [{ privilege: 'Datastore.AllocateTemplate', path: storage }],
    // Without it nothing that was fetched could be removed again.
    [{ privilege: 'Datastore.Allocate', path: storage }],
    // Fetching lets an account look around in the node's network. Before there was a right for it, Sys.Modify was asked for.
    [
      { privilege: 'Sys.AccessNetwork', path: `/nodes/${target.node}` },
      { privilege: 'Sys.Modify', path: '/' },
    ],
  ]
}

/** The rights on a pool reach a guest that is made in it. */
function onNewGuest(privilege: string, { id, pool }: IntendedRestore['target']): Need {
  const onId = { privilege, path: `/vms/${id}` }
  return pool === undefined ? [onId] : [onId, { privilege, path: `/pool/${pool}` }]
}

function onStorages(
  { archive, target, deliveryStorage, imports }: IntendedRestore,
  needs: RestoreNeeds | undefined,
): Need[] {
  const storages = new Set([...(needs?.disks ?? []).map(({ storage }) => storage), ...[target.storage ?? []].flat()])
  const delivery = `/storage/${deliveryStorage}`
  const allocate = { privilege: 'Datastore.Allocate', path: delivery }
  return [
    ...[...storages].flatMap((storage) =>
      privilegesOnStorage.map((privilege): Need => [{ privilege, path: `/storage/${storage}` }]),
    ),
    // Reading an archive takes the right to its storage, or to space there and to its guest's backups.
    [{ privilege: 'Datastore.AllocateSpace', path: delivery }, allocate],
    ...(imports === undefined
      ? [[{ privilege: 'VM.Backup', path: `/vms/${archive.guest.id}` }, allocate] as const]
      : []),
    [{ privilege: 'Datastore.Audit', path: delivery }, allocate],
  ]
}

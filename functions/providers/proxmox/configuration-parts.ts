/**
 * What the API of Proxmox VE says of a site beside its guests, and what an account needs to be shown all of it. Paths and
 * rights: api-viewer of 9.2 and the modules behind it. Guests' own configuration and firewall are in their archives.
 */
import type { MissingPrivilege } from '../intended-work.ts'
import { isAtLeast } from './versions.ts'

export interface ConfigurationSource {
  part: string
  what: string
  /** Below `/api2/json`. `{node}`: asked for each node. `{entry}`: asked for each entry of the part named by `of`. */
  path: string
  /** The field that names a row. Without one the answer is a single entry of the name `all`. */
  name?: string
  /** For `{entry}` in the path. */
  of?: string
  needs: readonly MissingPrivilege[]
  /** Fields that change by themselves, or say where the answer came from. */
  passing?: readonly string[]
  /** The first version that has it, and the first that has it no more. */
  since?: readonly [major: number, minor: number]
  until?: readonly [major: number, minor: number]
}

const AUDIT = [{ privilege: 'Sys.Audit', path: '/' }] as const
const ACCESS = [{ privilege: 'Sys.Audit', path: '/access' }] as const
const NODES = [{ privilege: 'Sys.Audit', path: '/nodes' }] as const
const GUESTS = [{ privilege: 'VM.Audit', path: '/vms' }] as const
const NETWORKS = [{ privilege: 'SDN.Audit', path: '/sdn' }] as const
const MAPPINGS = [{ privilege: 'Mapping.Audit', path: '/mapping' }] as const
/** The rights of a list are those of its owner: reading them all takes the right to change them. */
const RIGHTS = [{ privilege: 'Permissions.Modify', path: '/' }] as const

const sources: readonly ConfigurationSource[] = [
  { part: 'options', what: 'Options of the datacenter', path: '/cluster/options', needs: AUDIT },
  {
    part: 'storages',
    what: 'Storages',
    path: '/storage',
    name: 'storage',
    needs: [{ privilege: 'Datastore.Audit', path: '/storage' }],
  },
  {
    part: 'backup-jobs',
    what: 'Backup jobs',
    path: '/cluster/backup',
    name: 'id',
    needs: AUDIT,
    passing: ['next-run'],
  },
  { part: 'replication', what: 'Replication jobs', path: '/cluster/replication', name: 'id', needs: GUESTS },
  {
    part: 'pools',
    what: 'Pools',
    path: '/pools',
    name: 'poolid',
    needs: [{ privilege: 'Pool.Audit', path: '/pool' }],
  },
  { part: 'users', what: 'Users', path: '/access/users?full=1', name: 'userid', needs: ACCESS },
  { part: 'groups', what: 'Groups', path: '/access/groups', name: 'groupid', needs: ACCESS },
  { part: 'roles', what: 'Roles', path: '/access/roles', name: 'roleid', needs: [] },
  { part: 'rights', what: 'Access control list', path: '/access/acl', needs: RIGHTS },
  {
    part: 'realms',
    what: 'Realms',
    path: '/access/domains/{entry}',
    of: '/access/domains',
    name: 'realm',
    needs: ACCESS,
  },
  { part: 'ha-resources', what: 'HA resources', path: '/cluster/ha/resources', name: 'sid', needs: AUDIT },
  { part: 'ha-rules', what: 'HA rules', path: '/cluster/ha/rules', name: 'rule', needs: AUDIT, since: [9, 0] },
  { part: 'ha-groups', what: 'HA groups', path: '/cluster/ha/groups', name: 'group', needs: AUDIT, until: [9, 0] },
  {
    part: 'firewall-options',
    what: 'Options of the firewall',
    path: '/cluster/firewall/options',
    needs: AUDIT,
  },
  { part: 'firewall-rules', what: 'Rules of the firewall', path: '/cluster/firewall/rules', needs: AUDIT },
  {
    part: 'firewall-groups',
    what: 'Security groups',
    path: '/cluster/firewall/groups/{entry}',
    of: '/cluster/firewall/groups',
    name: 'group',
    needs: AUDIT,
  },
  { part: 'firewall-aliases', what: 'Aliases', path: '/cluster/firewall/aliases', name: 'name', needs: AUDIT },
  {
    part: 'firewall-sets',
    what: 'IP sets',
    path: '/cluster/firewall/ipset/{entry}',
    of: '/cluster/firewall/ipset',
    name: 'name',
    needs: AUDIT,
  },
  { part: 'sdn-zones', what: 'SDN zones', path: '/cluster/sdn/zones', name: 'zone', needs: NETWORKS, since: [8, 1] },
  { part: 'sdn-vnets', what: 'SDN networks', path: '/cluster/sdn/vnets', name: 'vnet', needs: NETWORKS, since: [8, 1] },
  {
    part: 'sdn-controllers',
    what: 'SDN controllers',
    path: '/cluster/sdn/controllers',
    name: 'controller',
    needs: NETWORKS,
    since: [8, 1],
  },
  {
    part: 'notifications',
    what: 'Targets of notifications',
    path: '/cluster/notifications/endpoints',
    name: 'name',
    needs: [{ privilege: 'Mapping.Audit', path: '/mapping/notifications' }],
    since: [8, 1],
  },
  { part: 'metric-servers', what: 'Metric servers', path: '/cluster/metrics/server', name: 'id', needs: AUDIT },
  {
    part: 'pci-mappings',
    what: 'Mapped PCI devices',
    path: '/cluster/mapping/pci',
    name: 'id',
    needs: MAPPINGS,
    since: [8, 0],
  },
  {
    part: 'usb-mappings',
    what: 'Mapped USB devices',
    path: '/cluster/mapping/usb',
    name: 'id',
    needs: MAPPINGS,
    since: [8, 0],
  },
  {
    part: 'networks',
    what: 'Network interfaces of the nodes',
    path: '/nodes/{node}/network',
    name: 'iface',
    needs: NODES,
    passing: ['active', 'exists', 'priority'],
  },
  { part: 'name-servers', what: 'DNS of the nodes', path: '/nodes/{node}/dns', needs: NODES },
  { part: 'hosts', what: 'Hosts files of the nodes', path: '/nodes/{node}/hosts', needs: NODES },
  {
    part: 'guests',
    what: "Each guest's node, pool and HA state",
    path: '/cluster/resources?type=vm',
    name: 'id',
    needs: GUESTS,
    // What a guest uses right now, and whether it runs.
    passing: [
      'cpu',
      'disk',
      'diskread',
      'diskwrite',
      'lock',
      'mem',
      'memhost',
      'netin',
      'netout',
      'status',
      'uptime',
      'pressurecpufull',
      'pressurecpusome',
      'pressureiofull',
      'pressureiosome',
      'pressurememoryfull',
      'pressurememorysome',
    ],
  },
]

/** What a site of this version has. */
export function configurationSources(version: string): readonly ConfigurationSource[] {
  return sources.filter(
    ({ since, until }) =>
      (since === undefined || isAtLeast(version, ...since)) && (until === undefined || !isAtLeast(version, ...until)),
  )
}

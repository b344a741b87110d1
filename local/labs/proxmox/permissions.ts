/** Privileges, roles and access control lists of Proxmox VE 9 (pve-access-control 9.1, RPCEnvironment.pm). */
import { permissionError } from './api-error.ts'
import type { SiteData } from './world.ts'

const VM = [
  'Allocate',
  'Audit',
  'Backup',
  'Clone',
  'Config.CDROM',
  'Config.CPU',
  'Config.Cloudinit',
  'Config.Disk',
  'Config.HWType',
  'Config.Memory',
  'Config.Network',
  'Config.Options',
  'Console',
  'GuestAgent.Audit',
  'GuestAgent.FileRead',
  'GuestAgent.FileSystemMgmt',
  'GuestAgent.FileWrite',
  'GuestAgent.Unrestricted',
  'Migrate',
  'PowerMgmt',
  'Replicate',
  'Snapshot',
  'Snapshot.Rollback',
].map((name) => `VM.${name}`)
const DATASTORE = ['Allocate', 'AllocateSpace', 'AllocateTemplate', 'Audit'].map((name) => `Datastore.${name}`)
const SYS = ['AccessNetwork', 'Audit', 'Console', 'Incoming', 'Modify', 'PowerMgmt', 'Syslog'].map(
  (name) => `Sys.${name}`,
)
const OTHER = [
  'Pool.Allocate',
  'Pool.Audit',
  'SDN.Allocate',
  'SDN.Audit',
  'SDN.Use',
  'Mapping.Audit',
  'Mapping.Modify',
  'Mapping.Use',
  'Permissions.Modify',
  'User.Modify',
  'Group.Allocate',
  'Realm.Allocate',
  'Realm.AllocateUser',
]
export const PRIVILEGES: readonly string[] = [...VM, ...DATASTORE, ...SYS, ...OTHER]

const BUILT_IN_ROLES: Record<string, readonly string[]> = {
  Administrator: PRIVILEGES,
  NoAccess: [],
  PVEAdmin: PRIVILEGES.filter(
    (name) =>
      ![
        'Permissions.Modify',
        'Sys.PowerMgmt',
        'Realm.Allocate',
        'Sys.Modify',
        'Sys.AccessNetwork',
        'Sys.Incoming',
      ].includes(name),
  ),
  PVEAuditor: [
    'VM.Audit',
    'VM.GuestAgent.Audit',
    'Sys.Audit',
    'Datastore.Audit',
    'SDN.Audit',
    'Mapping.Audit',
    'Pool.Audit',
  ],
  PVEVMAdmin: VM,
  PVEVMUser: [
    'VM.Audit',
    'VM.Backup',
    'VM.Config.CDROM',
    'VM.Config.Cloudinit',
    'VM.Console',
    'VM.PowerMgmt',
    'VM.GuestAgent.Audit',
    'VM.GuestAgent.FileRead',
    'VM.GuestAgent.FileSystemMgmt',
  ],
  PVEDatastoreAdmin: DATASTORE,
  PVEDatastoreUser: ['Datastore.AllocateSpace', 'Datastore.Audit'],
  PVEPoolUser: ['Pool.Audit'],
  PVEPoolAdmin: ['Pool.Allocate', 'Pool.Audit'],
  PVESysAdmin: ['Sys.Audit', 'Sys.Console', 'Sys.Syslog'],
}

/** A caller: `root@pam`, `backup@pve` or `backup@pve!token`. */
export type AuthId = string

/** Privilege to whether it also holds below the path. */
export type Grants = Map<string, boolean>

export const userOf = (who: AuthId): string => who.split('!')[0] ?? who

function levels(path: string): string[] {
  const parts = path.split('/').filter((part) => part !== '')
  return ['/', ...parts.map((_part, index) => `/${parts.slice(0, index + 1).join('/')}`)]
}

function grantsOfRole(site: SiteData, role: string): readonly string[] {
  return BUILT_IN_ROLES[role] ?? site.roles[role] ?? []
}

/** Roles from lists alone: those at the deepest path that has any replace all from above. */
function listed(site: SiteData, who: AuthId, path: string): Grants {
  const all = levels(path)
  let roles = new Map<string, boolean>()
  for (const level of all) {
    const here = site.acl.filter((entry) => entry.who === who && entry.path === level)
    const valid = here.filter((entry) => level === all.at(-1) || entry.propagate)
    if (valid.length > 0) roles = new Map(valid.map((entry) => [entry.role, entry.propagate]))
  }
  const grants: Grants = new Map()
  if (roles.has('NoAccess')) return grants
  for (const [role, propagate] of roles) {
    for (const privilege of grantsOfRole(site, role)) grants.set(privilege, propagate || grants.get(privilege) === true)
  }
  return grants
}

/** Membership in a pool lends the pool's rights to its guests and storages. */
function poolPaths(site: SiteData, path: string): string[] {
  const vmid = /^\/vms\/(\d+)$/.exec(path)?.[1]
  const storage = /^\/storage\/([^/]+)$/.exec(path)?.[1]
  return site.pools
    .filter(
      (pool) =>
        (vmid !== undefined && pool.vmids.includes(Number(vmid))) ||
        (storage !== undefined && pool.storages.includes(storage)),
    )
    .map((pool) => `/pool/${pool.id}`)
}

/** Everything this caller may do at this path. A token with separated privileges never has more than its owner. */
export function grantsAt(site: SiteData, who: AuthId, path: string): Grants {
  if (who === 'root@pam') return new Map(PRIVILEGES.map((name) => [name, true]))
  const vmid = /^\/vms\/(\d+)$/.exec(path)?.[1]
  if (vmid !== undefined && site.hidden?.includes(Number(vmid)) === true) return new Map()
  const owner = userOf(who)
  if (who !== owner) {
    const token = site.users.find((user) => user.userid === owner)?.tokens.find((each) => `${owner}!${each.id}` === who)
    const owned = grantsAt(site, owner, path)
    if (token?.privilegesSeparated !== true) return owned
    return new Map([...ownGrants(site, who, path)].filter(([name]) => owned.has(name)))
  }
  return ownGrants(site, who, path)
}

function ownGrants(site: SiteData, who: AuthId, path: string): Grants {
  const grants = listed(site, who, path)
  for (const pool of poolPaths(site, path)) {
    for (const [name, propagate] of listed(site, who, pool)) grants.set(name, propagate || grants.get(name) === true)
  }
  return grants
}

export function may(site: SiteData, who: AuthId, path: string, ...anyOf: string[]): boolean {
  const grants = grantsAt(site, who, path)
  return anyOf.some((name) => grants.has(name))
}

/** @throws ApiError 403 naming the path and the privileges, any one of which would do */
export function require(site: SiteData, who: AuthId, path: string, ...anyOf: string[]): void {
  if (!may(site, who, path, ...anyOf)) throw permissionError(`${path}, ${anyOf.join('|')}`)
}

const CAPABILITY_GROUPS: Record<string, RegExp> = {
  vms: /^VM\.|^Permissions\.Modify/,
  access: /^(User|Group)\.|^Permissions\.Modify/,
  storage: /^Datastore\.|^Permissions\.Modify/,
  nodes: /^Sys\.|^Permissions\.Modify/,
  sdn: /^SDN\.|^Permissions\.Modify/,
  dc: /^Sys\.Audit|^Sys\.Modify|^SDN\./,
  mapping: /^Mapping\.|^Permissions\.Modify/,
}
const CAPABILITY_PATHS = ['/', '/nodes', '/access/groups', '/vms', '/storage', '/sdn', '/mapping']

/** The `cap` of a login: which menus a browser shows. */
export function capabilities(site: SiteData, who: AuthId): Record<string, Record<string, 1>> {
  const result: Record<string, Record<string, 1>> = Object.fromEntries(
    Object.keys(CAPABILITY_GROUPS).map((group) => [group, {}]),
  )
  for (const path of new Set([...CAPABILITY_PATHS, ...site.acl.map((entry) => entry.path)])) {
    const top = path === '/' ? 'dc' : (path.split('/')[1] ?? 'dc')
    for (const group of top === 'pool' ? ['vms', 'storage'] : [top]) {
      for (const name of grantsAt(site, who, path).keys()) {
        const target = result[group]
        if (target !== undefined && CAPABILITY_GROUPS[group]?.test(name) === true) target[name] = 1
      }
    }
  }
  return result
}

/** GET /access/permissions: each path where something is granted, privilege to propagation. */
export function permissionTree(site: SiteData, who: AuthId, only?: string): Record<string, Record<string, 0 | 1>> {
  const paths =
    only === undefined
      ? new Set([
          '/',
          '/access',
          '/access/groups',
          '/access/realm',
          '/mapping',
          '/nodes',
          '/pool',
          '/sdn',
          '/storage',
          '/vms',
          ...site.acl.map((entry) => entry.path),
          ...site.nodes.filter((node) => node.member).map((node) => `/nodes/${node.name}`),
          ...site.guests.map((guest) => `/vms/${guest.vmid}`),
          ...site.storages.map((storage) => `/storage/${storage.id}`),
          ...site.pools.map((pool) => `/pool/${pool.id}`),
        ])
      : [only]
  const tree: Record<string, Record<string, 0 | 1>> = {}
  for (const path of paths) {
    const grants = grantsAt(site, who, path)
    if (grants.size > 0 || only !== undefined) {
      tree[path] = Object.fromEntries([...grants].map(([name, propagate]) => [name, propagate ? 1 : 0] as const))
    }
  }
  return tree
}

/**
 * How the site is set up, as far as nothing else of the lab needs it: rows that a test or a person puts there, behind the
 * rights that Proxmox VE asks for. From its API viewer (9.2), never compared with a real one.
 */
import { permissionError } from '../api-error.ts'
import { may } from '../permissions.ts'
import type { Call, Endpoint } from '../rest.ts'

type Right = readonly [path: string, privilege: string]

const AUDIT: Right = ['/', 'Sys.Audit']
const NETWORKS: Right = ['/sdn', 'SDN.Audit']
const MAPPINGS: Right = ['/mapping', 'Mapping.Audit']

/** Lists that are refused without the right, and those of which such an account sees nothing, by their paths. */
const refused: Readonly<Record<string, Right>> = {
  '/cluster/ha/rules': AUDIT,
  '/cluster/firewall/options': AUDIT,
  '/cluster/firewall/rules': AUDIT,
  '/cluster/firewall/groups': AUDIT,
  '/cluster/firewall/aliases': AUDIT,
  '/cluster/firewall/ipset': AUDIT,
  '/cluster/metrics/server': AUDIT,
}
const filtered: Readonly<Record<string, Right>> = {
  '/cluster/options': AUDIT,
  '/access/groups': ['/access/groups', 'Sys.Audit'],
  '/access/roles': ['/', ''],
  '/access/acl': ['/', 'Permissions.Modify'],
  '/cluster/sdn/zones': NETWORKS,
  '/cluster/sdn/vnets': NETWORKS,
  '/cluster/sdn/controllers': NETWORKS,
  '/cluster/notifications/endpoints': ['/mapping/notifications', 'Mapping.Audit'],
  '/cluster/mapping/pci': MAPPINGS,
  '/cluster/mapping/usb': MAPPINGS,
}

const rows = ({ world }: Call, path: string): unknown => world.site.configuration?.[path] ?? []

function holds({ world, caller }: Call, [path, privilege]: Right): boolean {
  return privilege === '' || may(world.site, caller.who, path, privilege)
}

/** One entry of a list, whose rows lie at the list's path and the entry's name. */
function entryOf(list: string, name: string, right: Right): Endpoint {
  const text = { type: 'string' } as const
  return {
    method: 'GET',
    path: `${list}/{${name}}`,
    parameters: { [name]: text },
    run: (call) => {
      if (!holds(call, right)) throw permissionError(`${right[0]}, ${right[1]}`)
      return rows(call, `${list}/${call.values[name] ?? ''}`)
    },
  }
}

function ofNode(what: string, without: unknown): Endpoint {
  return {
    method: 'GET',
    path: `/nodes/{node}/${what}`,
    permission: ['/nodes/{node}', 'Sys.Audit'],
    run: ({ world, node }) => world.site.configuration?.[`/nodes/${node}/${what}`] ?? without,
  }
}

export const configurationEndpoints: Endpoint[] = [
  ...Object.entries(refused).map(
    ([path, right]): Endpoint => ({ method: 'GET', path, permission: right, run: (call) => rows(call, path) }),
  ),
  ...Object.entries(filtered).map(
    ([path, right]): Endpoint => ({
      method: 'GET',
      path,
      run: (call) => (holds(call, right) ? rows(call, path) : []),
    }),
  ),
  entryOf('/access/domains', 'realm', ['/access', 'Sys.Audit']),
  entryOf('/cluster/firewall/groups', 'group', AUDIT),
  entryOf('/cluster/firewall/ipset', 'name', AUDIT),
  ofNode('dns', { search: 'example.com', dns1: '192.0.2.53' }),
  ofNode('hosts', { data: '127.0.0.1 localhost\n' }),
]

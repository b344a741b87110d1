/** A node's bridges, as far as the caller may use or see them. */
import { may } from '../permissions.ts'
import type { Call, Endpoint } from '../rest.ts'
import { findNode } from '../world.ts'

const TYPES = ['bridge', 'any_bridge', 'any_local_bridge', 'include_sdn']

function list({ world, caller, node, values }: Call): unknown {
  if (values['type'] !== undefined && !TYPES.includes(values['type'])) return []
  return (findNode(world, node)?.bridges ?? ['vmbr0'])
    .filter((bridge) => may(world.site, caller.who, `/sdn/zones/localnetwork/${bridge}`, 'SDN.Audit', 'SDN.Use'))
    .map((iface, index) => ({ iface, type: 'bridge', active: 1, autostart: 1, method: 'manual', priority: 3 + index }))
}

export const networkEndpoints: Endpoint[] = [
  { method: 'GET', path: '/nodes/{node}/network', parameters: { type: { type: 'string' } }, run: list },
]

/** The guest that a restore made: its configuration, its interfaces, its agent. */
import { GuestNotFound, PlatformTaskFailed } from '../../contracts/errors.ts'
import type { Guest } from '../../contracts/nouns.ts'
import { identityOf } from '../../domain/identity/embedded-identity.ts'
import { isOn, readOptions } from './property-parts.ts'
import type { Restores } from '../capabilities/restores.ts'
import type { Provider } from '../provider.ts'
import { apiPath } from './api-path.ts'
import type { ApiClient } from './client.ts'
import { AgentSilent, AlreadySo, where } from './errors.ts'
import { disksOf } from './guest-disks.ts'
import { readConfiguration } from './guest-identities.ts'
import type { GuestConfig } from './guest-schemas.ts'
import { parseVolid } from './identifiers.ts'

export function openRestoredGuest(
  client: ApiClient,
  siteName: string,
  findGuests: Provider['findGuests'],
): Pick<Restores, 'describeMade' | 'disconnect' | 'agentAnswers'> {
  return {
    async describeMade({ id, node, kind }) {
      const found = (await findGuests([id])).find((one) => one.node === node && one.kind === kind)
      if (found === undefined) {
        throw new GuestNotFound(
          `Site ${siteName}, node ${node}: there is no ${kind} ${id}, or the account isn't shown it. Look at the restore's log.`,
        )
      }
      const { lock: _lock, nodeOffline: _offline, ...guest } = found
      const configuration = await readConfiguration(client, guest)
      const identity = identityOf(kind, configuration)
      const disks = disksOf(kind, configuration)
      return {
        guest,
        ...(identity === undefined ? {} : { identity }),
        configuration,
        disks,
        storages: [...new Set(disks.flatMap(({ volume }) => parseVolid(volume)?.storage ?? []))],
      }
    },

    async disconnect(guest) {
      const about = client.about('unplug the network of the guest', { node: guest.node, guest: guest.id })
      const before = await readConfiguration(client, guest)
      const plugged = pluggedIn(before)
      if (plugged.length === 0) return
      const form = Object.fromEntries(plugged.map(([key, value]) => [key, unplugged(value)]))
      const digest = before['digest']
      // Whether or not the order arrived, what is there afterwards tells.
      await client.write('PUT', configPath(guest), about, digest === undefined ? form : { ...form, digest })
      const still = pluggedIn(await readConfiguration(client, guest)).map(([key]) => key)
      if (still.length === 0) return
      throw new PlatformTaskFailed(
        `${where(about)}: ${still.join(', ')} of the guest are still plugged in. Don't start it.`,
      )
    },

    async agentAnswers(guest) {
      if (guest.kind !== 'vm') return undefined
      const config = await readConfiguration(client, guest)
      if (!isOn(readOptions(config['agent'] ?? '0', 'enabled').get('enabled') ?? '0')) return undefined
      const about = client.about("ask for the guest's agent", { node: guest.node, guest: guest.id })
      try {
        const path = apiPath`/nodes/${guest.node}/qemu/${guest.id}/agent/ping`
        const written = await client.write('POST', path, about)
        if (written.answered) return true
        throw written.error
      } catch (error) {
        if (error instanceof AgentSilent || error instanceof AlreadySo) return false
        throw error
      }
    },
  }
}

function configPath({ kind, node, id }: Guest): string {
  return kind === 'vm' ? apiPath`/nodes/${node}/qemu/${id}/config` : apiPath`/nodes/${node}/lxc/${id}/config`
}

/** Interfaces that aren't known to be unplugged. */
function pluggedIn(config: GuestConfig): [string, string][] {
  return Object.entries(config).filter(
    ([key, value]) => /^net\d+$/.test(key) && !isOn(readOptions(value, 'model').get('link_down') ?? '0'),
  )
}

function unplugged(value: string): string {
  const parts = value.split(',').filter((part) => !part.startsWith('link_down='))
  return [...parts, 'link_down=1'].join(',')
}

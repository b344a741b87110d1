import { RequestRejected } from '../../contracts/errors.ts'
import type { Provider } from '../provider.ts'

/** What platforms may offer besides the core. */
export type Capability = 'storages' | 'locks' | 'power' | 'archivesOnPlatform' | 'tasks' | 'restores'

const wants: Record<Capability, string> = {
  storages: 'has storages that backups land on',
  locks: 'locks guests',
  power: 'starts and stops guests for Guestlift',
  archivesOnPlatform: 'keeps backups itself',
  tasks: 'keeps a list of its jobs',
  restores: 'brings guests back for Guestlift',
}

/** A capability that a person's request can't do without. @throws RequestRejected when the platform has none of it */
export function offered<Name extends Capability>(provider: Provider, name: Name): NonNullable<Provider[Name]> {
  const capability = provider[name]
  if (capability === undefined) {
    throw new RequestRejected(
      `Nothing was done: no site of platform ${provider.platform} ${wants[name]}. "guestlift platforms" shows what each platform can do.`,
    )
  }
  return capability
}

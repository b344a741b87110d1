import { InvalidSite } from '../../contracts/errors.ts'
import { siteEnv } from '../../contracts/task-env.ts'
import { validationMessage } from '../../domain/words/validation-message.ts'
import { sessionKey } from '../../domain/books/object-keys.ts'
import type { Ports } from '../../operations/ports.ts'
import type { Provider } from '../../providers/provider.ts'
import type { SharedText } from '../../providers/provider-deps.ts'
import { openProvider, siteSchema, traitsOf, writtenJobs } from '#platforms'
import type { Invocation } from '../define-handler.ts'
import { readEnv } from '../env.ts'
import { withBase } from './base.ts'
import { readRestoreSiteConfig, readSiteConfig } from './secrets.ts'
import { withStore } from './store.ts'

type ProviderPorts = Pick<Ports, 'provider' | 'traitsOf' | 'defaultSite' | 'writtenJobs'>

export function withProvider(invocation: Invocation): ProviderPorts {
  return providersOf(invocation, { read: readSiteConfig, sessionName: (site) => site })
}

/** The same with the account that restores. Two accounts don't share a login. */
export function withRestorer(invocation: Invocation): ProviderPorts {
  return providersOf(invocation, { read: readRestoreSiteConfig, sessionName: (site) => `${site}/restore` })
}

interface Account {
  read(site: string): Promise<unknown>
  sessionName(site: string): string
}

/** Providers live for one call. Only the ticket of an account with a second factor outlives it, sealed: a code works once. */
function providersOf(invocation: Invocation, account: Account): ProviderPorts {
  const opened = new Map<string, Promise<Provider>>()
  const provider = (site: string): Promise<Provider> => {
    const found = opened.get(site) ?? open(site)
    opened.set(site, found)
    return found
  }
  const { store, keyPrefix } = withStore(invocation)
  const sessionOf = (site: string): SharedText => {
    const key = sessionKey(keyPrefix, account.sessionName(site))
    return {
      read: () => store.readText(key),
      write: (text, onlyIf) => store.writeText(key, text, { contentType: 'application/json', onlyIf }),
    }
  }
  const open = async (site: string): Promise<Provider> => {
    const parsed = siteSchema.safeParse(await account.read(site))
    if (!parsed.success) {
      throw new InvalidSite(`The configuration of site ${site} is malformed: ${validationMessage(parsed.error)}.`)
    }
    const itsProvider = await openProvider(site, parsed.data, {
      ...withBase(invocation),
      session: sessionOf(site),
      home: `${store.bucket}/${keyPrefix}`,
    })
    invocation.onEnd(() => itsProvider.close())
    return itsProvider
  }
  return { provider, traitsOf, defaultSite: readEnv(siteEnv).DEFAULT_SITE, writtenJobs }
}

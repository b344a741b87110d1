import { setTimeout as delay } from 'node:timers/promises'
import { GuestNotFound, NodeOffline } from '../../../functions/contracts/errors.ts'
import { guestAddress, meansGuest } from '../../../functions/domain/identity/guest-address.ts'
import { didYouMean } from '../../../functions/domain/words/did-you-mean.ts'
import type { FoundGuest } from '../../../functions/providers/guest-facts.ts'
import type { Provider } from '../../../functions/providers/provider.ts'
import { openProvider, siteSchema } from '../../../functions/providers/registry.ts'
import { UsageError } from '../../run/cli-error.ts'
import { readSiteFile } from '../../run/site-file.ts'
import { exitCodes } from '../exit-codes.ts'
import { siteNameFrom } from './site-name.ts'
import { type Line, textOf } from '../print/terminal.ts'
import type { StopSignals } from '../stop-signals.ts'

/** Options of every command that talks to a site itself. */
export interface SiteOptions {
  siteFile?: string
  /** Its name, where the command line says it. */
  site?: string
  /** Its name, where settings say it. */
  usualSite?: string
  json?: boolean
}

class StoppedWaiting extends Error {}

/**
 * Log in to the site of a file and use it. Ctrl-C stops the waiting, not what was ordered: a task belongs to its node.
 * Returns the exit code that `use` returns. @throws InvalidSite and whatever the provider throws
 */
export async function onSite(
  { siteFile: path, site: option, usualSite: usual }: SiteOptions,
  stop: StopSignals,
  use: (provider: Provider, site: string) => Promise<number>,
): Promise<number> {
  if (path === undefined) throw new UsageError('Say where the site is found: --site-file <file>.')
  const json = await readSiteFile(path)
  const site = siteSchema.parse(JSON.parse(json))
  const { name } = siteNameFrom({ option, usual, file: { path, json } })
  const { promise: interrupted, reject } = Promise.withResolvers<never>()
  interrupted.catch(() => undefined)
  const onStop = () => reject(new StoppedWaiting())
  stop.interrupt.addEventListener('abort', onStop, { once: true })
  const provider = await openProvider(name, site, {
    now: () => new Date(),
    sleep: (milliseconds) => delay(milliseconds, undefined, { signal: stop.interrupt }),
    log: (event, { reason }) => {
      if (event === 'platform-call-repeated') process.stderr.write(`Trying again: ${String(reason)}\n`)
    },
  })
  try {
    const work = use(provider, name)
    // Once nobody waits for it any more, a failure must not count as unhandled.
    work.catch(() => undefined)
    return await Promise.race([work, interrupted])
  } catch (error) {
    if (!(error instanceof StoppedWaiting)) throw error
    process.stderr.write('Stopped waiting. A task that was started goes on: see "guestlift tasks list".\n')
    return exitCodes.interrupted
  } finally {
    stop.interrupt.removeEventListener('abort', onStop)
    await provider.close()
  }
}

/** The result, as one line of JSON or as lines for a person, on standard output. */
export function tell({ json }: SiteOptions, result: object, lines: readonly Line[]): void {
  process.stdout.write(json === true ? `${JSON.stringify(result)}\n` : textOf(lines))
}

/** Nothing was changed yet. Said on standard error, so that `--json` stays clean. */
export function tellDryRun(what: string): void {
  process.stderr.write(`${what} Nothing was changed: add --confirm to do it.\n`)
}

/**
 * The id of a guest that is named as in any other command. A number counts as it is: archives and tasks may be of a guest
 * that is gone.
 * @throws UsageError for a guest of another site or an ambiguous name, GuestNotFound for a name that no guest has
 */
export async function guestIdOf(provider: Provider, text: string, site: string): Promise<string> {
  const address = guestAddress(text)
  if (address.site !== undefined && address.site !== site) {
    throw new UsageError(`${text} is of site ${address.site}, and the site file is of ${site}.`)
  }
  if (address.id !== undefined) return address.id
  const { guests } = await provider.listGuests()
  const [guest, ...others] = guests.filter(({ kind, id, name }) => meansGuest(address, { site, kind, id, name }))
  if (guest === undefined) {
    const meant = didYouMean(text, [...new Set(guests.map(({ name }) => name))])
    throw new GuestNotFound(
      `No guest of site ${site} is called ${text}.${meant === undefined ? '' : ` Did you mean ${meant}?`} See "guestlift guests".`,
    )
  }
  if (others.length > 0) {
    const all = [guest, ...others].map(({ kind, id }) => `${kind}-${id}`)
    throw new UsageError(`${text} may be any of ${all.join(', ')}: name one of them.`)
  }
  return guest.id
}

/** The guest where it is now. @throws GuestNotFound, NodeOffline, UsageError */
export async function findGuest(provider: Provider, text: string, site: string): Promise<FoundGuest> {
  const id = await guestIdOf(provider, text, site)
  const { kind } = guestAddress(text)
  const [guest] = await provider.findGuests([id])
  if (guest !== undefined && kind !== undefined && guest.kind !== kind) {
    throw new GuestNotFound(`There is no ${text} on this site: ${id} is ${guest.kind}-${id}, ${guest.name}.`)
  }
  if (guest === undefined) {
    throw new GuestNotFound(
      `There is no guest ${id} on this site, or the account lacks ${provider.privilegeToSee(id)}.`,
    )
  }
  if (guest.nodeOffline) throw new NodeOffline(`Guest ${id} is on node ${guest.node}, which doesn't answer.`)
  return guest
}

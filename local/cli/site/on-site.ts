import { setTimeout as delay } from 'node:timers/promises'
import { GuestNotFound, NodeOffline } from '../../../functions/contracts/errors.ts'
import type { FoundGuest } from '../../../functions/providers/guest-facts.ts'
import type { Provider } from '../../../functions/providers/provider.ts'
import { openProvider, siteSchema } from '../../../functions/providers/registry.ts'
import { UsageError } from '../../run/cli-error.ts'
import { readSiteFile } from '../../run/site-file.ts'
import { exitCodes } from '../exit-codes.ts'
import { siteNameFrom } from './site-name.ts'
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
  use: (provider: Provider) => Promise<number>,
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
    const work = use(provider)
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
export function tell({ json }: SiteOptions, result: object, lines: readonly string[]): void {
  process.stdout.write(json === true ? `${JSON.stringify(result)}\n` : lines.map((line) => `${line}\n`).join(''))
}

/** Nothing was changed yet. Said on standard error, so that `--json` stays clean. */
export function tellDryRun(what: string): void {
  process.stderr.write(`${what} Nothing was changed: add --confirm to do it.\n`)
}

/** The guest where it is now. @throws GuestNotFound, NodeOffline */
export async function findGuest(provider: Provider, id: string): Promise<FoundGuest> {
  const [guest] = await provider.findGuests([id])
  if (guest === undefined) {
    throw new GuestNotFound(
      `There is no guest ${id} on this site, or the account lacks ${provider.privilegeToSee(id)}.`,
    )
  }
  if (guest.nodeOffline) throw new NodeOffline(`Guest ${id} is on node ${guest.node}, which doesn't answer.`)
  return guest
}

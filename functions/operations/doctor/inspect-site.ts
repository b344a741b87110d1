import { GuestliftError, PlatformUnavailable } from '../../contracts/errors.ts'
import type { Job } from '../../contracts/job.ts'
import { type Finding, failed, passed, unchecked, warning } from '../../domain/doctor/finding.ts'
import { refusedLogin, withoutLogin } from '../../domain/doctor/judge-site.ts'
import { counted } from '../../domain/words/counted.ts'
import type { Provider } from '../../providers/provider.ts'
import { readSiteBook, requirePinned } from '../books/site-book.ts'
import { logIn, requirePrivileges } from '../run/require-account.ts'
import { withinTime } from '../run/time-limit.ts'
import { chooseGuests, type Choice } from '../selection/choose-guests.ts'
import { inspectConfiguration } from './inspect-configuration.ts'
import { inspectEndpoints } from './inspect-endpoints.ts'
import { inspectNodes } from './inspect-nodes.ts'
import type { NodePorts } from './inspect-routes.ts'

export type SitePorts = NodePorts & {
  /** What the checks of the store say, where there is one. */
  storeUsable?: () => Promise<boolean>
}

/** Each step that follows another one. A site that is slower has a fault that a person has to look at. */
const STEP_MILLISECONDS = 5_000

/**
 * Find out all that a run of the job finds out first, without ending at the first thing that is wrong, and change nothing.
 * What can't be known after a failure is said to be unchecked.
 */
export async function inspectSite(job: Job, provider: Provider, ports: SitePorts): Promise<Finding[]> {
  const { findings, usable } = await inspectEndpoints(job.site, provider)
  if (!usable) return [...findings, ...withoutLogin()]
  try {
    const { version } = await inTime(job.site, ports, () => logIn(job, provider))
    findings.push(passed('login', `${provider.traits.name} ${version}`))
  } catch (error) {
    return [...findings, ...refusedLogin(ours(error))]
  }
  const privileges = await inspectPrivileges(job, provider, ports)
  findings.push(privileges, ...(await inspectSetUp(job, provider, ports)))
  // Waits for the checks of the store, which the others need not.
  const cluster = inspectCluster(job.site, provider, ports)
  const lacksSome = privileges.verdict === 'failed'
  try {
    const choice = await inTime(job.site, ports, () => chooseGuests(job.site, job.guests, provider))
    findings.push(...guestFindings(choice, lacksSome))
    const ofNodes = await inspectNodes({ job, guests: meant(choice), lacksSome }, provider, ports)
    return [...findings, await cluster, ...ofNodes]
  } catch (error) {
    const rest = (['storage', 'route'] as const).map((check) => unchecked(check, "The site's guests aren't known."))
    return [...findings, await cluster, failed('guests', ours(error)), ...rest]
  }
}

async function inspectPrivileges(job: Job, provider: Provider, ports: SitePorts): Promise<Finding> {
  try {
    await inTime(job.site, ports, () => requirePrivileges(job, provider))
    return passed('privileges', 'the account has all that the job needs')
  } catch (error) {
    return failed('privileges', ours(error))
  }
}

async function inspectSetUp(job: Job, provider: Provider, ports: SitePorts): Promise<Finding[]> {
  try {
    return await inTime(job.site, ports, () => inspectConfiguration(job, provider))
  } catch (error) {
    return [failed('configuration', ours(error))]
  }
}

/** The same account of another cluster would put its guests among the archives of this one. */
async function inspectCluster(site: string, provider: Provider, ports: SitePorts): Promise<Finding> {
  try {
    const id = await inTime(site, ports, () => provider.clusterId())
    if (id === undefined) return warning('cluster', "The platform doesn't show this account which cluster answers.")
    const { store, keyPrefix = '', now } = ports
    if (store === undefined) return unchecked('cluster', `It is ${id}. Give --bucket to compare it with the archives'.`)
    if ((await ports.storeUsable?.()) === false) {
      return unchecked('cluster', `It is ${id}. The store can't be asked which one the archives come from.`)
    }
    const book = { store, keyPrefix, now }
    const found = await inTime(site, ports, () => readSiteBook(site, book))
    requirePinned(found.book, id, book)
    const known = found.book.cluster
    return passed('cluster', known === undefined ? `${id}; the first run remembers it` : `${id}, as the archives' is`)
  } catch (error) {
    return failed('cluster', ours(error))
  }
}

/** Guests that are meant, also those on a node that is silent: it is their node that is looked at. */
function meant({ chosen, decisions }: Choice) {
  const undecided = decisions.filter(({ verdict }) => verdict === 'undecided').map(({ guest }) => guest)
  return [...chosen, ...undecided]
}

function guestFindings({ chosen, failed: refused, doubts }: Choice, lacksSome: boolean): Finding[] {
  // Each has one line: the node's own, and that of the privileges.
  const told = ['NodeOffline', ...(lacksSome ? ['PrivilegeMissing'] : [])]
  const [first, ...others] = refused.filter(({ error }) => !told.includes(error))
  const more = others.length === 0 ? '' : ` So it is with ${others.length} more.`
  return [
    ...(first === undefined
      ? [chosenFinding(chosen.length + refused.length)]
      : [failed('guests', { name: first.error, message: `${first.reason}${more}` })]),
    ...doubts.map((doubt) => warning('guests', doubt)),
  ]
}

function chosenFinding(count: number): Finding {
  return count > 0
    ? passed('guests', `${counted(count, 'guest')} would be archived`)
    : warning('guests', 'No guest would be archived. See "guestlift plan" for why each is left out.')
}

function inTime<Result>(site: string, ports: SitePorts, work: () => Promise<Result>): Promise<Result> {
  const late = () =>
    new PlatformUnavailable(
      `Site ${site} took longer than ${STEP_MILLISECONDS / 1000} seconds over one answer. Look at the load of its nodes.`,
    )
  return withinTime({ milliseconds: STEP_MILLISECONDS, mayPass: () => false, late }, ports, work)
}

/** What isn't a fact of ours is a fault of ours, and belongs to who reads stack traces. */
function ours(error: unknown): GuestliftError {
  if (error instanceof GuestliftError) return error
  throw error
}

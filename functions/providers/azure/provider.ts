/** Microsoft Azure as a platform we export from. What each method promises stands in `../provider.ts`. */
import * as z from 'zod'
import { COMPUTE } from '../../azure-api/arm.ts'
import type { BackupOptions } from '../../contracts/backup-options.ts'
import { BackupPutOff, BackupStartUnclear, RequestRejected } from '../../contracts/errors.ts'
import type { ClockOffset } from '../../contracts/evidence.ts'
import type { Guest } from '../../contracts/nouns.ts'
import { byId } from '../../domain/identity/compare-ids.ts'
import { isGoodReading, offsetByHeader } from '../../domain/time/answer-clock.ts'
import type { FoundGuest, GuestDetails, GuestList } from '../guest-facts.ts'
import type { JobSummary } from '../job-summary.ts'
import type { Provider } from '../provider.ts'
import type { ProviderDeps } from '../provider-deps.ts'
import type { AzureSite } from './config.ts'
import { describeMachine } from './describe-machine.ts'
import { disksOf, readDisks } from './disks.ts'
import { findJobs } from './find-jobs.ts'
import { start, wishesOf } from './freeze.ts'
import { gather } from './gather.ts'
import { parseJobRef, requireJobRef } from './identifiers.ts'
import { judgeJob } from './judge-job.ts'
import { foundGuest, guestIdOf, guestRecord, listMachines, listStates, machineOf } from './machines.ts'
import { azureOptionKeys, azureOptionsOf } from './options.ts'
import { openPower } from './power.ts'
import { check } from './progress.ts'
import { release } from './release.ts'
import { missingActions } from './rights.ts'
import { SiteSession } from './site-session.ts'
import { findStrays } from './strays.ts'
import { azureTraits } from './traits.ts'

/** Of the resource group (Microsoft.Resources). */
const RESOURCES = '2021-04-01'
const STOP_LOOK_MILLISECONDS = 5_000

export function openAzure(siteName: string, site: AzureSite, deps: ProviderDeps): Provider {
  const session = new SiteSession(siteName, site, deps)
  const { arm } = session

  /** The group has to be there: everything is made in it. */
  async function lookAtGroup(): Promise<void> {
    const call = { path: session.group, version: RESOURCES }
    await session.orFact('', `looking at resource group ${site.resourceGroup}`, () => arm.read(call, z.unknown()))
  }

  async function findGuests(ids: readonly string[]): Promise<FoundGuest[]> {
    const machines = await session.orFact('', 'listing virtual machines', () => listMachines(session))
    return machines
      .filter((one) => ids.includes(guestIdOf(one)))
      .map(foundGuest)
      .toSorted(byId)
  }

  async function listGuests(): Promise<GuestList> {
    return session.orFact('', 'listing virtual machines', async () => {
      const [machines, states] = await Promise.all([listMachines(session), listStates(session)])
      return { guests: machines.map((one) => guestRecord(one, states)).toSorted(byId), notes: [] }
    })
  }

  async function requireOptions(options: BackupOptions): Promise<void> {
    azureOptionsOf(options)
    if (options.compress === 'zstd') return
    throw new RequestRejected(
      `Site ${siteName}: disks of virtual machines are archived with zstd; "compress": "${options.compress}" is not possible.`,
    )
  }

  async function clock(): Promise<ClockOffset | undefined> {
    const last = arm.lastTiming()
    if (last === undefined || !isGoodReading(last, deps.now())) await lookAtGroup()
    const timing = arm.lastTiming()
    return timing === undefined ? undefined : offsetByHeader(timing)
  }

  /** Azure can't be told to stop freezing: it is waited for. */
  async function stop(jobRef: string, timeoutSeconds: number): Promise<void> {
    const asked = requireJobRef(jobRef, siteName)
    // Looking must not begin a further try.
    const job = asked.consistency === 'application-or-crash' ? { ...asked, consistency: 'application' as const } : asked
    for (let waited = 0; waited < timeoutSeconds; waited += STOP_LOOK_MILLISECONDS / 1000) {
      if (!(await check(session, job)).running) return
      await deps.sleep(STOP_LOOK_MILLISECONDS)
    }
  }

  /** What a refused start made before it was refused is removed, or found by the sweep: nobody else knows of it. */
  async function startOrTidy(guest: Guest, options: BackupOptions, token = ''): Promise<JobSummary> {
    try {
      return await start(session, guest, options, token)
    } catch (error) {
      // One that waits for its turn is asked again within a minute.
      if (!(error instanceof BackupStartUnclear || error instanceof BackupPutOff)) await tidy(guest, token)
      throw error
    }
  }

  async function tidy(guest: Guest, token: string): Promise<void> {
    try {
      await release(session, { guest, token, sources: [] })
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error)
      deps.log('azure-tidy-failed', { site: siteName, guest: guest.id, why })
    }
  }

  return {
    platform: 'azure',
    traits: azureTraits,
    selectionKeys: ['ids', 'names', 'tags', 'pools', 'nodes', 'states', 'kinds'],
    optionKeys: azureOptionKeys,
    privilegeToSee: () => 'Microsoft.Compute/virtualMachines/read',
    identify: async () => {
      await lookAtGroup()
      return { version: COMPUTE }
    },
    // A machine is of one subscription for ever, and every question names it.
    clusterId: async () => site.subscriptionId,
    requireOptions,
    missingPrivileges: () => session.orFact('', 'asking for rights', () => missingActions(session)),
    clockToleranceSeconds: site.clockToleranceSeconds,
    clock,
    findGuests,
    listGuests,
    describeGuest: async (guest, planned): Promise<GuestDetails> => {
      const machine = await machineOf(session, guest)
      const at = `region ${guest.node}, guest ${guest.id}`
      const disks = await session.orFact(at, 'looking at its disks', () => readDisks(session, disksOf(machine)))
      const options = planned?.options
      const work =
        options === undefined
          ? undefined
          : {
              wishes: wishesOf(session, options),
              skipDisks: options.skipDisks ?? [],
              off: planned?.state === 'stopped',
            }
      return describeMachine(`Site ${siteName}, guest ${guest.id}`, machine, disks, work)
    },
    start: startOrTidy,
    findJobs: (guest, since) => findJobs(session, guest, since),
    readMark: async (jobRef) => {
      const job = parseJobRef(jobRef)
      return job === undefined ? undefined : { token: job.token }
    },
    check: (jobRef) => check(session, requireJobRef(jobRef, siteName)),
    gather: (jobRef, guest) => gather(session, requireJobRef(jobRef, siteName), guest),
    judgeJob,
    stop,
    release: (made) => release(session, made),
    findStrays: (olderThan) => findStrays(session, olderThan),
    power: openPower(session),
    close: () => arm.close(),
  }
}

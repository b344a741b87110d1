/** Proxmox VE as a platform we export from. What each method promises stands in `../provider.ts`. */
import { BackupStartUnclear, GuestliftError, NothingBackedUp, RequestRejected } from '../../contracts/errors.ts'
import type { BackupOptions } from '../../contracts/backup-options.ts'
import type { ClockOffset } from '../../contracts/evidence.ts'
import type { Guest } from '../../contracts/nouns.ts'
import { SELECTION_KEYS } from '../../contracts/selection.ts'
import type { BackupProgress, JobMark, Provider } from '../provider.ts'
import type { JobSummary } from '../job-summary.ts'
import type { ProviderDeps } from '../provider-deps.ts'
import { apiPath, apiQuery } from './api-path.ts'
import { locateArchive } from './archive-location.ts'
import { alteredNotes, dependsOnVersion, refusal, vzdumpParameters } from './backup-options.ts'
import { backupFolder } from './backup-folder.ts'
import { openClient } from './client.ts'
import { clusterIdOf } from './cluster-id.ts'
import { isGoodReading, offsetByHeader } from '../../domain/time/answer-clock.ts'
import { mayBeSince, offsetByTask } from './clock.ts'
import type { ProxmoxSite } from './config.ts'
import { openEndpoints } from './endpoints.ts'
import { NoSuchTask, where } from './errors.ts'
import { gatherEvidence } from './evidence.ts'
import type { Limits } from '../../http/api-line.ts'
import { proxmoxOptionKeys } from './options.ts'
import { openGuestPower } from './guest-power.ts'
import { parseUpid, type Upid } from './identifiers.ts'
import { openGuests } from './guests.ts'
import { judgeJob } from './judge-job.ts'
import { refusedByLock } from './locks.ts'
import { tokenIn } from './notes-template.ts'
import { findOpening } from './opening-line.ts'
import { openOwnTasks } from './own-tasks.ts'
import {
  missingOnStorage,
  missingPrivileges,
  type Permissions,
  privilegesOnStorage,
  privilegeToSee,
} from './privileges.ts'
import { openRestores } from './restores.ts'
import { permissionsSchema, taskRowsSchema, versionSchema } from './schemas.ts'
import { sideFilesOf, textOf } from './side-files.ts'
import { openSiteConfiguration } from './site-configuration.ts'
import { openStorageBackups } from './storage-backups.ts'
import { refusalByRetention } from './storage-limit.ts'
import { describeStorage, isUsable, storagesOf } from './storage-state.ts'
import { findStrays } from './strays.ts'
import { latestProgress } from './task-log.ts'
import { openTaskReader, requireUpid } from './tasks.ts'
import { proxmoxTraits } from './traits.ts'
import { OLDEST_VERSION, requireSupportedVersion } from './versions.ts'

/** The task list gives 50 rows unless told; filtered by guest there are some dozens. A node keeps about a thousand. */
const MOST_JOBS = 1000
const TAIL_LINES = 50
/** A job opens its log with who asked for what, after a line or two on its wait for the node and what a hook says. */
const HEAD_LINES = 200

/** Proxmox VE has every capability. */
export type ProxmoxProvider = Provider &
  Required<
    Pick<Provider, 'storages' | 'locks' | 'power' | 'archivesOnPlatform' | 'tasks' | 'restores' | 'configuration'>
  >

/** @throws InvalidSite when `tls.ca` is no certificate */
export function openProxmox(siteName: string, site: ProxmoxSite, deps: ProviderDeps, limits?: Limits): ProxmoxProvider {
  const client = openClient(siteName, site, deps, limits)
  const tasks = openTaskReader(client, siteName, deps.sleep)
  const { free, archivesOnPlatform } = openStorageBackups(client, tasks, siteName)
  const { awaitFreed, power } = openGuestPower(client, tasks, deps.sleep)
  const guests = openGuests(client, siteName, deps.log)
  /** As it was last told. */
  let version: string | undefined

  async function identify(): Promise<{ version: string }> {
    const { data } = await askForVersion()
    requireSupportedVersion(data.version, siteName)
    version = data.version
    return { version }
  }

  function askForVersion() {
    return client.get('/version', versionSchema, client.about('ask for the version'))
  }

  /** Any answer tells, so that mostly nothing needs to be asked. It tells of the endpoint: a node's own needs Sys.Audit. */
  async function clock(): Promise<ClockOffset | undefined> {
    const last = client.lastTiming()
    return offsetByHeader(last !== undefined && isGoodReading(last, deps.now()) ? last : (await askForVersion()).timing)
  }

  /** Asked for only where it matters: most options are as old as the oldest version that is spoken to. */
  async function versionFor(options: BackupOptions): Promise<string> {
    return version ?? (dependsOnVersion(options) ? (await identify()).version : OLDEST_VERSION)
  }

  async function start(guest: Guest, options: BackupOptions, token?: string): Promise<JobSummary> {
    const about = client.about('start the backup', { node: guest.node, guest: guest.id, storage: options.storage })
    const form = vzdumpParameters(guest, options, await versionFor(options), token)
    if ('refused' in form) throw new RequestRejected(`${where(about)}: ${form.refused}`)
    const written = await client.write('POST', apiPath`/nodes/${guest.node}/vzdump`, about, form.parameters)
    if (!written.answered) {
      throw new BackupStartUnclear(`${written.error.message} The job may have been started all the same.`, {
        cause: written.error,
      })
    }
    if (written.data === 'OK') {
      throw new NothingBackedUp(
        `${where(about)}: the node started nothing, so the guest isn't there. It may have moved a moment ago.`,
      )
    }
    const upid = typeof written.data === 'string' ? parseUpid(written.data) : undefined
    if (upid === undefined || upid.type !== 'vzdump' || typeof written.data !== 'string') {
      throw new BackupStartUnclear(`${where(about)}: the answer to the start of the backup names no job.`)
    }
    const own = offsetByTask(upid, written.timing)
    return { jobRef: written.data, startedAt: startOf(upid), running: true, clock: own }
  }

  async function effectivePermissions(): Promise<Permissions> {
    return (await client.get('/access/permissions', permissionsSchema, client.about('read its permissions'))).data
  }

  async function findJobs(guest: Guest, since: Date): Promise<JobSummary[]> {
    const about = client.about('list the backup jobs', { node: guest.node, guest: guest.id })
    const query = apiQuery({
      // The default, `archive`, leaves out what still runs.
      source: 'all',
      typefilter: 'vzdump',
      vmid: guest.id,
      // No `since`: it would be compared with the node's clock, and leave out what still runs.
      limit: MOST_JOBS,
    })
    const { data, timing } = await client.get(apiPath`/nodes/${guest.node}/tasks` + query, taskRowsSchema, about)
    const own = data.flatMap((row) => {
      const upid = parseUpid(row.upid)
      // Rows of running tasks don't split user and token, those of ended ones do; the UPID always holds both.
      if (upid === undefined || upid.user !== client.account || upid.type !== 'vzdump' || upid.id !== guest.id)
        return []
      const running = row.endtime === undefined && isActive(row.status)
      return running || mayBeSince(upid, since, timing) ? [{ jobRef: row.upid, startedAt: startOf(upid), running }] : []
    })
    return own.toSorted((one, other) => other.startedAt.localeCompare(one.startedAt))
  }

  async function readMark(jobRef: string): Promise<JobMark | undefined> {
    try {
      const opening = findOpening(await tasks.logHead(jobRef, HEAD_LINES))
      if (opening === undefined) return undefined
      const token = tokenIn(opening.options.get('notes-template')?.at(-1) ?? '')
      return token === undefined ? {} : { token }
    } catch (error) {
      if (error instanceof NoSuchTask) return undefined
      throw error
    }
  }

  async function check(jobRef: string): Promise<BackupProgress> {
    try {
      const { running } = await tasks.state(jobRef)
      if (!running) return { running }
    } catch (error) {
      // Its log was rotated away: it has ended, and gathering the evidence tells that nothing is known of it.
      if (error instanceof NoSuchTask) return { running: false }
      throw error
    }
    return { running: true, ...latestProgress(await progressLines(jobRef)) }
  }

  /** A percentage is a nicety: a log that can't be read must not fail a backup that runs. */
  async function progressLines(jobRef: string): Promise<string[]> {
    try {
      return await tasks.logTail(jobRef, TAIL_LINES)
    } catch (error) {
      if (!(error instanceof GuestliftError)) throw error
      deps.log('platform-progress-unknown', { site: siteName, jobRef, reason: error.message })
      return []
    }
  }

  async function stop(jobRef: string, timeoutSeconds: number): Promise<void> {
    const { node, id } = requireUpid(jobRef, siteName)
    try {
      if (!(await tasks.state(jobRef)).running) return
      const about = client.about('stop the task', { node, guest: id })
      const written = await client.write('DELETE', apiPath`/nodes/${node}/tasks/${jobRef}`, about)
      // Whether or not the order arrived, the task's state tells.
      if (!written.answered)
        deps.log('platform-stop-unclear', { site: siteName, jobRef, reason: written.error.message })
      await tasks.waitForEnd(jobRef, timeoutSeconds)
    } catch (error) {
      if (!(error instanceof NoSuchTask)) throw error
    }
  }

  return {
    platform: 'proxmox',
    traits: proxmoxTraits,
    selectionKeys: SELECTION_KEYS,
    optionKeys: proxmoxOptionKeys,
    privilegeToSee,
    clockToleranceSeconds: site.clockToleranceSeconds,
    identify,
    clusterId: () => clusterIdOf(client),
    clock,
    async requireOptions(options) {
      const refused = refusal(options, await versionFor(options)) ?? alteredNotes(options)
      if (refused !== undefined) throw new RequestRejected(`Site ${siteName}: ${refused}`)
    },
    missingPrivileges: async (work) => missingPrivileges(await effectivePermissions(), work),
    ...guests,
    start,
    findJobs,
    readMark,
    check,
    async gather(jobRef, guest, storage) {
      const job = { ref: jobRef, upid: requireUpid(jobRef, siteName) }
      const { evidence, lines } = await gatherEvidence(client, tasks, deps.sleep, job, guest, storage)
      return { evidence, sideFiles: sideFilesOf(evidence, lines) }
    },
    stop,
    judgeJob,
    async release({ sources }, keepCopy) {
      if (!keepCopy) for (const { artifactRef, node } of sources) await free(artifactRef, node)
      return { released: true }
    },
    findStrays: (olderThan) => findStrays(archivesOnPlatform, olderThan, siteName, deps.log),
    endpoints: openEndpoints(siteName, site, client.account, deps.now),
    storages: {
      privileges: privilegesOnStorage.join(' and '),
      describe: (storage, node) => describeStorage(client, storage, node),
      folderOf: (storage) => backupFolder(client, storage),
      async forBackups(node, options) {
        const permissions = await effectivePermissions()
        const usable = (await storagesOf(client, node)).filter(isUsable)
        return usable.filter(({ storage }) => missingOnStorage(permissions, storage, options).length === 0)
      },
      refusalByRetention: (guest, options) => refusalByRetention(client, guest, options),
    },
    locks: {
      refusal: ({ lock, ...one }) =>
        lock === undefined
          ? undefined
          : refusedByLock(lock, one, `Site ${siteName}, node ${one.node}, guest ${one.id}: cannot back it up`),
      awaitFreed,
    },
    power,
    configuration: openSiteConfiguration(client, async () => version ?? (await identify()).version),
    restores: openRestores(client, tasks, siteName, guests.findGuests, {
      now: deps.now,
      sleep: deps.sleep,
      power,
      commands: site.restore?.drillCommands ?? {},
    }),
    archivesOnPlatform: { ...archivesOnPlatform, locate: (volid, node) => locateArchive(client, volid, node) },
    tasks: {
      ...openOwnTasks(client, tasks, siteName),
      log: async (jobRef) => textOf(await tasks.log(jobRef)),
    },
    close: () => client.close(),
  }
}

function startOf(upid: Upid): string {
  return new Date(upid.startTime * 1000).toISOString()
}

function isActive(status: string | undefined): boolean {
  return status === undefined || status.toUpperCase() === 'RUNNING'
}

/** VMware vSphere as a platform we export from. What each method promises stands in `../provider.ts`. */
import { RequestRejected } from '../../contracts/errors.ts'
import type { BackupOptions } from '../../contracts/backup-options.ts'
import type { ClockOffset } from '../../contracts/evidence.ts'
import { isGoodReading, offsetByHeader } from '../../domain/time/answer-clock.ts'
import { measureOffset } from '../../domain/time/clock-offset.ts'
import { textOf } from '../../vsphere-api/xml.ts'
import type { FoundGuest, GuestDetails, GuestList } from '../guest-facts.ts'
import type { Provider } from '../provider.ts'
import type { ProviderDeps } from '../provider-deps.ts'
import { check, detailsOf, findJobs, lookAt, start, turnOf, wishesOf } from './backup.ts'
import type { VsphereSite } from './config.ts'
import { describeMachine } from './describe-machine.ts'
import { vsphereDiskRestores } from './disk-restores.ts'
import { gather } from './gather.ts'
import { byId, findMachines, foundGuest, guestRecord, listMachines } from './guests.ts'
import { parseJobRef, requireJobRef } from './identifiers.ts'
import { judgeJob } from './judge-job.ts'
import { vsphereOptionKeys, vsphereOptionsOf } from './options.ts'
import { openPower } from './power.ts'
import { mayHideGuests, missingRights } from './rights.ts'
import { findStrays, release } from './release.ts'
import { SiteSession } from './site-session.ts'
import { tagsOf } from './tags.ts'
import { isUnderWay } from './tasks.ts'
import { vsphereTraits } from './traits.ts'

const STOP_LOOK_MILLISECONDS = 5_000

export function openVsphere(siteName: string, site: VsphereSite, deps: ProviderDeps): Provider {
  const session = new SiteSession(siteName, site, deps)
  const { vim } = session

  async function identify() {
    const { about } = await session.orFact('', 'asking who answers', () => vim.content())
    await session.orFact('', 'logging in', () => vim.cookie())
    return { version: about.version }
  }

  /** A vCenter has a UUID of its own; a host without one is known by its hardware's. */
  async function clusterId(): Promise<string | undefined> {
    const { about } = await session.orFact('', 'asking who answers', () => vim.content())
    return about.instanceUuid === '' ? undefined : about.instanceUuid
  }

  async function findGuests(ids: readonly string[]): Promise<FoundGuest[]> {
    return session.orFact('', 'looking for guests', async () => {
      const places = await session.places()
      const machines = await findMachines(vim, ids)
      return machines.map((one) => foundGuest(one, places)).toSorted(byId)
    })
  }

  async function listGuests(): Promise<GuestList> {
    return session.orFact('', 'listing guests', async () => {
      const [places, { machines, notes, mayLack }] = await Promise.all([session.places(), listMachines(vim)])
      const content = await vim.content()
      // A single host has no tags.
      const tags =
        content.about.apiType === 'VirtualCenter'
          ? await tagsOf(
              vim,
              site.auth,
              machines.map(({ ref }) => ref),
            )
          : { of: new Map<string, readonly string[]>() }
      return {
        guests: machines.map((one) => guestRecord(one, places, tags.of.get(one.ref.id) ?? [])).toSorted(byId),
        notes: [...notes, ...(tags.note === undefined ? [] : [tags.note])],
        ...(mayLack === undefined ? await hidden() : { mayLack }),
      }
    })
  }

  async function hidden(): Promise<Pick<GuestList, 'mayLack'>> {
    return (await mayHideGuests(session))
      ? {
          mayLack:
            'The account has no System.Read on the whole inventory: guests that it may not see are not in the list.',
        }
      : {}
  }

  async function requireOptions(options: BackupOptions): Promise<void> {
    vsphereOptionsOf(options)
    if (options.compress === 'zstd') return
    throw new RequestRejected(
      `Site ${siteName}: disks of virtual machines are archived with zstd; "compress": "${options.compress}" is not possible. ` +
        'With "vsphere": {"format": "files"} the files are archived as they are.',
    )
  }

  async function clock(): Promise<ClockOffset | undefined> {
    const askedAt = deps.now()
    const last = vim.lastTiming()
    if (last !== undefined && isGoodReading(last, askedAt)) {
      const offset = offsetByHeader(last)
      if (offset !== undefined) return offset
    }
    // Not every server writes its time into the head of its answers.
    const shown = Date.parse(await session.orFact('', 'asking for the time', () => session.serverTime()))
    return measureOffset({ shownSeconds: shown / 1000, askedAt, answeredAt: deps.now() })
  }

  async function stop(jobRef: string, timeoutSeconds: number): Promise<void> {
    const job = requireJobRef(jobRef, siteName)
    const where = `guest ${job.guestId}`
    await session.orFact(where, 'stopping the backup', async () => {
      for (let waited = 0; ; waited += STOP_LOOK_MILLISECONDS / 1000) {
        const running = (await lookAt(session, job)).state.tasks.filter(isUnderWay)
        if (running.length === 0) return
        if (waited === 0) {
          // A snapshot can't be cancelled, and a clone can: what answers that it can't is waited for.
          for (const { ref } of running) await vim.write({ method: 'CancelTask', on: ref }).catch(() => undefined)
        }
        if (waited >= timeoutSeconds) return
        await deps.sleep(STOP_LOOK_MILLISECONDS)
      }
    })
  }

  return {
    platform: 'vsphere',
    traits: vsphereTraits,
    selectionKeys: ['ids', 'names', 'tags', 'pools', 'nodes', 'states', 'kinds', 'templates'],
    optionKeys: vsphereOptionKeys,
    privilegeToSee: (guestId) => `System.Read on ${guestId === undefined ? 'every guest' : `guest ${guestId}`}`,
    identify,
    clusterId,
    requireOptions,
    missingPrivileges: (work) => session.orFact('', 'asking for rights', () => missingRights(session, work)),
    clockToleranceSeconds: site.clockToleranceSeconds,
    clock,
    findGuests,
    listGuests,
    describeGuest: async (guest, planned): Promise<GuestDetails> => {
      const details = await detailsOf(session, guest)
      const options = planned?.options
      const wishes = options === undefined ? undefined : wishesOf(session, options)
      const quiesce = (options === undefined ? undefined : vsphereOptionsOf(options).quiesce) ?? site.snapshot.quiesce
      const tools = textOf(details.properties.get('guest.toolsRunningStatus'))
      return describeMachine(details, wishes, { quiesce, toolsRun: tools === 'guestToolsRunning' })
    },
    start: (guest, options, token = '') => start(session, guest, options, token),
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
    turnOf: (guest) => turnOf(session, guest),
    power: openPower(session),
    diskRestores: vsphereDiskRestores(session),
    close: () => vim.close(),
  }
}

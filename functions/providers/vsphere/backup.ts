/** A backup: a snapshot, and where files can't be read, a clone of it. */
import type { BackupOptions } from '../../contracts/backup-options.ts'
import {
  BackupStartUnclear,
  GuestBusy,
  GuestNotFound,
  NodeOffline,
  RequestRejected,
  SourceUnreadable,
  StorageUnusable,
} from '../../contracts/errors.ts'
import type { Guest } from '../../contracts/nouns.ts'
import { counted } from '../../domain/words/counted.ts'
import { findMachine } from '../../vsphere-api/held.ts'
import { isGone, NotVim, NoVimAnswer } from '../../vsphere-api/vim-fault.ts'
import { type Argument, type Ref, textOf, type Xml } from '../../vsphere-api/xml.ts'
import type { JobSummary } from '../job-summary.ts'
import type { BackupProgress } from '../provider.ts'
import { cloneOf, ownClones } from './clones.ts'
import { readMachine } from './guests.ts'
import { describeMark, formatJobRef, type JobMode, type JobRef, type Mark, nameOf } from './identifiers.ts'
import { layoutOf, parseDatastorePath } from './layout.ts'
import { hardwareOf } from './machine.ts'
import { vsphereOptionsOf } from './options.ts'
import { datastoreNamed } from './places.ts'
import { chooseMode, isSkipped, refusals, type Subject, unknownSkips, type Wishes } from './refusals.ts'
import type { SiteSession } from './site-session.ts'
import { ownSnapshots } from './own-snapshots.ts'
import { nextStep, type JobState, type Step } from './steps.ts'
import { begun, isUnderWay, recentTasks } from './tasks.ts'

/** What is read of a guest before anything is made. */
export const DETAIL_PATHS = [
  'config.hardware.device',
  'config.keyId',
  'config.ftInfo',
  'config.files.vmPathName',
  'config.version',
  'config.firmware',
  'config.guestId',
  'config.guestFullName',
  'config.uuid',
  'layoutEx',
  'guest.toolsRunningStatus',
] as const

export interface Detailed extends Subject {
  properties: ReadonlyMap<string, Xml>
}

/** @throws GuestNotFound */
export async function detailsOf(session: SiteSession, { id, node }: Pick<Guest, 'id' | 'node'>): Promise<Detailed> {
  const where = `host ${node}, guest ${id}`
  const read = await session.orFact(where, 'reading its configuration', () =>
    readMachine(session.vim, id, DETAIL_PATHS),
  )
  if (read === undefined) {
    throw new GuestNotFound(`Site ${session.siteName}, ${where}: no virtual machine has this instance UUID.`)
  }
  const { machine, properties } = read
  return {
    machine,
    properties,
    hardware: hardwareOf(properties.get('config.hardware.device')),
    encrypted: properties.has('config.keyId'),
    faultTolerant: properties.has('config.ftInfo'),
  }
}

export function wishesOf({ site }: SiteSession, { skipDisks = [] }: BackupOptions): Wishes {
  return { skipDisks, mode: site.mode, hasStaging: site.staging !== undefined }
}

/** A snapshot costs the datastore where the guest's configuration lies: its deltas grow there, and its removal works there. */
export async function turnOf(session: SiteSession, guest: Guest) {
  const { properties } = await detailsOf(session, guest)
  const places = await session.orFact('', 'reading the inventory', () => session.places())
  const known = places.datastores.map(({ name }) => name)
  const home = parseDatastorePath(textOf(properties.get('config.files.vmPathName')), known)
  const place = home?.datastore ?? guest.node
  const most = session.site.snapshot.perDatastore
  const full = `${counted(most, 'guest')} of datastore ${place} ${most === 1 ? 'has' : 'have'} a snapshot of ours, as many as \`snapshot.perDatastore\` lets at a time.`
  return { place, most, full }
}

/** Asked once. The snapshot's name is what finds it again, whatever becomes of the answer. */
export async function start(
  session: SiteSession,
  guest: Guest,
  options: BackupOptions,
  token: string,
): Promise<JobSummary> {
  const { vim, siteName, site } = session
  const at = `host ${guest.node}, guest ${guest.id}`
  const where = `Site ${siteName}, ${at}`
  const details = await detailsOf(session, guest)
  const mode = await requireReady(session, details, options, where)
  const startedAt = await session.orFact(at, 'asking for the time', () => session.serverTime())
  const { quiesce = site.snapshot.quiesce, format = 'auto' } = vsphereOptionsOf(options)
  const skip = details.hardware.disks.filter((disk) => isSkipped(disk, options.skipDisks ?? [])).map(({ key }) => key)
  const mark: Mark = { ...session.owner, guestId: guest.id, token, mode, quiesce, format, skip, at: startedAt }
  const summary = { jobRef: formatJobRef(mark), startedAt, running: true }
  // A template is off and can't be snapshotted: its files are at rest.
  if (mode === 'template') return summary
  try {
    const quiet = quiesce !== 'never' && details.machine.powerState === 'poweredOn'
    begun(await vim.write(createSnapshot(details.machine.ref, mark, quiet)))
    return summary
  } catch (error) {
    if (!(error instanceof NoVimAnswer && error.sent) && !(error instanceof NotVim)) {
      throw vim.fact(error, where, 'CreateSnapshot_Task')
    }
    throw new BackupStartUnclear(
      `${where}: the answer to CreateSnapshot_Task was lost. A snapshot may be made all the same.`,
      {
        cause: error,
      },
    )
  }
}

function createSnapshot(on: Ref, mark: Mark, quiesce: boolean) {
  const args: Argument[] = [
    ['name', nameOf(mark.token)],
    ['description', describeMark(mark)],
    ['memory', false],
    ['quiesce', quiesce],
  ]
  return { method: 'CreateSnapshot_Task', on, args }
}

/** All that stands against it, before anything is made. @returns how its files are read */
async function requireReady(
  session: SiteSession,
  details: Detailed,
  options: BackupOptions,
  where: string,
): Promise<JobMode> {
  const { machine, hardware, properties } = details
  const wishes = wishesOf(session, options)
  const unknown = unknownSkips(hardware, wishes.skipDisks)
  if (unknown.length > 0) {
    const has = hardware.disks.map(({ label, slot }) => `${label} (${slot})`).join(', ')
    throw new RequestRejected(`${where}: there is no disk ${unknown.join(', ')} to skip. It has ${has || 'none'}.`)
  }
  const against = refusals(details, wishes)
  if (machine.connectionState !== 'connected') throw new NodeOffline(`${where}: ${against.join(' ')}`)
  if (against.length > 0) throw new SourceUnreadable(`${where}: ${against.join(' ')} No snapshot was made.`)
  const busy = (await session.orFact('', 'reading its tasks', () => recentTasks(session.vim, machine.ref))).find(
    isUnderWay,
  )
  if (busy !== undefined) {
    throw new GuestBusy(`${where}: the platform works on it (${busy.kind}). It is left out until that has ended.`)
  }
  const chosen = chooseMode(details, layoutOf(properties.get('layoutEx')), wishes)
  if ('refusal' in chosen) throw new SourceUnreadable(`${where}: ${chosen.refusal} No snapshot was made.`)
  if (chosen.mode !== 'template') await requireSpace(session, details, wishes.skipDisks, where)
  return chosen.mode
}

/** What the guest writes while it is copied grows on its datastores, and a full one stops every guest there. */
async function requireSpace(
  session: SiteSession,
  { machine, hardware }: Detailed,
  skipDisks: readonly string[],
  where: string,
) {
  const { minFreePercent } = session.site.snapshot
  const places = await session.orFact('', 'reading the inventory', () => session.places())
  const known = places.datastores.map(({ name }) => name)
  const names = hardware.disks
    .filter((disk) => !isSkipped(disk, skipDisks))
    .flatMap(({ fileName }) => parseDatastorePath(fileName, known)?.datastore ?? [])
  for (const name of new Set(names)) {
    const { capacityBytes, freeBytes } = datastoreNamed(places, name, machine.parent) ?? {}
    if (capacityBytes === undefined || freeBytes === undefined || capacityBytes === 0) continue
    const percent = (100 * freeBytes) / capacityBytes
    if (percent < minFreePercent) {
      throw new StorageUnusable(
        `${where}: datastore ${name} has ${percent.toFixed(1)} % free, and \`snapshot.minFreePercent\` is ${minFreePercent}. ` +
          'What the guest writes while it is copied would grow there. No snapshot was made.',
      )
    }
  }
}

/** Everything that the platform shows of a job. */
export interface Looked {
  state: JobState
  machine: Ref | undefined
}

/** Tasks first: what one that has ended did is seen in what is read after it, and never the other way round. */
export async function lookAt(session: SiteSession, job: JobRef): Promise<Looked> {
  const { vim, owner } = session
  const ref = await findMachine(vim, job.guestId)
  const tasks = ref === undefined ? [] : await recentTasks(vim, ref)
  const clones = job.mode === 'clone' ? await ownClones(session, { token: job.token }) : []
  const read = await readMachine(vim, job.guestId)
  const own = read === undefined ? [] : ownSnapshots(read.machine.snapshots, owner)
  return {
    machine: read?.machine.ref,
    state: {
      snapshot: own.find(({ mark }) => mark.token === job.token),
      hasClone: clones.length > 0,
      poweredOn: read?.machine.powerState === 'poweredOn',
      // Whole seconds: not every server writes decimals.
      tasks: tasks.filter(
        ({ startedAt = job.at }) => Date.parse(startedAt) >= Math.floor(Date.parse(job.at) / 1000) * 1000,
      ),
      now: await session.serverTime(),
    },
  }
}

/** Looks, and takes the next step where one is due. */
export async function check(session: SiteSession, job: JobRef): Promise<BackupProgress> {
  const where = `guest ${job.guestId}`
  return session.orFact(where, 'looking at the backup', async () => {
    const { state, machine } = await lookAt(session, job)
    const next = nextStep(job, state)
    if (next.step === 'done' || next.step === 'failed') return { running: false }
    if (next.step === 'wait' || machine === undefined) return progressOf(next)
    await takeStep(session, job, next, state, machine)
    return { running: true }
  })
}

function progressOf(next: Step): BackupProgress {
  const percent = next.step === 'wait' ? next.progressPercent : undefined
  return { running: true, ...(percent === undefined ? {} : { progressPercent: percent }) }
}

async function takeStep(
  session: SiteSession,
  job: JobRef,
  next: Step,
  { snapshot }: JobState,
  machine: Ref,
): Promise<void> {
  const { vim, siteName, deps } = session
  deps.log('vsphere-step', { site: siteName, guest: job.guestId, ...next })
  if (next.step === 'create-snapshot') {
    await vim.write(createSnapshot(machine, { ...job, ...session.owner }, next.quiesce))
  } else if (next.step === 'remove-snapshot' && snapshot !== undefined) {
    await vim.write(removeSnapshot(snapshot.ref)).catch((error: unknown) => {
      if (!isGone(error)) throw error
    })
  } else if (next.step === 'clone' && snapshot !== undefined) {
    const frozen = { at: snapshot.createdAt, quiesced: snapshot.quiesced }
    await vim.write(await cloneOf(session, machine, snapshot.ref, { ...job, ...session.owner, frozen }))
  }
}

/** Children of other people's making stay. */
export function removeSnapshot(on: Ref) {
  const args: Argument[] = [
    ['removeChildren', false],
    ['consolidate', true],
  ]
  return { method: 'RemoveSnapshot_Task', on, args }
}

/** Backups of the guest that bear this site's mark. */
export async function findJobs(session: SiteSession, guest: Guest, since: Date): Promise<JobSummary[]> {
  return session.orFact(`host ${guest.node}, guest ${guest.id}`, 'looking for snapshots of ours', async () => {
    const read = await readMachine(session.vim, guest.id)
    const snapshots = read === undefined ? [] : ownSnapshots(read.machine.snapshots, session.owner)
    const clones = await ownClones(session)
    const marks = [...snapshots.map(({ mark }) => mark), ...clones.map(({ mark }) => mark)]
    const jobs = new Map(marks.filter(({ guestId }) => guestId === guest.id).map((mark) => [mark.token, mark]))
    const summaries: JobSummary[] = []
    for (const mark of jobs.values()) {
      const next = nextStep(mark, (await lookAt(session, mark)).state)
      const running = next.step !== 'done' && next.step !== 'failed'
      summaries.push({ jobRef: formatJobRef(mark), startedAt: mark.at, running })
    }
    return summaries
      .filter(({ running, startedAt }) => running || Date.parse(startedAt) >= since.getTime())
      .toSorted((one, other) => Date.parse(other.startedAt) - Date.parse(one.startedAt))
  })
}

/** Begins a backup: a restore point of all disks together, or a snapshot of each. */
import { COMPUTE } from '../../azure-api/arm.ts'
import { AzureRefusal, NoAzureAnswer } from '../../azure-api/azure-line.ts'
import type { BackupOptions } from '../../contracts/backup-options.ts'
import { BackupPutOff, BackupStartUnclear, RequestRejected, SourceUnreadable } from '../../contracts/errors.ts'
import type { Guest } from '../../contracts/nouns.ts'
import type { JobSummary } from '../job-summary.ts'
import { chosenDisks, disksOf, type MachineDisk, readDisks, refusals, type Wishes } from './disks.ts'
import { formatJobRef, type JobRef, type PointKind, pointNameOf, snapshotNameOf } from './identifiers.ts'
import { machineOf, regionOf, stateOf } from './machines.ts'
import { azureOptionsOf } from './options.ts'
import { type Machine, machineSchema } from './schemas.ts'
import type { SiteSession } from './site-session.ts'
import { firstKindOf } from './steps.ts'
import { LONGEST_VALUE, markTags } from './tags.ts'

export function wishesOf({ site }: SiteSession, options: BackupOptions): Wishes {
  const { freeze = site.freeze, consistency = site.consistency } = azureOptionsOf(options)
  return { freeze, consistency }
}

/**
 * Asked once. Names made of the token find what was made again, whatever becomes of the answer.
 * @throws BackupPutOff while Azure makes another restore point of the guest, or has made three within the hour
 */
export async function start(
  session: SiteSession,
  guest: Guest,
  options: BackupOptions,
  token: string,
): Promise<JobSummary> {
  const at = `region ${guest.node}, guest ${guest.id}`
  const where = `Site ${session.siteName}, ${at}`
  const machine = await machineOf(session, guest)
  const { meant, skipped } = chosenDisks(disksOf(machine), options.skipDisks ?? [], where)
  const wishes = wishesOf(session, options)
  const [disks, state] = await session.orFact(at, 'looking at its disks', () =>
    Promise.all([readDisks(session, meant), powerOf(session, machine)]),
  )
  const against = refusals(meant, disks, wishes)
  if (against.length > 0) throw new SourceUnreadable(`${where}: ${against.join(' ')} Nothing was made.`)
  const skip = skipped.map(({ slot }) => slot)
  const job: JobRef = { guestId: guest.id, token, ...wishes, off: state === 'stopped', at: session.serverTime(), skip }
  // It is written into a tag, by which the backup is found again.
  if (formatJobRef(job).length > LONGEST_VALUE) throw new RequestRejected(`${where}: it has too many disks to skip.`)
  try {
    if (wishes.freeze === 'snapshots') await makeSnapshots(session, job, machine, meant)
    else await makeFirstPoint(session, job, machine)
    return { jobRef: formatJobRef(job), startedAt: job.at, running: true }
  } catch (error) {
    throw startFact(session, error, at)
  }
}

async function powerOf(session: SiteSession, { id }: Machine) {
  const call = { path: id, version: COMPUTE, query: { $expand: 'instanceView' } }
  return stateOf(await session.arm.read(call, machineSchema))
}

async function makeFirstPoint(session: SiteSession, job: JobRef, machine: Machine) {
  const body = {
    location: regionOf(machine.location),
    tags: markTags(session.owner, job),
    properties: { source: { id: machine.id } },
  }
  await session.arm.write({ method: 'PUT', ...session.collection(job.guestId), body })
  await makePoint(session, job, firstKindOf(job), machine)
}

/** Asked for twice, it is made once. The disks that the job skips are left out of each one. */
export async function makePoint(session: SiteSession, job: JobRef, kind: PointKind, machine: Machine): Promise<void> {
  const skipped = disksOf(machine).filter(({ slot }) => job.skip.includes(slot))
  const excludeDisks = skipped.flatMap(({ id }) => (id === undefined ? [] : [{ id }]))
  const body = {
    properties: {
      ...(excludeDisks.length === 0 ? {} : { excludeDisks }),
      ...(kind === 'crash' ? { consistencyMode: 'CrashConsistent' } : {}),
    },
  }
  const call = { method: 'PUT' as const, ...session.point(job.guestId, pointNameOf(job.token, kind)), body }
  await session.arm.write(call)
}

/** One after the other: each is of its own instant. */
async function makeSnapshots(
  session: SiteSession,
  job: JobRef,
  machine: Machine,
  meant: readonly MachineDisk[],
): Promise<void> {
  for (const { slot, id } of meant) {
    const body = {
      location: regionOf(machine.location),
      tags: markTags(session.owner, job, meant.length),
      properties: {
        creationData: { createOption: 'Copy', sourceResourceId: id },
        incremental: true,
        networkAccessPolicy: 'AllowAll',
        publicNetworkAccess: 'Enabled',
      },
    }
    await session.arm.write({ method: 'PUT', ...session.snapshot(snapshotNameOf(job.token, slot)), body })
  }
}

/** Azure makes one restore point of a machine at a time, and three in an hour. */
export function isTurn(error: unknown): error is AzureRefusal {
  if (!(error instanceof AzureRefusal)) return false
  if (error.status === 429) return true
  return error.status === 409 && /concurrent|in.?progress|another.?operation/i.test(`${error.code} ${error.message}`)
}

function startFact(session: SiteSession, error: unknown, at: string): unknown {
  const where = `Site ${session.siteName}, ${at}`
  if (isTurn(error)) {
    return new BackupPutOff(
      `${where}: Azure freezes it no further time at this moment (${error.said}). It is asked again in a minute.`,
      { cause: error },
    )
  }
  if ((error instanceof NoAzureAnswer && error.sent) || (error instanceof AzureRefusal && error.status >= 500)) {
    return new BackupStartUnclear(`${where}: the answer was lost. Something may have been frozen all the same.`, {
      cause: error,
    })
  }
  return session.arm.fact(error, at, 'freezing its disks')
}

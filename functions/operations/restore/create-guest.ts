import { GuestIdInUse, RestoreRefused, RestoreStartUnclear } from '../../contracts/errors.ts'
import type { RestoreRecord, RestoreRef } from '../../contracts/restore-record.ts'
import type { TaskInput, TaskOutput } from '../../contracts/tasks.ts'
import { START_SETTLES_SECONDS } from '../../domain/backup/guest-claim.ts'
import { sameGuest } from '../../domain/identity/guest-identity.ts'
import { refusalsOfTheId } from '../../domain/restore/findings.ts'
import type { IntendedRestore, Restores, TargetReport } from '../../providers/capabilities/restores.ts'
import { keepLease } from '../books/restore-leases.ts'
import { changeRestore, readRestore } from '../books/restore-records.ts'
import type { Ports } from '../ports.ts'
import { placeOf } from './delivery-target.ts'
import { askForDisks } from './make-of-disks.ts'
import { intendedRestore, openRestorer } from './intended-restore.ts'

type Needs = Pick<Ports, 'store' | 'keyPrefix' | 'provider' | 'now' | 'localProcess' | 'log'>

/**
 * Ask the platform once for the guest. When an answer was lost, or a call is repeated, the platform's tasks tell whether it
 * was asked before: then that restore is gone on with, and it is never asked twice.
 * @throws RestoreStartUnclear while that can't be told: call again; RestoreRefused, GuestIdInUse when the id was taken meanwhile
 */
export async function createGuest(input: TaskInput<'CreateGuest'>, ports: Needs): Promise<TaskOutput<'CreateGuest'>> {
  const { restore } = input
  const record = await readRestore(restore, ports)
  await keepLease(input, record, ports)
  if (record.jobRef !== undefined) return { jobRef: record.jobRef }
  if (record.newDisks !== undefined) return askForDisks(restore, record, ports)
  const { storage, artifactRef } = placeOf(record)
  const { restores } = await openRestorer(record, ports)
  const intended = await intendedRestore(record, storage, ports)
  const jobRef =
    (await askedBefore(record, restores, intended, artifactRef, ports)) ??
    (await askFor(restore, record, restores, intended, artifactRef, ports))
  await changeRestore(restore, (held) => ({ ...held, jobRef }), ports)
  ports.log('guest-asked-for', { site: record.request.site, guest: record.target.id, jobRef })
  return { jobRef }
}

async function askedBefore(
  { request, target, askedAt }: RestoreRecord,
  restores: Restores,
  intended: IntendedRestore,
  artifactRef: string,
  { now }: Needs,
): Promise<string | undefined> {
  if (askedAt === undefined) return undefined
  const { ours, undecided } = await restores.find(intended, artifactRef, new Date(askedAt))
  if (ours[0] !== undefined) return ours[0].jobRef
  const settled = now().getTime() - Date.parse(askedAt) > START_SETTLES_SECONDS * 1000
  if (settled && undecided.length === 0) return undefined
  throw new RestoreStartUnclear(
    `Site ${request.site}, node ${target.node}: whether the restore of guest ${target.id} was begun isn't known yet. Ask again in a minute.`,
  )
}

async function askFor(
  restore: RestoreRef,
  record: RestoreRecord,
  restores: Restores,
  intended: IntendedRestore,
  artifactRef: string,
  ports: Needs,
): Promise<string> {
  const report = await restores.checkTarget(intended)
  const against = refusalsOfTheId(report.findings)
  if (against.length > 0) throw new RestoreRefused(against.map(({ message }) => message).join(' '))
  requireSameGuest(record, report)
  // Written before asking, by one call alone: another one that is under way sees it, and looks before it asks.
  const askedAt = ports.now().toISOString()
  await changeRestore(
    restore,
    (held) => {
      if (held.askedAt !== record.askedAt) {
        throw new RestoreStartUnclear(`Restore ${restore.id} is being begun by another call. Ask again in a minute.`)
      }
      return { ...held, askedAt }
    },
    ports,
  )
  return (await restores.create(intended, artifactRef, record.token)).jobRef
}

/** The guest that a person agreed to lose, and no other that has its id by now. */
function requireSameGuest({ request, replaces, target }: RestoreRecord, { present }: TargetReport): void {
  if (!request.replace || present === undefined) return
  const isTheOne =
    replaces !== undefined && (sameGuest(replaces.identity, present.identity) ?? replaces.name === present.name)
  if (isTheOne) return
  throw new GuestIdInUse(
    `Site ${request.site}: id ${target.id} belongs to another guest (${present.name}) than when the target was checked. Nothing was replaced. Start the restore again if that guest may be lost.`,
  )
}

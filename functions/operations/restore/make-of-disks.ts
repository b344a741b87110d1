/** An image, volumes or a guest are made of disks that were brought, and compared with the archive. */
import { InternalFault, RestoreFailed } from '../../contracts/errors.ts'
import type { ConfigurationChange, ConfigurationComparison } from '../../contracts/restore.ts'
import type { RestoreRecord, RestoreRef } from '../../contracts/restore-record.ts'
import type { TaskOutput } from '../../contracts/tasks.ts'
import { nextWaitSeconds } from '../../domain/backup/poll-wait.ts'
import { writtenIn } from '../../domain/encoding/allocation-map.ts'
import { madeInto } from '../../domain/restore/made-into.ts'
import { sentence } from '../../domain/words/sentence.ts'
import { changeRestore } from '../books/restore-records.ts'
import type { Ports } from '../ports.ts'
import { readKeptDiskPlan } from './archived-disk.ts'
import { broughtDisks, openDiskRestorer } from './intended-disks.ts'
import { areFiles, begunDisk, disksOf, newDisksOf } from './new-disks.ts'
import { type StartedGuest, startGuest } from './start-guest.ts'

type Needs = Pick<Ports, 'store' | 'keyPrefix' | 'provider' | 'now' | 'log'>

/** First snapshots of large volumes take hours. */
const LONGEST_DAYS = 4
/** Disks were begun before they were filled: what a list doesn't show by then is gone. */
const LAG_SECONDS = 15

/** The job is all that is made with the restore's token: it goes on when it is looked at. */
export async function askForDisks(
  restore: RestoreRef,
  record: RestoreRecord,
  ports: Needs,
): Promise<TaskOutput<'CreateGuest'>> {
  const jobRef = `${madeInto(record)}/${record.token}`
  const askedAt = ports.now().toISOString()
  await changeRestore(restore, (held) => ({ ...held, askedAt: held.askedAt ?? askedAt, jobRef }), ports)
  return { jobRef }
}

/**
 * Once the platform has the disks, have it make what was asked for, and see whether that can be used.
 * @throws RestoreFailed when it has other disks than were brought, or isn't done after days; the provider's errors
 */
export async function checkDisks(
  restore: RestoreRef,
  record: RestoreRecord,
  ports: Needs,
): Promise<TaskOutput<'CheckRestore'>> {
  const restores = await openDiskRestorer(record, ports)
  const brought = await broughtDisks(record, ports, true)
  const where = `Site ${record.request.site}, node ${record.target.node}`
  const state = await restores.stateOf(brought)
  const lags = state.state === 'missing' && secondsSince(record, ports) < LAG_SECONDS
  if (state.state === 'settling' || lags) return again(record, where, ports)
  if ('said' in state) throw new RestoreFailed(sentence(`${where}: ${state.said}`))
  const { ready, made } = await restores.make(brought)
  const createdAt = ports.now().toISOString()
  const steps = ready ? { createdAt } : {}
  await changeRestore(restore, (held) => ({ ...held, made, steps: { ...steps, ...held.steps } }), ports)
  if (!ready) return again(record, where, ports)
  ports.log('made-of-disks', { site: record.request.site, made: made.map(({ ref }) => ref) })
  return { done: true }
}

function secondsSince({ askedAt, startedAt }: RestoreRecord, { now }: Needs): number {
  return (now().getTime() - Date.parse(askedAt ?? startedAt)) / 1000
}

function again(record: RestoreRecord, where: string, ports: Needs): TaskOutput<'CheckRestore'> {
  const elapsedSeconds = secondsSince(record, ports)
  if (elapsedSeconds < LONGEST_DAYS * 86_400) return { done: false, waitSeconds: nextWaitSeconds({ elapsedSeconds }) }
  throw new RestoreFailed(`${where}: the platform isn't done with the disks after ${LONGEST_DAYS} days.`)
}

/**
 * Hold what was made against the archive: the machine, and which blocks the platform has of each disk. Their bytes were
 * compared when the disks were sealed. A guest is started then, where that was asked for.
 */
export async function compareDisks(
  restore: RestoreRef,
  record: RestoreRecord,
  ports: Needs & Pick<Ports, 'diskWriter' | 'sleep' | 'remainingMilliseconds'>,
): Promise<TaskOutput<'CompareGuest'>> {
  const restores = await openDiskRestorer(record, ports)
  const machine = await restores.compare(await broughtDisks(record, ports), record.made ?? [])
  const blocks: ConfigurationChange[] = []
  // A file was read back whole.
  const inBlocks = areFiles(record) ? [] : newDisksOf(record)
  for (const [index, disk] of inBlocks.entries()) {
    const change = await otherBlocks(record, index, ports)
    if (change !== undefined) blocks.push({ key: disk.fileName, ...change })
  }
  const comparison: ConfigurationComparison = { ...machine, differences: [...machine.differences, ...blocks] }
  const starting = await startMade(record, ports)
  const comparedAt = ports.now().toISOString()
  await changeRestore(
    restore,
    (held) => ({
      ...held,
      comparison,
      ...(starting === undefined ? {} : { started: starting.started }),
      warnings: [...held.warnings, ...(starting?.warnings ?? [])],
      steps: { ...held.steps, comparedAt },
    }),
    ports,
  )
  const differences = comparison.differences.length
  ports.log('disks-compared', { site: record.request.site, differences })
  return { differences }
}

/** `undefined` where nothing is to be started. */
async function startMade(
  { request, archive, target, made = [] }: RestoreRecord,
  ports: Needs & Pick<Ports, 'sleep' | 'remainingMilliseconds'>,
): Promise<StartedGuest | undefined> {
  const guest = made.find(({ what }) => what === 'guest')
  if (!request.start || guest === undefined) return undefined
  const provider = await ports.provider(request.site)
  const { kind, name } = archive.guest
  // An archive of disks says nothing of an agent in them.
  const restores = { agentAnswers: async () => undefined }
  return startGuest({ id: guest.ref, kind, name, node: target.node }, { provider, restores, agentSeconds: 0 }, ports)
}

/** `undefined` where the platform has the very blocks that the archive's map names. */
async function otherBlocks(
  record: RestoreRecord,
  index: number,
  ports: Pick<Ports, 'store' | 'diskWriter'>,
): Promise<Omit<ConfigurationChange, 'key'> | undefined> {
  const [archived, disk] = [disksOf(record)[index], newDisksOf(record)[index]]
  if (archived === undefined || disk === undefined) throw new InternalFault(`There is no disk ${index}.`)
  const writer = await ports.diskWriter(record.request.site)
  const { plan, map } = await readKeptDiskPlan(archived, ports)
  function* wanted(): Generator<number> {
    for (const { from, to } of writtenIn(map, { from: 0, to: plan.sizeBytes })) {
      for (let at = Math.floor(from / writer.blockBytes); at * writer.blockBytes < to; at += 1) yield at
    }
  }
  const rest = wanted()
  for await (const block of writer.blocksOf(begunDisk(record, disk))) {
    const next = rest.next()
    if (next.done === true || next.value !== block) return differ(next.done === true ? undefined : next.value, block)
  }
  const next = rest.next()
  return next.done === true ? undefined : differ(next.value, undefined)
}

function differ(archived: number | undefined, made: number | undefined): Omit<ConfigurationChange, 'key'> {
  return {
    ...(archived === undefined ? {} : { archived: `block ${archived}` }),
    ...(made === undefined ? {} : { made: `block ${made}` }),
    why: 'The platform has other blocks of the disk than the archive. Restore again.',
  }
}

/** One vzdump task: storage, node lock, work list, the guests one after another, the closing lines (pve-manager VZDump.pm). */
import { taskText } from './api-error.ts'
import { Interrupted } from './archive-file.ts'
import { parseRetention } from './formats.ts'
import type { NodeLock } from './node-lock.ts'
import { may, require } from './permissions.ts'
import type { Values } from './schema-check.ts'
import { activeStorage } from './storage-files.ts'
import { SilentExit, type Worker } from './tasks.ts'
import type { VzdumpJob } from './vzdump-context.ts'
import { backUpGuest } from './vzdump-guest.ts'
import { shellQuote } from './vzdump-text.ts'
import { findStorage, type LabStorage, type World } from './world.ts'

export interface WorkList {
  /** Guests of this call, as listed. */
  vmids: number[]
  /** Guests of the list that live elsewhere. */
  skipped: number[]
  /** Named one by one: each must be allowed, or nothing is done. */
  explicit: boolean
}

const NOTIFIED = 'notified via target `mail-to-root`'

/** @throws Error with the text that ends the task */
function openStorage(world: World, id: string, node: string): LabStorage {
  const problems: string[] = []
  try {
    activeStorage(world, id, node)
  } catch (error) {
    problems.push(`could not activate storage '${id}': ${taskText(error)}`)
  }
  const storage = findStorage(world, id)
  if (storage === undefined)
    problems.push(`could not get storage information for '${id}': storage '${id}' does not exist`)
  else if (problems.length === 0 && !storage.content.includes('backup')) {
    problems.push(
      `could not get storage information for '${id}': can't use storage '${id}' for backups - wrong content type`,
    )
  }
  if (problems.length > 0 || storage === undefined) throw new Error(problems.join(' '))
  return storage
}

/** The command line that a person would have typed: `vzdump 100 --node pve1 --storage store`. */
function commandLine(list: WorkList, node: string, options: Values): string {
  const all = { node, ...options }
  const words = Object.entries(all).flatMap(([name, value]) => [`--${name}`, shellQuote(value)])
  return ['vzdump', ...(list.explicit ? list.vmids.map(String) : []), ...words].join(' ')
}

async function takeLock(world: World, worker: Worker, lock: NodeLock, options: Values): Promise<void> {
  const path = '/var/run/vzdump.lock'
  const minutes = Number(options['lockwait'] ?? 180)
  if (!lock.busy) {
    await lock.acquire(world.pace, 0, worker.signal)
    return
  }
  const fail = (text: string): never => {
    worker.log(`ERROR: can't acquire lock '${path}' ${text}`)
    worker.log(`INFO: ${NOTIFIED}`)
    throw new SilentExit()
  }
  if (minutes === 0) fail('(wait = 0)')
  worker.log('INFO: trying to get global lock - waiting...')
  const result = await lock.acquire(world.pace, minutes * 60, worker.signal)
  if (result === 'timeout') fail('- got timeout')
  if (result === 'interrupted') fail('- interrupted by signal')
  worker.log('INFO: got global lock')
}

/** Guests this caller may back up; a forbidden one stops the job if it was named, and is left out silently if not. */
function permitted(world: World, who: string, list: WorkList): number[] {
  const allowed = list.vmids.filter((vmid) => {
    if (list.explicit) require(world.site, who, `/vms/${vmid}`, 'VM.Backup')
    return may(world.site, who, `/vms/${vmid}`, 'VM.Backup')
  })
  return allowed.toSorted((a, b) => a - b)
}

/** The whole worker. @throws Error with the text of the closing line, or SilentExit for none */
export async function runVzdump(
  world: World,
  worker: Worker,
  lock: NodeLock,
  who: string,
  node: string,
  list: WorkList,
  options: Values,
): Promise<void> {
  const log: VzdumpJob['log'] = (level, text) => {
    for (const line of text.split('\n')) {
      if (level === 'WARN') worker.warn(`WARN: ${line}`)
      else worker.log(`${level}: ${line}`)
    }
  }
  const hook: VzdumpJob['hook'] = (phase, mode, vmid) => runHook({ world, worker, log }, phase, mode, vmid)
  let storage: LabStorage
  try {
    storage = openStorage(world, options['storage'] ?? 'local', node)
  } catch (error) {
    log('INFO', NOTIFIED)
    throw error
  }
  const retention = parseRetention(options['prune-backups'] ?? storage.pruneBackups ?? 'keep-all=1')
  const job: VzdumpJob = { world, worker, node, who, options, storage, retention, log, hook }
  await takeLock(world, worker, lock, options)
  try {
    await hook('job-init')
    log('INFO', `starting new backup job: ${commandLine(list, node, options)}`)
    const vmids = permitted(world, who, list)
    if (list.skipped.length > 0) log('INFO', `skip external VMs: ${list.skipped.join(', ')}`)
    await runGuests(job, vmids)
  } finally {
    lock.release()
  }
}

async function runGuests(job: VzdumpJob, vmids: readonly number[]): Promise<void> {
  let failed = 0
  try {
    await job.hook('job-start')
    for (const vmid of vmids) {
      if (!(await backUpGuest(job, vmid))) failed += 1
      if (job.worker.killed) return
    }
    await job.hook('job-end')
  } catch (error) {
    job.log('ERROR', `Backup job failed - ${taskText(error)}`)
    job.log('INFO', NOTIFIED)
    throw error instanceof Interrupted ? new Error(error.message) : error
  }
  job.log('INFO', failed > 0 ? 'Backup job finished with errors' : 'Backup job finished successfully')
  job.log('INFO', NOTIFIED)
  if (failed > 0) throw new Error('job errors')
}

async function runHook(
  { world, worker, log }: Pick<VzdumpJob, 'world' | 'worker' | 'log'>,
  phase: string,
  mode: string | undefined,
  vmid: number | undefined,
): Promise<void> {
  const script = world.site.hook
  if (script === undefined) return
  const words = [phase, ...(mode === undefined ? [] : [mode]), ...(vmid === undefined ? [] : [String(vmid)])].join(' ')
  if (script.echo) log('INFO', `HOOK: ${words}`)
  const block = script.blockSeconds?.[phase]
  if (block !== undefined) await world.pace.sleep(block, worker.signal)
  const exitCode = script.exitCodes[phase] ?? 0
  if (exitCode === 0) return
  const text = `command '${script.path} ${words}' failed: exit code ${exitCode}`
  // What goes wrong after the archive is safe is only a warning.
  if (phase === 'log-end') log('WARN', text)
  else throw new Error(text)
}

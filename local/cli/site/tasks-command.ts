import { offered } from '../../../functions/providers/capabilities/offered.ts'
import type { OwnJob } from '../../../functions/providers/capabilities/tasks.ts'
import { exitCodes } from '../exit-codes.ts'
import { guestIdOf, onSite, type SiteOptions, tell, tellDryRun } from './on-site.ts'
import { unreadLines } from '../print/print-backups.ts'
import { ownTime } from '../print/own-time.ts'
import { Verbatim } from '../print/terminal.ts'
import type { StopSignals } from '../stop-signals.ts'

/** A task that runs for longer than this isn't one of ours. */
const RUNNING_DAYS = 14

export interface ListTasksOptions extends SiteOptions {
  /** Ended ones of this many hours, too. */
  hours?: number
  guest?: string
}

/** Tasks of the site file's account that run now. Exit code 2 when a node couldn't be asked. */
export function listTasks(options: ListTasksOptions, stop: StopSignals): Promise<number> {
  return onSite(options, stop, async (provider, site) => {
    const guest = options.guest === undefined ? undefined : await guestIdOf(provider, options.guest, site)
    const hours = options.hours ?? RUNNING_DAYS * 24
    const { jobs, unread } = await offered(provider, 'tasks').list(new Date(Date.now() - hours * 3_600_000))
    const wanted = jobs.filter(
      ({ running, guestId }) => (running || options.hours !== undefined) && (guest === undefined || guestId === guest),
    )
    tell(options, { tasks: wanted, unread }, [
      ...wanted.flatMap((job) => [taskLine(job), `    ${job.jobRef}`]),
      ...(wanted.length === 0 ? [options.hours === undefined ? 'No task of ours runs.' : 'No task of ours.'] : []),
      ...unreadLines(unread),
    ])
    return unread.length > 0 ? exitCodes.partial : exitCodes.succeeded
  })
}

/** A task's whole log. */
export function taskLog(jobRef: string, options: SiteOptions, stop: StopSignals): Promise<number> {
  return onSite(options, stop, async (provider) => {
    const task = await offered(provider, 'tasks').describe(jobRef)
    const log = await offered(provider, 'tasks').log(jobRef)
    const lines = log.split('\n').slice(0, -1)
    tell(
      options,
      { task, log: lines },
      lines.map((line) => new Verbatim(line)),
    )
    return exitCodes.succeeded
  })
}

export interface StopTaskOptions extends SiteOptions {
  /** How long the task may take to end, and then its guest to be unlocked. */
  timeoutSeconds: number
  confirm?: boolean
}

/**
 * Stop a task, wait for its end, and see that no lock is left on its guest. Exit code 2 when the task ended and the
 * guest stays locked.
 */
export function stopTask(jobRef: string, options: StopTaskOptions, stop: StopSignals): Promise<number> {
  return onSite(options, stop, async (provider) => {
    const before = await offered(provider, 'tasks').describe(jobRef)
    const dryRun = options.confirm !== true
    if (!before.running || dryRun) {
      tell(options, { dryRun, task: before, stopped: false }, [taskLine(before)])
      if (before.running) tellDryRun(`It would be stopped${consequence(before)}.`)
      else if (options.json !== true) process.stderr.write('It has ended: there is nothing to stop.\n')
      return exitCodes.succeeded
    }
    await provider.stop(jobRef, options.timeoutSeconds)
    const task = await offered(provider, 'tasks').describe(jobRef)
    const [guest] = task.guestId === undefined ? [] : await provider.findGuests([task.guestId])
    const left = guest === undefined ? undefined : await provider.locks?.awaitFreed(guest, options.timeoutSeconds)
    tell(options, { dryRun, task, stopped: !task.running, ...(left === undefined ? {} : { leftLock: left }) }, [
      taskLine(task),
      ...(left === undefined ? [] : [left.advice]),
    ])
    return left === undefined ? exitCodes.succeeded : exitCodes.partial
  })
}

function consequence({ type }: OwnJob): string {
  return type === 'vzdump' ? ', and what it has written so far removed' : ''
}

function taskLine({ type, guestId, node, startedAt, endedAt, running, exitStatus }: OwnJob): string {
  const what = guestId === undefined ? type : `${type} of guest ${guestId}`
  const end = running
    ? 'running'
    : `ended${endedAt === undefined ? '' : ` ${ownTime(endedAt)}`}: ${exitStatus ?? 'unknown'}`
  return `${what} on ${node}, since ${ownTime(startedAt)}, ${end}`
}

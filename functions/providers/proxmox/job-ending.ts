/** How a job ended, from its task's exit status and its log. Neither is believed alone. */
import type { BackupEvidence } from '../../contracts/evidence.ts'
import { isMarkAlone } from './notes-template.ts'
import type { TaskLog } from './task-log.ts'
import type { TaskState } from './tasks.ts'

type Ending = BackupEvidence['ending']

/** Texts of a status that wasn't read from the log's last line. */
const LOST = /^unexpected status$|^unable to (?:get last line|read tail|open file)|^no such task$/
const INTERRUPTED = /interrupted by signal|received interrupt/

/** The status says nothing: the platform couldn't read it. */
export function isLost({ exitStatus = '' }: TaskState): boolean {
  return LOST.test(exitStatus)
}

/** The exit status, or where it says nothing the log's last line. */
export function statusText(state: TaskState, { taskLine }: Pick<TaskLog, 'taskLine'>): string {
  if (state.running) return 'still running'
  const status = state.exitStatus ?? 'no exit status'
  return LOST.test(status) && taskLine !== undefined ? taskLine.replace(/^ERROR: /, '') : status
}

export function endingOf(state: TaskState, log: Pick<TaskLog, 'taskLine' | 'failure' | 'errors'>): Ending {
  if (state.running) return 'unknown'
  const status = statusText(state, log)
  if (INTERRUPTED.test(status) || (log.failure !== undefined && INTERRUPTED.test(log.failure))) return 'interrupted'
  // A log that ends in an error outweighs a status that says otherwise.
  if (log.taskLine?.startsWith('ERROR: ') === true) return 'errors'
  if (status === 'OK') return 'ok'
  if (/^WARNINGS: \d+$/.test(status)) return 'warnings'
  if (status !== 'no exit status' && !LOST.test(status)) return 'errors'
  // A job that waited for the node's lock in vain ends without a last line: only its error tells.
  if (log.errors.some((text) => INTERRUPTED.test(text))) return 'interrupted'
  return log.errors.some((text) => text.startsWith("can't acquire lock")) ? 'errors' : 'unknown'
}

/** The platform's complaint that a storage keeps no notes, where ours is all there was to note. */
const UNNOTED = /^unable to add notes - /

/**
 * The ending and the warnings without what our mark alone brought about: on a storage whose plug-in keeps no notes, each
 * backup would warn of notes that nobody wrote. `noted` is the template of the job's notes.
 */
export function withoutOurs(
  ending: Ending,
  state: TaskState,
  log: Pick<TaskLog, 'taskLine' | 'warnings'>,
  noted: string | undefined,
): { ending: Ending; warnings: string[] } {
  if (noted === undefined || !isMarkAlone(noted)) return { ending, warnings: log.warnings }
  const warnings = log.warnings.filter((text) => !UNNOTED.test(text))
  const all = ending === 'warnings' && statusText(state, log) === `WARNINGS: ${log.warnings.length - warnings.length}`
  return { ending: all ? 'ok' : ending, warnings }
}

/** What a backup reached, read from what its log means: vzdump says most of it as INFO, beside lines that say nothing. */
import type { Gap, Grade } from '../../contracts/grade.ts'
import type { Guest } from '../../contracts/nouns.ts'
import { gapsIn } from './gaps.ts'
import type { OpeningLine } from './opening-line.ts'
import type { TaskLog } from './task-log.ts'

/** What the log doesn't tell of a guest's gaps, from elsewhere. */
export interface UnsaidGaps {
  gaps: Gap[]
  /** Why there may be more. */
  mayLack?: string
}

export function gradeOf(
  log: TaskLog,
  { id, kind }: Pick<Guest, 'id' | 'kind'>,
  opening: OpeningLine | undefined,
  unsaid: UnsaidGaps = { gaps: [] },
): Grade {
  // Not what stands before the guest's turn: a hook may say anything there, and other guests' lines are gone already.
  const from = log.section.findIndex((line) => line.startsWith(`INFO: Starting Backup of VM ${id} (`))
  const own = from < 0 ? [] : log.section.slice(from)
  return {
    ...consistencyOf(log, kind, own),
    gaps: [...gapsIn(own, opening), ...unsaid.gaps],
    ...(unsaid.mayLack === undefined ? {} : { gapsMayLack: unsaid.mayLack }),
  }
}

type Reached = Pick<Grade, 'consistency' | 'reason' | 'expected' | 'advice'>

/**
 * How consistent the archive is, as far as the log proves it (qemu-server 9.2.6, pve-container 6.1.10, pve-manager 9.2.11).
 * - A guest that wasn't running is `application`: nothing writes, and a restore starts from where it would have started.
 *   How it was stopped some day is its own state and no fault of the backup.
 * - Mode stop is `application`: vzdump sends a shutdown and waits. A guest that doesn't follow in time is not killed (`qm
 *   shutdown` without `forceStop`, `lxc-stop --nokill`); its backup fails. One that ended well was shut down.
 * - A running container is `file-system`, in mode snapshot (its processes are frozen and its file systems written out
 *   while the snapshot is made) and in mode suspend (the last copy is made of frozen processes' files, through the node's
 *   kernel, so that nothing waits in a cache). Its applications aren't told.
 * - A running VM is `file-system` when its agent froze the file systems without a complaint until the job had begun.
 *   On Windows the agent does so by VSS, whose writers may reach more; the log doesn't say, so it isn't claimed.
 * - Every other running VM is `crash`, one that is suspended too: what its kernel hasn't written yet is in its memory.
 */
function consistencyOf({ guestStatus, mode }: TaskLog, kind: Guest['kind'], own: readonly string[]): Reached {
  const says = (text: string) => own.includes(`INFO: ${text}`)
  if (guestStatus === 'stopped') return { consistency: 'application', reason: "The guest wasn't running." }
  if (guestStatus !== 'running') return { reason: "The job's log doesn't show whether the guest was running." }
  if (mode === 'stop') {
    return says('stopping virtual guest')
      ? { consistency: 'application', reason: 'The guest was shut down for the backup.' }
      : { reason: "The job's log doesn't show that the guest was shut down." }
  }
  if (kind === 'vm') return frozenOrNot(own)
  if (mode === 'snapshot' && says("create storage snapshot 'vzdump'")) {
    return { consistency: 'file-system', reason: 'It is from a snapshot of the running container.' }
  }
  if (mode === 'suspend' && says('suspending guest')) {
    return { consistency: 'file-system', reason: 'The container was suspended while the last of it was copied.' }
  }
  return { reason: "The job's log doesn't show how the running container was copied." }
}

const FREEZE = "INFO: issuing guest-agent 'fs-freeze' command"
const THAW = "INFO: issuing guest-agent 'fs-thaw' command"
const BEGUN = /^INFO: started backup task '/
/** The wording up to qemu-server 9.0, and that since. */
const NOT_FROZEN = /^INFO: skipping (?:guest-agent 'fs-freeze',|guest filesystem freeze -) (.+?)\??$/

function frozenOrNot(own: readonly string[]): Reached {
  const crash = (reason: string) => ({ consistency: 'crash' as const, reason })
  const freeze = own.lastIndexOf(FREEZE)
  if (freeze >= 0) {
    const tried = own.slice(freeze, own.findIndex((line, at) => at > freeze && BEGUN.test(line)) + 1)
    const complaint = tried.find((line) => /^(?:ERROR|WARN): /.test(line))
    if (complaint === undefined && tried.includes(THAW)) {
      return { consistency: 'file-system', reason: 'The guest agent froze the file systems.' }
    }
    const why = complaint === undefined ? '' : ` (${complaint.replace(/^[A-Z]+: /, '')})`
    return {
      ...crash(`The guest agent was asked to freeze the file systems, and nothing shows that it did${why}.`),
      expected: 'file-system',
      advice: 'Look at the agent and its freeze hooks inside the guest.',
    }
  }
  const skipped = own.flatMap((line) => NOT_FROZEN.exec(line)?.[1] ?? []).at(-1)
  if (skipped === undefined) return crash('File systems were not frozen: no guest agent is set up.')
  // Also said where no agent is set up.
  if (skipped === 'disabled in VM options') {
    return crash("File systems were not frozen: the VM's options have no guest agent, or switch freezing off.")
  }
  return {
    ...crash(`File systems were not frozen: ${skipped}.`),
    expected: 'file-system',
    advice: 'Install and start qemu-guest-agent inside the guest, or remove the agent from its options.',
  }
}

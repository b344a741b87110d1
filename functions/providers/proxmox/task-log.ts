/** Reads a vzdump task's log as far as it concerns one guest. Grammar: pve-guest-common 6.0.2, pve-manager 9.2.11. */
import { parseArchiveName } from './identifiers.ts'
import { unaccounted } from './log-remarks.ts'

/** What a log says about one guest's backup. */
export interface TaskLog {
  /** The line that opens a job is there. */
  begins: boolean
  /** What follows `TASK ` in the last line: `OK`, `WARNINGS: 2`, `ERROR: job errors`. Absent when the log is cut. */
  taskLine?: string
  /** Absolute path of the archive on the node; absent when the log names none, or several that differ. */
  archivePath?: string
  archiveName?: string
  /** `2026-11-22 17:34:51` in the node's local time. */
  startedLocal?: string
  /** The archive was written to its end, whatever came of it afterwards. */
  packed: boolean
  /** Where the job put temporary files, if not beside the archive. */
  scratchFolder?: string
  finished: boolean
  failure?: string
  /** What went into the archive before it was compressed, zeroes of disks left out. Absent when the log doesn't tell. */
  contentBytes?: number
  warnings: string[]
  errors: string[]
  /** Lines without a level that no good backup has, up to the job's end. */
  remarks: string[]
  /** The mode that was used, which need not be the one that was asked for. */
  mode?: string
  /** Why another mode than the one that was asked for. */
  modeFailure?: string
  /** `running` or `stopped`, as the guest was when its turn came. */
  guestStatus?: string
  /** Everything said about this guest, for hints. */
  section: string[]
}

/** Longest text that is taken over: a failed container dump's error holds a shell command of 700 characters. */
const LONGEST_TEXT = 300
const MOST_LINES = 20

// Free text is taken without a mark for its end: with one, a text that holds a carriage return would not match at all.
const OPENING = /^INFO: starting new backup job: vzdump\b/
const STARTING = /^INFO: Starting Backup of VM (\d+) \(/
const FAILED = /^ERROR: Backup of VM (\d+) failed - (.*)/
const FINISHED = /^INFO: Finished Backup of VM (\d+) \(/
const JOB_FAILED = /^ERROR: Backup job failed - (.*)/
const JOB_OVER = /^(?:INFO: Backup job finished|ERROR: Backup job failed)/
const TASK = /^TASK ((?:OK|WARNINGS: \d+|ERROR: .*))$/
const ARCHIVE = /^INFO: creating vzdump archive '(\/.+)'$/
const PACKED = /^INFO: archive file size: /
const SCRATCH = /^INFO: filesystem type on dumpdir is '\w+' -using (\/\S+) for temporary files$/
/** GNU tar's own totals: bytes of the tar, holes of sparse files left out. */
const TAR_TOTAL = /^INFO: Total bytes written: (\d{1,15}) \(/
const TRANSFERRED = /^INFO: transferred (\d[\d.]* [KMGTP]?i?B) in <?\d+ seconds?(?: \(.*\))?$/
/** Absent where no block of any disk is zero. */
const SPARSE = /^INFO: backup is sparse: (\d[\d.]* [KMGTP]?i?B) \(\d+%\) total zero data$/
/** Of a VM's restore: `progress 12% (read 4127195136 bytes, duration 31 sec)`. A container's tells nothing. */
const RESTORED = /^progress (\d{1,3})% \(read (\d{1,15}) bytes, duration \d+ sec\)$/
const PROGRESS = /^INFO:\s+(\d{1,3})% \(([^)]+) of ([^)]+)\) in /

export function readTaskLog(lines: readonly string[], vmid: string): TaskLog {
  const own = ownLines(lines, vmid)
  const failure = failureOf(own, vmid)
  const log: TaskLog = {
    begins: lines.some((line) => OPENING.test(line)),
    packed: own.some((line) => PACKED.test(line)),
    finished: own.some((line) => FINISHED.exec(line)?.[1] === vmid),
    warnings: texts(own, /^WARN: (.*)/),
    errors: texts(own, /^(?:ERROR|TASK ERROR): (.*)/).filter((text) => text !== 'job errors'),
    remarks: distinct(unaccounted(own.slice(0, own.findIndex((line) => JOB_OVER.test(line)) + 1 || undefined))),
    section: own,
  }
  const taskLine = TASK.exec(lines.findLast((line) => line.trim() !== '') ?? '')?.[1]
  if (taskLine !== undefined) log.taskLine = taskLine
  if (failure !== undefined && !log.finished) log.failure = shorten(failure)
  const started = own.flatMap(
    (line) => /^INFO: Backup started at (\d{4}-\d\d-\d\d \d\d:\d\d:\d\d)$/.exec(line)?.[1] ?? [],
  )
  if (started[0] !== undefined) log.startedLocal = started[0]
  const mode = onlyOne(own, /^INFO: backup mode: (\w+)$/)
  if (mode !== undefined) log.mode = mode
  const modeFailure = onlyOne(own, /^INFO: mode failure - (.+)/)
  if (modeFailure !== undefined) log.modeFailure = shorten(modeFailure)
  const guestStatus = onlyOne(own, /^INFO: status = (\w+)$/)
  if (guestStatus !== undefined) log.guestStatus = guestStatus
  const scratchFolder = onlyOne(own, SCRATCH)
  if (scratchFolder !== undefined) log.scratchFolder = scratchFolder
  const contentBytes = contentOf(own)
  if (contentBytes !== undefined) log.contentBytes = contentBytes
  Object.assign(log, archiveOf(own, vmid))
  return log
}

/**
 * The lines about this guest, the job's head before the first guest, and the job's end. Left out: other guests, and
 * errors of notifications, which are sent after the job is over and don't change how it went.
 */
function ownLines(lines: readonly string[], vmid: string): string[] {
  let current: string | undefined
  let over = false
  return lines.filter((line) => {
    current = STARTING.exec(line)?.[1] ?? FAILED.exec(line)?.[1] ?? current
    if (JOB_OVER.test(line)) {
      over = true
      return true
    }
    if (over) return !line.startsWith('ERROR: ')
    if (line.startsWith('ERROR: could not notify via target')) return false
    return current === undefined || current === vmid || TASK.test(line)
  })
}

function failureOf(own: readonly string[], vmid: string): string | undefined {
  const first = (pattern: RegExp) => own.flatMap((line) => pattern.exec(line)?.[1] ?? [])[0]
  const guests = own.flatMap((line) => {
    const match = FAILED.exec(line)
    return match?.[1] === vmid ? [match[2] ?? ''] : []
  })
  const task = first(/^TASK ERROR: (.*)/)
  return guests[0] ?? first(JOB_FAILED) ?? (task === 'job errors' ? undefined : task)
}

/** Only an archive that bears this guest's number in a standard name; of several different ones, none. */
function archiveOf(own: readonly string[], vmid: string): Pick<TaskLog, 'archiveName' | 'archivePath'> {
  const paths = new Set(own.flatMap((line) => ARCHIVE.exec(line)?.[1] ?? []))
  const [archivePath] = paths
  if (archivePath === undefined || paths.size > 1) return {}
  const archiveName = archivePath.slice(archivePath.lastIndexOf('/') + 1)
  return parseArchiveName(archiveName)?.vmid === vmid ? { archiveName, archivePath } : {}
}

/** A figure that its rounding may have moved by more than this share of it says nothing. */
const LARGEST_ROUNDING = 0.05

/** Said several times and differently (by a hook's output, say), it isn't known. */
function onlyOne(own: readonly string[], pattern: RegExp): string | undefined {
  const said = new Set(own.flatMap((line) => pattern.exec(line)?.[1] ?? []))
  return said.size === 1 ? [...said][0] : undefined
}

function contentOf(own: readonly string[]): number | undefined {
  const only = (pattern: RegExp) => onlyOne(own, pattern)
  const tar = only(TAR_TOTAL)
  if (tar !== undefined) return Number(tar) > 0 ? Number(tar) : undefined
  const transferred = only(TRANSFERRED)
  const read = bytesOf(transferred)
  if (transferred === undefined || read === undefined) return undefined
  const zero = only(SPARSE) ?? (own.some((line) => SPARSE.test(line)) ? undefined : '0 B')
  const zeroBytes = bytesOf(zero)
  if (zero === undefined || zeroBytes === undefined) return undefined
  const content = read - zeroBytes
  // Both have two decimals of their own unit: of a few GiB in a disk of several TiB, the difference is mostly rounding.
  return content > 0 && roundingOf(transferred) + roundingOf(zero) <= content * LARGEST_ROUNDING ? content : undefined
}

/** By how many bytes a text like `9.36 GiB` may be off: half of its last decimal. */
function roundingOf(text: string): number {
  const [number = '', unit = ''] = text.split(' ')
  if (unit === 'B') return 0
  const decimals = number.split('.')[1]?.length ?? 0
  return ((bytesOf(`1 ${unit}`) ?? 0) * 10 ** -decimals) / 2
}

/** The newest progress in the log. Containers have none. Sizes have one decimal there. */
export function latestProgress(
  lines: readonly string[],
): { progressPercent: number; doneBytes?: number; totalBytes?: number } | undefined {
  const [, restored, read] = RESTORED.exec(lines.findLast((line) => RESTORED.test(line)) ?? '') ?? []
  if (Number(restored) <= 100) return { progressPercent: Number(restored), doneBytes: Number(read) }
  const newest = lines.findLast((line) => PROGRESS.test(line))
  const [, percent, done, total] = PROGRESS.exec(newest ?? '') ?? []
  const progressPercent = Number(percent)
  if (!(progressPercent <= 100)) return undefined
  const doneBytes = bytesOf(done)
  const totalBytes = bytesOf(total)
  return {
    progressPercent,
    ...(doneBytes === undefined ? {} : { doneBytes }),
    ...(totalBytes === undefined ? {} : { totalBytes }),
  }
}

/** `1.6 GiB` → bytes. */
function bytesOf(text: string | undefined): number | undefined {
  const match = /^([\d.]+) ([KMGTP]?)i?B$/.exec(text ?? '')
  if (match === null) return undefined
  // No letter at all is found first.
  const bytes = Number(match[1]) * 1024 ** ' KMGTP'.indexOf(match[2] ?? '')
  return Number.isFinite(bytes) ? Math.round(bytes) : undefined
}

function texts(lines: readonly string[], pattern: RegExp): string[] {
  return distinct(lines.flatMap((line) => pattern.exec(line)?.[1] ?? []))
}

function distinct(found: readonly string[]): string[] {
  return [...new Set(found.map(shorten))].slice(0, MOST_LINES)
}

/** Both ends of a long text: what failed stands at its beginning, why at its end. */
function shorten(text: string): string {
  const flat = text.trim()
  if (flat.length <= LONGEST_TEXT) return flat
  const half = (LONGEST_TEXT - 3) / 2
  return `${flat.slice(0, Math.ceil(half))} … ${flat.slice(-Math.floor(half))}`
}

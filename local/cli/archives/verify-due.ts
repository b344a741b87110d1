/** `guestlift verify --due`: the verification workflow, on AWS in the bucket's region or here, and its report for people. */
import { styleText } from 'node:util'
import type {
  ReadArchive,
  UnreadArchive,
  VerificationReport,
} from '../../../functions/contracts/verification-report.ts'
import { formatBytes } from '../../../functions/domain/words/byte-size.ts'
import { byCause, someOf } from '../../../functions/domain/words/same-cause.ts'
import { UsageError } from '../../run/cli-error.ts'
import { plain } from '../print/columns.ts'
import type { StopSignals } from '../stop-signals.ts'
import { type Upkeep, upkeepHere, upkeepOnAws, type UpkeepOptions } from '../run/upkeep-command.ts'

const DAY_MILLISECONDS = 86_400_000

export interface VerifyDueOptions extends Omit<UpkeepOptions, 'local' | 'deployment'> {
  /** On this machine, with the definition and functions that a deployment would use. */
  local: boolean
  deployment?: string
  /** On demand: these keys, folders or prefixes, in place of what is due. */
  archive?: string
  site?: string
  /** Milliseconds. */
  archiveWithin?: number
  guestWithin?: number
}

/** Returns the exit code. @throws UsageError when the bucket isn't named */
export async function verifyDue(options: VerifyDueOptions, stop: StopSignals): Promise<number> {
  const { local, deployment = 'example', bucket, archive, site, archiveWithin, guestWithin, ...rest } = options
  const policy = {
    ...(archiveWithin === undefined ? {} : { archiveWithinDays: archiveWithin / DAY_MILLISECONDS }),
    ...(guestWithin === undefined ? {} : { guestWithinDays: guestWithin / DAY_MILLISECONDS }),
  }
  const upkeep: Upkeep<'verifyArchives'> = {
    workflow: 'verifyArchives',
    request: {
      ...(site === undefined ? {} : { site }),
      ...(archive === undefined ? {} : { archives: [archive] }),
      // What it says nothing of, the workflow itself fills in: the deployment's policy.
      ...(Object.keys(policy).length === 0 ? {} : { policy }),
    },
    noun: 'verification',
    lines: verifiedLines,
  }
  if (!local) return upkeepOnAws(upkeep, { ...rest, deployment }, stop)
  if (bucket === undefined) throw new UsageError('verify --due --local needs --bucket <name>.')
  return upkeepHere(upkeep, { ...rest, bucket }, stop)
}

const words = {
  accepted: styleText('green', 'accepted'),
  refused: styleText('red', 'REFUSED'),
  'not-verified': styleText('red', 'NOT VERIFIED'),
} as const

/** The report as a person reads it: what was read and what became of it, what wasn't and why, then what it comes to. */
export function verifiedLines(report: VerificationReport): string[] {
  const { archives, unread, further, summary } = report
  return [
    ...archives.filter(({ result }) => result === 'accepted').flatMap(archiveLines),
    ...byCause(
      archives.filter(({ result }) => result !== 'accepted'),
      ({ folder, site, result, reason }) => ({ cause: `${result} ${reason}`, own: ownWords(folder, site) }),
    ).flatMap((alike) => firstOf(alike, archiveLines)),
    ...byCause(unread, ({ folder, site, overdue, reason }) => ({
      cause: `${overdue} ${reason}`,
      own: ownWords(folder, site),
    })).flatMap((alike) => firstOf(alike, unreadLines)),
    ...(further > 0 ? [styleText('dim', `note: ${further} further archives were left out.`)] : []),
    plain(summary),
  ]
}

/** A reason may name the archive's folder, or parts of it. */
function ownWords(folder: string, site: string): string[] {
  const guest = folder.split('/').at(-3) ?? ''
  return [folder, guest, site]
}

/** Archives with one cause: the first in full, the others by name. */
function firstOf<Archive extends { folder: string }>(
  [first, ...alike]: readonly Archive[],
  lines: (archive: Archive) => string[],
): string[] {
  if (first === undefined) return []
  const others = someOf(alike.map(({ folder }) => plain(folder)))
  return [...lines(first), ...(alike.length === 0 ? [] : [`    The same of ${alike.length} more: ${others}`])]
}

function archiveLines({ folder, result, reason, due, sizeBytes, overdue, lockTrouble }: ReadArchive): string[] {
  const late = overdue && result === 'not-verified' ? ', overdue' : ''
  return [
    `${words[result]}${late}: ${plain(folder)} (${formatBytes(sizeBytes)})`,
    `    ${plain(result === 'accepted' ? due : reason)}`,
    ...(lockTrouble === undefined ? [] : [`    ${styleText('red', 'LOCK MISSING')}: ${plain(lockTrouble)}`]),
  ]
}

function unreadLines({ folder, reason, overdue }: UnreadArchive): string[] {
  return [`${styleText('dim', 'not read')}${overdue ? ', overdue' : ''}: ${plain(folder)}`, `    ${plain(reason)}`]
}

import { styleText } from 'node:util'
import type { ArchiveDecision } from '../../../functions/contracts/retention-report.ts'
import { formatBytes } from '../../../functions/domain/words/byte-size.ts'
import { formatDollars } from '../../../functions/domain/prices/prices.ts'
import type { SiteEnd } from '../../../functions/operations/pruning/prune-site.ts'
import { plain, textColumns } from './columns.ts'
import { ownDay, ownTime } from './own-time.ts'

const colours = {
  keep: 'green',
  protected: 'green',
  remove: 'red',
  removed: 'red',
  locked: 'yellow',
  left: 'yellow',
} as const

/** One guest's plan or report as a person reads it: a line an archive, what is odd, what it comes to. */
export function retentionLines({ guest, result }: SiteEnd): string[] {
  const name = styleText('bold', plain(`${guest.kind} ${guest.id}`))
  if ('trouble' in result) return [`${name}: ${plain(result.trouble)}`]
  return [
    `${name}: ${result.summary}`,
    ...textColumns(result.archives.map(row)).flat(),
    ...result.resumed.map((folder) =>
      plain(`  ${result.dryRun ? 'would be ended' : 'ended'}: the removal of ${folder}`),
    ),
    ...result.warnings.map((warning) => `  ${styleText('yellow', 'warning:')} ${plain(warning)}`),
  ]
}

function row({
  createdAt,
  at,
  formerGuest,
  sizeBytes,
  decision,
  outcome,
  reason,
  trouble,
  early,
  foreignKeys = [],
}: ArchiveDecision): string[] {
  const told = outcome ?? decision
  const further = [
    ...(formerGuest === undefined ? [] : [`of a former guest, ${formerGuest === '' ? 'without a name' : formerGuest}`]),
    reason,
    ...(at === undefined ? [] : [`the platform's clock dated it; it was made at ${ownTime(at)}`]),
    ...(trouble === undefined ? [] : [trouble]),
    ...(early === undefined
      ? []
      : [
          `${formatDollars(early.dollars)} is billed for its storage class until ${ownDay(early.until)}, whether it goes now or then`,
        ]),
    ...(foreignKeys.length === 0
      ? []
      : [
          foreignKeys.length === 1
            ? 'one file there is not ours and stays'
            : `${foreignKeys.length} files there are not ours and stay`,
        ]),
  ]
  return [`  ${styleText(colours[told], told)}`, ownTime(createdAt), formatBytes(sizeBytes), plain(further.join('; '))]
}

import { extname } from 'node:path'
import type { Command } from 'commander'
import { S3VersionStore } from '../../../functions/aws/s3-version-store.ts'
import { type AuditPorts, readAudit } from '../../../functions/operations/audit/read-audit.ts'
import { requireKnownSite } from '../../../functions/operations/catalogue/known-sites.ts'
import { sentences } from '../../../functions/domain/words/sentence.ts'
import { proveCopy } from '../../../functions/operations/verification/prove-copy.ts'
import { toolVersion } from '../../../functions/runtime/version.ts'
import { UsageError } from '../../run/cli-error.ts'
import { type BucketOptions, type OpenBucket, openBucket, requestLine } from '../bucket-store.ts'
import { exitCodes, exitHelp } from '../exit-codes.ts'
import { printNotes, textOf } from '../print/terminal.ts'
import { addSecondOptions, openSecond, type SecondOptions } from '../second-bucket.ts'
import { siteOption, withBucketOptions } from '../shared-options.ts'
import type { StopSignals } from '../stop-signals.ts'
import { out } from '../stream-out.ts'
import { durationOption, sinceOption, untilOption, utcOption } from '../time-option.ts'
import { kmsSigner } from './kms-signer.ts'
import { auditLines } from './print-audit.ts'
import { type ReportForm, reportForms, reportPieces } from './report-forms.ts'
import { writeReport } from './write-report.ts'

interface ReportOptions extends BucketOptions, SecondOptions, Partial<Record<ReportForm, boolean>> {
  from: string
  to?: string
  site?: string
  every?: number
  grace?: number
  locks?: true
  out?: string
  sign?: string
}

export function addReportCommand(program: Command, stop: StopSignals): void {
  const command = program
    .command('report')
    .description('show what the bucket proves of a period: archived, verified, rehearsed, pruned, and every gap')
  addSecondOptions(withBucketOptions(command))
    .requiredOption('--from <time>', 'from then on: 2026-07-01, an instant, or 90d for so long ago', sinceOption)
    .option('--to <time>', 'until then, a whole day included (default: now)', untilOption)
    .addOption(siteOption())
    .option('--every <duration>', 'judge gaps by this, in place of what checks of coverage saw', durationOption)
    .option('--grace <duration>', 'with --every: how much later an archive may be (default: a quarter)', durationOption)
    .option('--locks', 'ask S3 what lock holds each archive that is there: a request for each file')
    .option('--html', 'as one HTML file that needs nothing else')
    .option('--csv', 'as a table, one line for each archive')
    .option('--json', 'as one line of JSON, by schemas/evidence.schema.json')
    .option('-o, --out <file>', 'write it there, with <file>.sha256 beside it; .html, .csv or .json say the form')
    .option('--sign <key>', 'with --out: sign it with a key of AWS KMS into <file>.sig')
    .addOption(utcOption())
    .addHelpText(
      'after',
      exitHelp({
        succeeded: 'every record of the period could be read; what they say may be bad',
        partial: 'made, and it may lack events: some record is missing, foreign or unreadable',
      }),
    )
    .action(async (options: ReportOptions) => {
      // There is nothing to clean up but a file that has another name until it is whole.
      stop.onInterrupt(() => process.exit(exitCodes.interrupted))
      process.exitCode = await report(options)
    })
}

async function report(options: ReportOptions): Promise<number> {
  const form = formOf(options)
  const to = options.to ?? new Date().toISOString()
  if (Date.parse(options.from) >= Date.parse(to)) {
    throw new UsageError(`The period ends at ${to}, and begins at ${options.from}: give an earlier --from.`)
  }
  if (options.sign !== undefined && options.out === undefined) {
    throw new UsageError('--sign needs --out <file>: the signature lies in a file beside it.')
  }
  if (options.grace !== undefined && options.every === undefined) {
    throw new UsageError('--grace goes with --every: checks of coverage have their own.')
  }
  const opened = openBucket(options)
  const { client, store, keyPrefix } = opened
  if (options.site !== undefined) await requireKnownSite(options.site, { store, keyPrefix })
  const { site, every, grace } = options
  const expected = every === undefined ? undefined : { every, grace: grace ?? every / 4 }
  const locks = options.locks === true ? new S3VersionStore(client, options.bucket, () => new Date()) : undefined
  const other = openSecond(options, options)
  const ports = { store, keyPrefix, now: () => new Date(), toolVersion, locks, copies: copiesIn(store, other?.store) }
  const made = await readAudit({ from: options.from, to, site }, expected, ports)
  const notes = [requestLine(opened), ...(other === undefined ? [] : [`In the second bucket: ${requestLine(other)}`])]
  if (options.out !== undefined) {
    const signer = options.sign === undefined ? undefined : kmsSigner(options.sign)
    const { sha256, signature } = await writeReport(options.out, reportPieces(made, form ?? 'html'), signer)
    await out(textOf([made.summary, `${options.out}: SHA-256 ${sha256}`]))
    if (signature !== undefined) await out(textOf([`${options.out}.sig: ${signature.algorithm} by ${signature.key}`]))
  } else if (form === undefined) await out(textOf(auditLines(made)))
  else for (const piece of reportPieces(made, form)) await out(piece)
  printNotes(notes)
  return made.whole ? exitCodes.succeeded : exitCodes.partial
}

/** What a second bucket says of archives; nothing where none is named. */
function copiesIn(store: OpenBucket['store'], second: OpenBucket['store'] | undefined): AuditPorts['copies'] {
  if (second === undefined) return undefined
  return async (folder) => {
    const { state, reasons } = await proveCopy(folder, { store, second, now: () => new Date() })
    return { bucket: second.bucket, state, ...(reasons.length === 0 ? {} : { reason: sentences(reasons) }) }
  }
}

/** As the options say, or the file's ending. @throws UsageError for two at once */
function formOf(options: ReportOptions): ReportForm | undefined {
  const told = reportForms.filter((form) => options[form] === true)
  if (told.length > 1) throw new UsageError(`Choose one of ${told.map((form) => `--${form}`).join(' and ')}.`)
  const ending = options.out === undefined ? '' : extname(options.out).slice(1).toLowerCase()
  const [form = reportForms.find((one) => one === ending)] = told
  if (options.out !== undefined && form === undefined) {
    throw new UsageError(`Which form ${options.out} is to have isn't known: give --html, --csv or --json.`)
  }
  return form
}

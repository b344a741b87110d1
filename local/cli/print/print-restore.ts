import { styleText } from 'node:util'
import type { ConfigurationChange } from '../../../functions/contracts/restore.ts'
import type { RestoreReport } from '../../../functions/contracts/restore-report.ts'
import type { RestoreRequest } from '../../../functions/contracts/restore-request.ts'
import { formatBytes } from '../../../functions/domain/words/byte-size.ts'
import { columns, plain, textColumns } from './columns.ts'
import { archiveRestoreLines } from './print-prices.ts'
import { type Line, Verbatim } from './terminal.ts'
import { formatSeconds } from './units.ts'

/** What the report doesn't repeat of the request that it answers. */
type Asked = Pick<RestoreRequest, 'replace' | 'start' | 'storage' | 'template' | 'thaw'> &
  Partial<Pick<RestoreRequest, 'to'>>

/** Values of a configuration are shown to this length; the report has them whole. */
const SHOWN_CHARACTERS = 200

/**
 * The report as a person reads it: from what to where, what was found, what each step took, and what it comes to.
 * @param price short, in full, or none: prices of AWS say nothing about another store
 */
export function restoreLines(
  report: RestoreReport,
  asked: Asked,
  price: 'none' | 'short' | 'in full' = 'short',
): Line[] {
  return [
    ...textColumns(headRows(report)).flat(),
    ...findingLines(report),
    ...(report.dryRun ? foreseenLines(report, asked) : doneLines(report)),
    ...(report.dryRun && report.price !== undefined && price !== 'none'
      ? archiveRestoreLines(report.price, price === 'in full')
      : []),
    ...report.left.flatMap(leftLines),
    ...(report.error === undefined
      ? []
      : [styleText('dim', `note: docs/troubleshooting.md has a section on ${plain(report.error.name)}.`)]),
    plain(bareSummary(report)),
    ...(report.dryRun && report.error === undefined ? [howToDoIt(report)] : []),
  ]
}

function headRows({ archive, guest, target, started, isTemplate, made = [], bringsDisks }: RestoreReport): string[][] {
  return [
    ...(archive === undefined
      ? []
      : [
          ['Archive', plain(archive.folder)],
          ['File', plain(`${archive.fileName}, ${formatBytes(archive.sizeBytes)}`)],
        ]),
    ...(guest === undefined
      ? []
      : [['Guest', plain(`${`${guest.kind} ${guest.id} ${guest.name}`.trim()}, archived on node ${guest.node}`)]]),
    ...(target === undefined
      ? []
      : [['Target', plain(bringsDisks === true ? `site ${target.site}, node ${target.node}` : targetText(target))]]),
    ...(started === undefined ? [] : [['Started', startedText(started)]]),
    ...made.map(({ what, ref, fileName }) => [
      what === 'image' ? 'Image' : 'Volume',
      plain(`${ref}${fileName === undefined ? '' : `, of ${fileName}`}`),
    ]),
    ...(isTemplate === undefined ? [] : [['Template', isTemplate ? 'it is one' : styleText('red', "it isn't one")]]),
  ]
}

function targetText({ site, node, id, storages }: NonNullable<RestoreReport['target']>): string {
  return `site ${site}, node ${node}, id ${id}${storages.length === 0 ? '' : `, disks on ${storages.join(', ')}`}`
}

function startedText({ running, agent }: NonNullable<RestoreReport['started']>): string {
  if (!running) return styleText('red', "it doesn't run")
  if (agent === undefined) return 'it runs'
  return agent ? 'it runs, and its agent answers' : styleText('yellow', "it runs, and its agent doesn't answer")
}

/** What stands against it comes first. */
function findingLines({ findings, warnings }: RestoreReport): string[] {
  const refusals = findings.filter(({ level }) => level === 'refusal')
  const others = findings.filter(({ level }) => level === 'warning')
  return [
    ...refusals.map(({ message }) => `${styleText('red', 'refused:')} ${plain(message)}`),
    ...[...others.map(({ message }) => message), ...warnings].map(
      (message) => `${styleText('yellow', 'warning:')} ${plain(message)}`,
    ),
  ]
}

function foreseenLines(report: RestoreReport, asked: Asked): string[] {
  const { replace, start, storage, template, thaw } = asked
  const { archive, guest, target, findings } = report
  if (report.outcome !== 'succeeded' || archive === undefined || guest === undefined || target === undefined) return []
  const { node, id } = target
  const frozen = findings.some(({ name }) => name === 'archive-frozen')
  const thawing = frozen
    ? [thaw === undefined ? 'wait until it is thawed' : `thaw it: tier ${thaw.tier}, for ${thaw.days} days`]
    : []
  if (report.bringsDisks === true) return foreseen([...thawing, ...diskSteps(archive, asked, node)])
  const steps = [
    ...thawing,
    `bring the file to node ${node}, ${formatBytes(archive.sizeBytes)}, and check it there`,
    ...(replace ? [styleText('red', `destroy the guest that has id ${id}, with its disks`)] : []),
    `make ${guest.kind} ${id} of it, its disks ${storage === undefined ? 'where the archive had them' : `on ${storage}`}`,
    'compare the guest with the archive',
    ...(start ? ['start the guest'] : []),
    ...(template === true ? ['make a template of the guest'] : []),
    `remove the file from node ${node}`,
  ]
  return foreseen(steps)
}

function foreseen(steps: readonly string[]): string[] {
  return ['What would be done:', ...steps.map((step) => `  - ${step}`)]
}

function diskSteps({ sizeBytes }: NonNullable<RestoreReport['archive']>, { to }: Asked, node: string): string[] {
  return [
    `write a snapshot of each disk: unpacked from ${formatBytes(sizeBytes)}, each block with its SHA-256`,
    to === 'volume'
      ? `make a volume of each in zone ${node}`
      : 'register an image of them, from which instances are run',
    'compare blocks and settings with the archive',
  ]
}

function doneLines(report: RestoreReport): string[] {
  const { expected, differences } = report
  return [
    ...columns(stepRows(report)),
    ...differences.flatMap((change) => [
      `${styleText('red', 'not as archived:')} ${plain(change.key)}`,
      `    archived: ${valueText(change.archived)}`,
      `    made:     ${valueText(change.made)}`,
      `    ${plain(change.why)}`,
    ]),
    ...expected.map(({ key, why }: ConfigurationChange) =>
      styleText('dim', `changed, as expected: ${plain(key)}. ${plain(why)}`),
    ),
  ]
}

/** A row for each step that came to its end; none, where none did. */
function stepRows({ bytes, seconds }: RestoreReport): string[][] {
  const { thaw, deliver, create, compare, total } = seconds
  const step = (name: string, took: number | undefined, more: readonly string[] = []) =>
    took === undefined ? [] : [[name, formatSeconds(took), ...more]]
  const rate = deliver === undefined || deliver === 0 ? '' : `, ${formatBytes(bytes / deliver)}/s`
  const rows = [
    ...step('Thaw', thaw),
    ...step('Deliver', deliver, [`${formatBytes(bytes)}${rate}`]),
    ...step('Create', create),
    ...step('Compare', compare),
  ]
  return rows.length === 0 ? [] : [...rows, ['In all', formatSeconds(total)]]
}

function valueText(value: string | undefined): string {
  if (value === undefined) return styleText('dim', 'not there')
  const text = plain(value)
  return text.length > SHOWN_CHARACTERS ? `${text.slice(0, SHOWN_CHARACTERS)}…` : text
}

function leftLines({ what, removeWith }: RestoreReport['left'][number]): Line[] {
  return [
    `${styleText('red', 'left on the platform:')} ${plain(what)}`,
    ...(removeWith === undefined
      ? []
      : ['    Remove it, as root on the node:', new Verbatim(`      ${plain(removeWith)}`)]),
  ]
}

/** The summary repeats findings, which were told by now. */
function bareSummary({ findings, summary, error, left }: RestoreReport): string {
  const bare = findings.reduce((text, { message }) => text.replace(message, ''), summary).trim()
  if (error?.name !== 'RestoreRefused' || bare === summary) return bare
  return left.length === 0 ? `Refused: nothing was made. ${bare}`.trim() : bare
}

function howToDoIt({ outcome }: RestoreReport): string {
  return outcome === 'succeeded'
    ? 'To do it: the same command with --confirm.'
    : 'Once nothing stands against it, do it with --confirm.'
}

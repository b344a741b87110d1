import { styleText } from 'node:util'
import { formatBytes } from '../../../functions/domain/words/byte-size.ts'
import type { ForeseenGuest } from '../../../functions/operations/foresight/foresee-guest.ts'
import type { ForeseenRun } from '../../../functions/operations/foresight/foresee-run.ts'
import { platformTraits } from '../../../functions/providers/registry.ts'
import { byCause, someOf } from '../../../functions/domain/words/same-cause.ts'
import { plain, textColumns } from './columns.ts'

/**
 * A foreseen run as a person reads it: what would be archived, skipped, fail and be left out, and on which storage;
 * then `priceLines`, what it would cost.
 */
export function planLines(plan: ForeseenRun, priceLines: readonly string[] = []): string[] {
  const { site, platformVersion, selection, totals } = plan
  const of = (fate: ForeseenGuest['fate']) => plan.guests.filter((guest) => guest.fate === fate)
  const about = [totals.expectedBytes > 0 ? `, up to ${formatBytes(totals.expectedBytes)}` : '']
  return [
    `Site ${site} (version ${platformVersion}): ${plain(selection)}${madeAs(plan)}`,
    ...plan.missingPrivileges.map(
      ({ privilege, path, neededBy }) =>
        `${styleText('red', '✗')} missing privilege: ${privilege} on ${path}${neededBy === undefined ? '' : `, for ${neededBy}`}`,
    ),
    ...section('Would be archived', of('archive'), archivedLines),
    ...section('Would be skipped', of('skip'), explainedLines),
    ...section('Would fail', of('fail'), explainedLines),
    ...section('Left out', plan.leftOut, explainedLines),
    ...section('Storage', plan.storages, (storages) =>
      textColumns(
        storages.map(({ storage, node, type, freeBytes, totalBytes, shared, content }) => [
          `  ${storage}`,
          `on ${node}`,
          `${formatBytes(freeBytes)} free of ${formatBytes(totalBytes)}`,
          `${type}${shared ? ', shared' : ''}`,
          `holds ${content.join(', ')}`,
        ]),
      ).flat(),
    ),
    ...priceLines,
    ...plan.notes.map((note) => styleText('dim', `note: ${plain(note)}`)),
    `${totals.archive} would be archived${about.join('')}; ${totals.skip} skipped, ${totals.fail} failed, ${totals.leftOut} left out. Nothing was changed.`,
  ]
}

/** Mode, compression and storage are choices where a backup is a file that the platform makes. */
function madeAs({ platform, backup: { mode, compress, storage } }: ForeseenRun): string {
  if (platformTraits[platform]?.makes === 'temporary') return `, compress ${compress}`
  return `, mode ${mode}, compress ${compress}, storage ${storage}`
}

function section<Row>(title: string, rows: readonly Row[], lines: (rows: readonly Row[]) => string[]): string[] {
  return rows.length === 0 ? [] : [styleText('bold', `${title} (${rows.length})`), ...lines(rows)]
}

const [NAME, KIND, STATE] = [1, 2, 4]

function archivedLines(guests: readonly ForeseenGuest[]): string[] {
  const rows = textColumns(
    guests.map(({ id, name = '', kind = '', node = '', state = '', expected }) => [
      `  ${id}`,
      plain(name),
      kind,
      node,
      state,
      expected === undefined
        ? 'size unknown'
        : `${expected.from === 'disk-sizes' ? '≤' : '≈'} ${formatBytes(expected.sizeBytes)}`,
      styleText('dim', expected?.says ?? ''),
    ]),
    { cut: NAME, spare: [STATE, KIND] },
  )
  return guests.flatMap((guest, index) => {
    const left = (guest.details?.disks ?? []).filter(({ included }) => !included)
    const without = left.map(({ key, volume, reason }) => `${key} ${plain(volume)} (${reason})`).join('; ')
    return [...(rows[index] ?? []), ...(without === '' ? [] : [styleText('dim', `      without ${without}`)])]
  })
}

function explainedLines(guests: readonly { id: string; name?: string; node?: string; reason: string }[]): string[] {
  const rows = byCause(guests, ({ id, name = '', reason }) => ({ cause: reason, own: [id, name] })).map((alike) => {
    const [first] = alike
    const names = someOf(alike.map(({ id, name = '' }) => `${id} ${plain(name)}`.trim()))
    const who = alike.length === 1 ? names : `${alike.length} guests (${names})`
    const nodes = [...new Set(alike.map(({ node = '' }) => node))]
    return [`  ${who}`, nodes.length === 1 ? nodes.join('') : '', plain(first?.reason ?? '')]
  })
  return textColumns(rows).flat()
}

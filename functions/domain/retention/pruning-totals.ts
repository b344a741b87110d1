/** What pruning a site comes to: figures, a sentence, and what a person should look at. Pure. */
import type { PrunedGuest, PruningReport, PruningTotals } from '../../contracts/pruning.ts'
import type { GuestRetention } from '../../contracts/retention-report.ts'
import { formatBytes } from '../words/byte-size.ts'
import type { KeyedGuest } from '../books/object-keys.ts'
import { counted } from '../words/counted.ts'

type Result = GuestRetention | { trouble: string }
type Counts = Omit<PruningTotals, 'outcome' | 'summary'>

/** Before the first guest. */
export const noCounts: Counts = {
  guests: 0,
  troubled: 0,
  toRemove: 0,
  removed: 0,
  removedBytes: 0,
  locked: 0,
}

/** Those that hold until somebody looked. */
const waitingGuards: ReadonlySet<string> = new Set(['newest-looks-wrong', 'clock-in-doubt', 'largest-share'])

/**
 * What needs a person, sentences: a guest that couldn't be looked at, a guard that waits for someone, an archive that
 * could not be removed. A lock isn't among it: it ends by itself, or is meant to hold.
 */
export function attentionTo(result: Result): string[] {
  if ('trouble' in result) return [result.trouble]
  const guarded = result.archives.some(({ guard }) => guard !== undefined && waitingGuards.has(guard))
  return [
    ...(guarded ? result.warnings : []),
    ...result.archives.flatMap(({ createdAt, trouble }) =>
      trouble === undefined ? [] : [`The archive of ${createdAt} was not removed: ${trouble}`],
    ),
  ]
}

/** A guest as the report tells it; `undefined` where there is nothing to tell. */
export function toldGuest({ kind, id }: KeyedGuest, result: Result): PrunedGuest | undefined {
  const guest = { kind, id }
  if ('trouble' in result) {
    const { trouble } = result
    return { guest, summary: trouble, removed: 0, removedBytes: 0, locked: 0, attention: [trouble] }
  }
  const { summary, removed, removedBytes, locked, toRemove, resumed, warnings } = result
  if (toRemove === 0 && resumed.length === 0 && warnings.length === 0) return undefined
  const attention = attentionTo(result)
  // What needs nobody is worth knowing all the same: a guest that is absent, one that another pruning is at work on.
  const told = attention.length > 0 ? summary : [summary, ...warnings].join(' ')
  return { guest, summary: told, removed, removedBytes, locked, attention }
}

/** Count one guest in. */
export function countGuest(counts: Counts, result: Result): Counts {
  const {
    toRemove,
    removed,
    removedBytes,
    locked,
    locksNotAsked = 0,
  } = 'trouble' in result ? { toRemove: 0, removed: 0, removedBytes: 0, locked: 0 } : result
  const notAsked = (counts.locksNotAsked ?? 0) + locksNotAsked
  return {
    guests: counts.guests + 1,
    troubled: counts.troubled + (attentionTo(result).length > 0 ? 1 : 0),
    toRemove: counts.toRemove + toRemove,
    removed: counts.removed + removed,
    removedBytes: counts.removedBytes + removedBytes,
    locked: counts.locked + locked,
    ...(notAsked === 0 ? {} : { locksNotAsked: notAsked }),
  }
}

/** @param unseen guests that couldn't be looked at at all */
export function pruningTotals(
  counts: Counts,
  { dryRun, unseen, told }: Pick<PruningReport, 'dryRun' | 'told'> & { unseen: number },
): PruningTotals {
  const { guests, troubled, toRemove, removed, removedBytes, locked, locksNotAsked = 0 } = counts
  const going = dryRun
    ? `${counted(toRemove - locked, 'archive')} would be removed`
    : `${counted(removed, 'archive')} removed`
  const first = told.find(({ attention }) => attention.length > 0)
  const parts = [
    `${going} of ${counted(guests, 'guest')}${removedBytes > 0 ? ` (${formatBytes(removedBytes)})` : ''}`,
    ...(locked > 0 ? [`${locked} locked`] : []),
    ...(locksNotAsked > 0 ? [`${locksNotAsked} of them not asked for locks, which may hold some`] : []),
    ...(troubled > 0 ? [`${troubled} ${troubled === 1 ? 'guest needs' : 'guests need'} attention`] : []),
  ]
  // Someone who reads the notice at night should not have to open the report to know what it is about.
  const example =
    first === undefined
      ? ''
      : ` ${first.guest.kind} ${first.guest.id}: ${first.attention[0] ?? ''}${troubled > 1 ? ' The report has the others.' : ''}`
  return {
    ...counts,
    outcome: guests > 0 && unseen === guests ? 'failed' : troubled > 0 ? 'partial' : 'succeeded',
    summary: `${parts.join('; ')}.${example}`,
  }
}

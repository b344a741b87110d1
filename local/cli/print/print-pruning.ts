import { styleText } from 'node:util'
import type { PrunedGuest, PruningReport } from '../../../functions/contracts/pruning.ts'
import { byCause, someOf, type Struck } from '../../../functions/domain/words/same-cause.ts'
import { plain } from './columns.ts'

/** The report of a site's pruning as a person reads it: the guests with something to tell, then what it comes to. */
export function pruningLines({ told, summary }: Pick<PruningReport, 'told' | 'summary'>): string[] {
  return [...byCause(told, struckOf).flatMap(guestLines), plain(summary)]
}

function struckOf({ guest, summary, attention }: PrunedGuest): Struck {
  return { cause: [summary, ...attention].join('\n'), own: [guest.id, guest.kind] }
}

/** Guests of which there is one thing to tell, in the words of the first. */
function guestLines(guests: readonly PrunedGuest[]): string[] {
  const [first] = guests
  if (first === undefined) return []
  const names = guests.map(({ guest }) => `${guest.kind} ${guest.id}`)
  const who = names.length === 1 ? names.join('') : `${names.length} guests (${someOf(names)})`
  return [
    `${styleText('bold', plain(who))}: ${plain(first.summary)}`,
    // A guest that couldn't be looked at has said so already.
    ...first.attention
      .filter((sentence) => sentence !== first.summary)
      .map((sentence) => `  ${styleText('yellow', 'warning:')} ${plain(sentence)}`),
  ]
}

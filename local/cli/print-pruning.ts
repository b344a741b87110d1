import { styleText } from 'node:util'
import type { PruningReport } from '../../functions/contracts/pruning.ts'
import { plain } from './columns.ts'

/** The report of a site's pruning as a person reads it: the guests with something to tell, then what it comes to. */
export function pruningLines({ told, summary }: Pick<PruningReport, 'told' | 'summary'>): string[] {
  return [
    ...told.flatMap(({ guest, summary: its, attention }) => [
      `${styleText('bold', plain(`${guest.kind} ${guest.id}`))}: ${plain(its)}`,
      // A guest that couldn't be looked at has said so already.
      ...attention
        .filter((sentence) => sentence !== its)
        .map((sentence) => `  ${styleText('yellow', 'warning:')} ${plain(sentence)}`),
    ]),
    plain(summary),
  ]
}

import { styleText } from 'node:util'
import type { DrillReport } from '../../../functions/contracts/drill.ts'
import { counted } from '../../../functions/domain/words/counted.ts'
import { fittedColumns, plain } from './columns.ts'
import { terminalWidth } from './terminal.ts'
import { formatSeconds } from './units.ts'

/** The report as a person reads it: a row for each rehearsal, what failed, and what can't be rehearsed. */
export function drillLines({ rehearsals, unfit, notes, postponed, outcome }: DrillReport): string[] {
  const failed = rehearsals.filter(({ passed }) => !passed)
  const late = postponed === 0 ? [] : [`${counted(postponed, 'further guest')} due: left to the next drill.`]
  return [
    ...fittedColumns(rehearsals.map(row), GUEST, terminalWidth()),
    ...failed.map(({ summary }) => `${styleText('red', 'failed:')} ${plain(summary)}`),
    ...[...unfit, ...notes].map((sentence) => `${styleText('yellow', 'warning:')} ${plain(sentence)}`),
    ...late,
    rehearsals.length === 0
      ? outcome === 'succeeded'
        ? 'No guest is due.'
        : 'Nothing was rehearsed.'
      : `${rehearsals.length - failed.length} of ${counted(rehearsals.length, 'rehearsal')} passed.`,
  ]
}

const GUEST = 1

function row({ guest, node, scratchId, passed, totalSeconds }: DrillReport['rehearsals'][number]): string[] {
  return [
    passed ? styleText('green', 'passed') : styleText('red', 'failed'),
    plain(`${guest.kind} ${guest.id} ${guest.name}`.trim()),
    plain(`as ${scratchId} on ${node}`),
    totalSeconds === undefined ? '' : formatSeconds(totalSeconds),
  ]
}

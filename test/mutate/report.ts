import { type Equivalent, isKnown, stale } from './equivalents.ts'
import type { Outcome, Result } from './mutate.ts'

interface Told {
  files: readonly string[]
  outcome: Outcome
  equivalents: readonly Equivalent[]
  notRun: number
  /** So many are too few of a large change to blame it for one that survived: they are shown, and it doesn't fail. */
  showOnly?: boolean
}

interface Row {
  file: string
  killed: number
  survived: number
  equivalent: number
  refusedByTypes: number
  /** Of those that a test could notice. */
  killedPercent: number
}

export interface Report {
  text: string
  json: unknown
  /** A mutant survived that isn't known to be equivalent, or an entry of the known ones is stale. */
  failed: boolean
}

export function report({ files, outcome: { mutants, results }, equivalents, notRun, showOnly = false }: Told): Report {
  const survivors = results.filter(({ mutant, fate }) => fate === 'survived' && !isKnown(equivalents, mutant))
  const killed = results.filter(({ fate }) => fate === 'killed').map(({ mutant }) => mutant)
  const old = stale(equivalents, files, mutants, killed)
  const rows = files.map((file) => row(file, results, equivalents)).filter((one) => one.killed + one.survived > 0)
  const all = row(undefined, results, equivalents)
  const told = survivors.map(({ mutant: { file, line, before, after } }) => ({ file, line, before, after }))
  const text = [
    ...told.map(({ file, line, before, after }) => `${file}:${line}\n  - ${before}\n  + ${after}\n`),
    ...old.map(({ file, before, after }) => `Stale in equivalents.json, ${file}:\n  - ${before}\n  + ${after}\n`),
    table([...rows, all]),
    ...(notRun === 0 ? [] : [`${notRun} more were not run: this is a sample.`]),
    ...(showOnly && survivors.length > 0 ? ['A large change: what survived is shown and does not fail it.'] : []),
    '',
  ]
  return {
    text: text.join('\n'),
    json: { files: rows, all, survivors: told, stale: old, notRun },
    failed: !showOnly && (survivors.length > 0 || old.length > 0),
  }
}

function row(file: string | undefined, results: readonly Result[], equivalents: readonly Equivalent[]): Row {
  const own = results.filter(({ mutant }) => file === undefined || mutant.file === file)
  const count = (fate: Result['fate'], known: boolean) =>
    own.filter((one) => one.fate === fate && isKnown(equivalents, one.mutant) === known).length
  const killed = count('killed', false) + count('killed', true)
  const survived = count('survived', false)
  return {
    file: file ?? 'all',
    killed,
    survived,
    equivalent: count('survived', true),
    refusedByTypes: own.filter(({ fate }) => fate === 'refused').length,
    killedPercent: killed + survived === 0 ? 100 : Math.floor((1000 * killed) / (killed + survived)) / 10,
  }
}

function table(rows: readonly Row[]): string {
  const width = Math.max(...rows.map(({ file }) => file.length))
  const cells = (one: (string | number)[]) => one.map((value) => String(value).padStart(11)).join('')
  return [
    `${'file'.padEnd(width)}${cells(['killed', 'survived', 'equivalent', 'no type', 'killed %'])}`,
    ...rows.map(
      ({ file, killed, survived, equivalent, refusedByTypes, killedPercent }) =>
        `${file.padEnd(width)}${cells([killed, survived, equivalent, refusedByTypes, killedPercent])}`,
    ),
  ].join('\n')
}

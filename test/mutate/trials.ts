import type { Looked, Ran } from './messages.ts'
import type { Mutant } from './mutants.ts'

/** A file of tests as it runs without any change. */
export interface Seen {
  testFile: string
  looked: Looked
}

/** Tests of one file that run what a mutant changes. */
export interface Trial {
  testFile: string
  tests: number[]
  cpuSeconds: number
  ticks: number
}

/** Tests that take longer wait until the quick ones noticed nothing. The order alone depends on it, never the outcome. */
const QUICK_SECONDS = 0.25

/**
 * Which tests could notice a mutant, those first that most likely do for the least time: quick ones before slow ones, and
 * among these in the order of the files, the nearest first. Nobody looks at a file that isn't needed.
 * @param see looks at a file of tests, once; `undefined`: it is of no use
 */
export async function* trialsOf(
  mutant: Mutant,
  testFiles: readonly string[],
  see: (testFile: string) => Promise<Seen | undefined>,
): AsyncGenerator<Trial> {
  for (const quick of [true, false]) {
    for (const testFile of testFiles) {
      const seen = await see(testFile)
      const trial = seen === undefined ? undefined : trialIn(seen, mutant, quick)
      if (trial !== undefined) yield trial
    }
  }
}

function trialIn({ testFile, looked }: Seen, mutant: Mutant, quick: boolean): Trial | undefined {
  const everyTest = overlaps(looked.atLoad, mutant)
  const some = [...looked.tests.entries()].filter(
    ([, { ran, cpuSeconds }]) => cpuSeconds <= QUICK_SECONDS === quick && (everyTest || overlaps(ran, mutant)),
  )
  if (some.length === 0) return undefined
  return {
    testFile,
    tests: some.map(([index]) => index),
    cpuSeconds: some.reduce((sum, [, one]) => sum + one.cpuSeconds, 0),
    ticks: Math.max(...some.map(([, one]) => one.ticks)),
  }
}

function overlaps(ran: Ran, { file, start, end }: Mutant): boolean {
  return (ran[file] ?? []).some(([from, to]) => start < to && end > from)
}

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

/** Tests that take longer wait until the quick ones noticed nothing. */
const QUICK_SECONDS = 0.25
/** For one mutant: what only slower or farther tests would notice counts as not noticed. */
const MOST_SECONDS = 2

/**
 * Which tests could notice a mutant, those first that most likely do for the least time: quick ones before slow ones, and
 * among these the nearest by imports. All together, but for the first, they take a bounded time.
 */
export function trialsOf(mutant: Mutant, seen: readonly Seen[], distanceOf: (testFile: string) => number): Trial[] {
  const trials = seen.flatMap(({ testFile, looked }) => {
    const everyTest = overlaps(looked.atLoad, mutant)
    const running = [...looked.tests.entries()].filter(([, { ran }]) => everyTest || overlaps(ran, mutant))
    return [true, false].flatMap((quick) => {
      const some = running.filter(([, { cpuSeconds }]) => cpuSeconds <= QUICK_SECONDS === quick)
      if (some.length === 0) return []
      return {
        testFile,
        quick,
        distance: distanceOf(testFile),
        tests: some.map(([index]) => index),
        cpuSeconds: some.reduce((sum, [, one]) => sum + one.cpuSeconds, 0),
        ticks: Math.max(...some.map(([, one]) => one.ticks)),
      }
    })
  })
  const sorted = trials.toSorted(
    (one, other) =>
      Number(other.quick) - Number(one.quick) || one.distance - other.distance || one.cpuSeconds - other.cpuSeconds,
  )
  let spent = 0
  return sorted.filter(({ cpuSeconds }, index) => {
    if (index > 0 && spent + cpuSeconds > MOST_SECONDS) return false
    spent += cpuSeconds
    return true
  })
}

function overlaps(ran: Ran, { file, start, end }: Mutant): boolean {
  return (ran[file] ?? []).some(([from, to]) => start < to && end > from)
}

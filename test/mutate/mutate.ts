import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { importGraph, nearestFirst, reaching } from './graph.ts'
import { mutated, type Mutant, mutantsOf } from './mutants.ts'
import { TestRunner } from './test-runner.ts'
import { type Seen, trialsOf } from './trials.ts'
import { refusedByTypes } from './type-check.ts'

export interface Order {
  root: string
  /** Files to change, from the root. */
  files: readonly string[]
  /** Of all mutants, those to run. */
  choose: (mutants: readonly Mutant[]) => readonly Mutant[]
  /** Whether a file of tests takes part. */
  isUsed: (testFile: string) => boolean
  /** For each changed file so many files of tests take part, the nearest. What only farther ones would notice survives. */
  nearest: number
  /** CPU time after which no further test is begun; a mutant that it would have to judge counts as not run. */
  cpuSeconds: number
  workers: number
  note: (text: string) => void
}

export type Fate = 'killed' | 'survived' | 'refused'

export interface Result {
  mutant: Mutant
  /** `refused`: no test noticed, but the type checker does. */
  fate: Fate
  noticedBy?: string
}

export interface Outcome {
  /** Everything that could have been run. */
  mutants: readonly Mutant[]
  results: readonly Result[]
}

/** Folders whose files import each other. */
const FOLDERS = ['functions', 'lib', 'local', 'test', 'bin']
const CPU_SECONDS = 3
const TICKS = 100
/** So many times what the tests take without a change is for ever. */
const FOR_EVER = 10

/** Change the files in one small way at a time, without writing them, and see which changes no test notices. */
export async function mutate(order: Order): Promise<Outcome> {
  const { root, files, choose, isUsed, nearest, workers, note } = order
  const sources = new Map(files.map((file) => [file, readFileSync(join(root, file), 'utf8')]))
  const mutants = [...sources].flatMap(([file, source]) => mutantsOf(file, source))
  const chosen = choose(mutants)
  const graph = importGraph(root, FOLDERS)
  const reached = new Map<string, Map<string, number>>()
  const reachedFrom = (file: string): Map<string, number> => {
    const distances = reached.get(file) ?? reaching(file, graph)
    reached.set(file, distances)
    return distances
  }
  const looked = new Map<string, Promise<Seen | undefined>>()
  const see = (testFile: string, runner: TestRunner): Promise<Seen | undefined> => {
    const seen = looked.get(testFile) ?? lookAt(testFile, files, runner, note)
    looked.set(testFile, seen)
    return seen
  }
  const runners = Array.from({ length: workers }, () => new TestRunner())
  const isOver = () => runners.reduce((sum, runner) => sum + runner.cpuSeconds, 0) >= order.cpuSeconds
  try {
    const results = await inParallel(chosen, runners, async (mutant, runner): Promise<Result | undefined> => {
      if (isOver()) return undefined
      const distances = reachedFrom(mutant.file)
      const source = mutated(sources.get(mutant.file) ?? '', mutant)
      const testFiles = nearestFirst(mutant.file, distances).filter(isUsed).slice(0, nearest)
      for await (const trial of trialsOf(mutant, testFiles, (testFile) => see(testFile, runner))) {
        // What some test might still notice is neither noticed nor not.
        if (isOver()) return undefined
        const { testFile, tests, ticks } = trial
        const { noticedBy } = await runner.try({
          kind: 'try',
          testFile,
          file: mutant.file,
          source,
          anew: [...distances.keys()],
          tests,
          cpuSeconds: CPU_SECONDS + FOR_EVER * trial.cpuSeconds,
          ticks: TICKS + FOR_EVER * ticks,
        })
        if (noticedBy !== undefined) return { mutant, fate: 'killed', noticedBy: `${testFile}: ${noticedBy}` }
      }
      return { mutant, fate: 'survived' }
    })
    const run = results.filter((one) => one !== undefined)
    return { mutants, results: await withoutRefused(root, sources, run) }
  } finally {
    for (const runner of runners) runner.close()
  }
}

async function lookAt(
  testFile: string,
  files: readonly string[],
  runner: TestRunner,
  note: Order['note'],
): Promise<Seen | undefined> {
  const looked = await runner.look({ kind: 'look', testFile, files })
  if (looked.trouble === undefined) return { testFile, looked }
  note(`${testFile} is left out: ${looked.trouble}`)
  return undefined
}

/** What tests notice needs no look at its types. */
async function withoutRefused(root: string, sources: Map<string, string>, results: Result[]): Promise<Result[]> {
  const survivors = results.filter(({ fate }) => fate === 'survived')
  const changed = survivors.map(({ mutant }) => ({
    file: mutant.file,
    source: mutated(sources.get(mutant.file) ?? '', mutant),
  }))
  const refused = await refusedByTypes(root, changed)
  const refusedResults = new Set(survivors.filter((_, index) => refused.has(index)))
  return results.map((result) => (refusedResults.has(result) ? { ...result, fate: 'refused' } : result))
}

/** Every item by whichever runner is free, the answers in the order of the items. */
async function inParallel<Item, Answer>(
  items: readonly Item[],
  runners: readonly TestRunner[],
  act: (item: Item, runner: TestRunner) => Promise<Answer>,
): Promise<Answer[]> {
  const answers: Answer[] = []
  const left = items.entries()
  await Promise.all(
    runners.map(async (runner) => {
      for (const [index, item] of left) answers[index] = await act(item, runner)
    }),
  )
  return answers
}

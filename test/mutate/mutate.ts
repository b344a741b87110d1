import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { importGraph, reaching } from './graph.ts'
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
export async function mutate({ root, files, choose, isUsed, workers, note }: Order): Promise<Outcome> {
  const sources = new Map(files.map((file) => [file, readFileSync(join(root, file), 'utf8')]))
  const mutants = [...sources].flatMap(([file, source]) => mutantsOf(file, source))
  const chosen = choose(mutants)
  const graph = importGraph(root, FOLDERS)
  const distances = new Map(files.map((file) => [file, reaching(file, graph)]))
  const wanted = new Set(chosen.map(({ file }) => file))
  const testFiles = [...graph.keys()].filter(
    (one) => one.endsWith('.test.ts') && isUsed(one) && [...wanted].some((file) => distances.get(file)?.has(one)),
  )
  const runners = Array.from({ length: workers }, () => new TestRunner())
  try {
    const seen = (await inParallel(testFiles, runners, (testFile, runner) => see(testFile, files, runner, note))).flat()
    const results = await inParallel(chosen, runners, async (mutant, runner): Promise<Result> => {
      const distance = distances.get(mutant.file) ?? new Map<string, number>()
      const source = mutated(sources.get(mutant.file) ?? '', mutant)
      const trials = trialsOf(mutant, seen, (testFile) => distance.get(testFile) ?? Number.POSITIVE_INFINITY)
      for (const { testFile, tests, cpuSeconds, ticks } of trials) {
        const { noticedBy } = await runner.try({
          kind: 'try',
          testFile,
          file: mutant.file,
          source,
          anew: [...distance.keys()],
          tests,
          cpuSeconds: CPU_SECONDS + FOR_EVER * cpuSeconds,
          ticks: TICKS + FOR_EVER * ticks,
        })
        if (noticedBy !== undefined) return { mutant, fate: 'killed', noticedBy: `${testFile}: ${noticedBy}` }
      }
      return { mutant, fate: 'survived' }
    })
    return { mutants, results: await withoutRefused(root, sources, results) }
  } finally {
    for (const runner of runners) runner.close()
  }
}

async function see(
  testFile: string,
  files: readonly string[],
  runner: TestRunner,
  note: Order['note'],
): Promise<Seen[]> {
  const looked = await runner.look({ kind: 'look', testFile, files })
  if (looked.trouble === undefined) return [{ testFile, looked }]
  note(`${testFile} is left out: ${looked.trouble}`)
  return []
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

import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { lastBase, readDiff, touches } from './changed-lines.ts'
import { type Equivalent, isKnown, readEquivalents } from './equivalents.ts'
import type { Ran } from './messages.ts'
import { mutantsOf } from './mutants.ts'
import type { Fate } from './mutate.ts'
import { rangesOf, reached } from './reached.ts'
import { report } from './report.ts'
import { sample } from './sample.ts'
import { trialsOf } from './trials.ts'

const file = 'one.ts'
const mutants = mutantsOf(file, 'const small = count < 10')
const known: Equivalent = {
  file,
  before: 'const small = count < 10',
  after: 'const small = count <= 10',
  reason: 'A count of ten never comes.',
}

function reported(fate: Fate, equivalents: Equivalent[], notRun = 0, showOnly = false) {
  const results = mutants.map((mutant) => ({ mutant, fate: mutant.after === known.after ? fate : ('killed' as const) }))
  return report({ files: [file], outcome: { mutants, results }, equivalents, notRun, showOnly })
}

describe('the report', () => {
  it('fails for a survivor, and shows its place and its change', () => {
    const { text, failed } = reported('survived', [])
    expect(failed).toBe(true)
    expect(text).toContain('one.ts:1\n  - const small = count < 10\n  + const small = count <= 10\n')
  })

  it('only shows a survivor of a sample that is too small for the change', () => {
    const { text, failed } = reported('survived', [], 400, true)
    expect(failed).toBe(false)
    expect(text).toContain('one.ts:1\n')
    expect(text).toContain('400 more were not run')
  })

  it('passes over a survivor that is known to change nothing', () => {
    const { text, failed, json } = reported('survived', [known])
    expect(failed).toBe(false)
    expect(text).not.toContain('one.ts:1')
    expect(json).toMatchObject({ all: { killed: mutants.length - 1, survived: 0, equivalent: 1, killedPercent: 100 } })
  })

  it.each([
    ['that a test notices by now', 'killed', known],
    ['about a line that is gone', 'survived', { ...known, before: 'const small = count < 11' }],
    ['without a reason', 'survived', { ...known, reason: ' ' }],
  ] as const)('fails for an entry %s', (_, fate, entry) => {
    const { text, failed } = reported(fate, [entry])
    expect(failed).toBe(true)
    expect(text).toContain('Stale in equivalents.json, one.ts:')
  })

  it('leaves entries about files that are not in question alone', () => {
    expect(reported('killed', [{ ...known, file: 'other.ts' }]).failed).toBe(false)
  })

  it('counts what the type checker refuses neither way', () => {
    const { json, failed } = reported('refused', [])
    expect(failed).toBe(false)
    expect(json).toMatchObject({ all: { survived: 0, refusedByTypes: 1, killedPercent: 100 } })
  })

  it('says how many were not run', () => {
    expect(reported('killed', [], 7).text).toContain('7 more were not run')
    expect(reported('killed', []).text).not.toContain('not run')
  })
})

describe('a sample', () => {
  const all = Array.from({ length: 100 }, (_, index) => index)

  it('is the same for the same seed, in the order of all, and another for another seed', () => {
    expect(sample(all, 10, 1)).toEqual(sample(all, 10, 1))
    expect(sample(all, 10, 1)).toEqual(sample(all, 10, 1).toSorted((one, other) => one - other))
    expect(sample(all, 10, 1)).toHaveLength(10)
    expect(sample(all, 10, 2)).not.toEqual(sample(all, 10, 1))
  })

  it('is everything where there is no more', () => {
    expect(sample(all, 100, 1)).toEqual(all)
  })
})

describe('changed lines', () => {
  const diff = [
    '--- a/one.ts',
    '+++ b/one.ts',
    '@@ -3 +3,2 @@',
    '-a',
    '+b',
    '+c',
    '@@ -9,2 +9,0 @@',
    '-d',
    '-e',
    '',
  ].join('\n')

  it('are the new ones, and those beside what was removed', () => {
    expect(readDiff(diff)).toEqual(
      new Map([
        [
          'one.ts',
          [
            [3, 4],
            [9, 10],
          ],
        ],
      ]),
    )
  })

  it('count where a mutant touches them', () => {
    expect(touches([[3, 4]], 4, 6)).toBe(true)
    expect(touches([[3, 4]], 1, 2)).toBe(false)
    expect(touches([[3, 4]], 5, 5)).toBe(false)
  })
})

describe('what a change is compared with', () => {
  let folder = ''
  const git = (...args: string[]) => execFileSync('git', args, { cwd: folder, encoding: 'utf8' }).trim()
  const commit = (text: string) => {
    writeFileSync(join(folder, 'file'), text)
    git('add', 'file')
    git('-c', 'user.name=somebody', '-c', 'user.email=somebody@example.com', 'commit', '-qm', text)
    return git('rev-parse', 'HEAD')
  }

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'guestlift-base-'))
  })
  afterEach(() => {
    rmSync(folder, { recursive: true })
  })

  it('is the commit where the branch left the one it follows, and else the commit before', () => {
    git('init', '-q', '-b', 'main')
    expect(lastBase(folder)).toBeUndefined()
    const first = commit('one')
    expect(lastBase(folder)).toBeUndefined()
    git('checkout', '-q', '-b', 'topic', '--track', 'main')
    expect(lastBase(folder)).toBeUndefined()
    const second = commit('two')
    commit('three')
    expect(lastBase(folder)).toBe(first)
    git('branch', '-q', '--unset-upstream')
    expect(lastBase(folder)).toBe(second)
    git('branch', '-q', 'later')
    git('branch', '-q', '--set-upstream-to', 'later')
    expect(lastBase(folder)).toBe(second)
  })

  it('is nothing in a folder that no repository holds', () => {
    expect(lastBase(folder)).toBeUndefined()
  })
})

describe('the tests that could notice a mutant', () => {
  const [mutant] = mutants
  if (mutant === undefined) throw new Error('there is none')
  const ran = { [file]: [[mutant.start, mutant.end] as const] }
  const seen = (testFile: string, cpuSeconds: number, runs: typeof ran | Record<string, never>) => ({
    testFile,
    looked: { kind: 'looked' as const, tests: [{ name: '', ran: runs as Ran, cpuSeconds, ticks: 1 }], atLoad: {} },
  })
  const chosen = async (...all: ReturnType<typeof seen>[]) => {
    const looked: string[] = []
    const see = async (testFile: string) => {
      looked.push(testFile)
      return all.find((one) => one.testFile === testFile)
    }
    const trials: string[] = []
    const files = ['near', 'broken', 'slow', 'none', 'far', 'farther']
    for await (const { testFile } of trialsOf(mutant, files, see)) trials.push(testFile)
    return { trials, looked }
  }

  it('run it: quick ones first, then the nearest', async () => {
    const { trials } = await chosen(
      seen('slow', 1, ran),
      seen('far', 0.1, ran),
      seen('near', 0.1, ran),
      seen('none', 0.1, {}),
    )
    expect(trials).toEqual(['near', 'far', 'slow'])
  })

  it('are all of these files, however long they take; nobody looks at more than it takes to notice', async () => {
    expect((await chosen(seen('near', 0.1, ran), seen('slow', 100, ran))).trials).toEqual(['near', 'slow'])
    const looked: string[] = []
    const see = async (testFile: string) => {
      looked.push(testFile)
      return seen(testFile, 0.1, ran)
    }
    for await (const trial of trialsOf(mutant, ['near', 'far'], see)) if (trial.testFile === 'near') break
    expect(looked).toEqual(['near'])
  })
})

describe('what ran of a file', () => {
  const range = (startOffset: number, endOffset: number, count: number) => ({ startOffset, endOffset, count })

  it('is what the innermost ranges say, whatever lies around them', () => {
    const ranges = [range(0, 100, 1), range(10, 50, 0), range(20, 30, 2), range(60, 70, 0)]
    expect(reached(ranges)).toEqual([
      [0, 10],
      [20, 30],
      [50, 60],
      [70, 100],
    ])
  })

  it('is all of a function that waits, whatever is said of what follows; functions in it speak for themselves', () => {
    const source = 'const f = async () => { if (a) await b; c(() => d) }; const g = () => e'
    const [f, inner, g] = [source.indexOf('async'), source.indexOf('() => d'), source.indexOf('() => e')]
    const functions = [
      { ranges: [range(0, source.length, 1)] },
      { ranges: [range(f, 53, 1), range(37, 53, 0)] },
      { ranges: [range(inner, inner + 7, 0)] },
      { ranges: [range(g, g + 7, 1), range(g + 6, g + 7, 0)] },
    ]
    expect(reached(rangesOf(functions, source))).toEqual([
      [0, inner],
      [inner + 7, g + 6],
    ])
  })

  it('is nothing where nothing did, and one piece where all did', () => {
    expect(reached([range(0, 100, 0)])).toEqual([])
    expect(reached([range(0, 100, 1), range(40, 60, 3)])).toEqual([[0, 100]])
    expect(reached([])).toEqual([])
  })
})

describe('the known equivalents', () => {
  const root = fileURLToPath(new URL('../..', import.meta.url))
  const entries = readEquivalents(join(root, 'test/mutate/equivalents.json'))

  it.each([...new Set(entries.map((entry) => entry.file))])('are changes that %s still allows', (place) => {
    const possible = mutantsOf(place, readFileSync(join(root, place), 'utf8'))
    const own = entries.filter((entry) => entry.file === place)
    expect(own.filter((entry) => !possible.some((mutant) => isKnown([entry], mutant)))).toEqual([])
  })
})

/** Stands in for the test framework inside the mutator's process: collects the tests of a file and runs some of them. */
import { format } from 'node:util'

type Act = (...args: never[]) => unknown
const HOOKS = ['beforeAll', 'beforeEach', 'afterEach', 'afterAll'] as const
type HookName = (typeof HOOKS)[number]

interface Suite {
  name: string
  parent: Suite | undefined
  skipped: boolean
  hooks: Record<HookName, Act[]>
}

interface Test {
  name: string
  suite: Suite
  act: Act
}

export interface Ended {
  /** By the order of the file. */
  index: number
  name: string
  error?: unknown
}

class Skipped extends Error {}

let tests: Test[] = []
let current: Suite = suiteOf('', undefined, false)

function suiteOf(name: string, parent: Suite | undefined, skipped: boolean): Suite {
  return { name, parent, skipped, hooks: { beforeAll: [], beforeEach: [], afterEach: [], afterAll: [] } }
}

/** Load a file of tests: what it describes meanwhile is its own. */
export async function collect(load: () => Promise<unknown>): Promise<readonly Test[]> {
  tests = []
  current = suiteOf('', undefined, false)
  await load()
  return tests
}

function pathOf(suite: Suite): Suite[] {
  return suite.parent === undefined ? [suite] : [...pathOf(suite.parent), suite]
}

function nameOf({ name, suite }: Test): string {
  return [...pathOf(suite).map((one) => one.name), name].filter((one) => one !== '').join(' > ')
}

/**
 * Run these tests one after the other, with the hooks around them, until `goOn` has enough of it.
 * @param begun hears when what a suite does once before its tests is done, with the tests that rely on it
 */
export async function runTests(
  all: readonly Test[],
  chosen: readonly number[],
  goOn: (ended: Ended) => Promise<boolean> | boolean,
  begun: (tests: readonly number[]) => Promise<void> | void = () => {},
): Promise<void> {
  const open: Suite[] = []
  const cleanups = new Map<Suite, Act[]>()
  const close = async (suite: Suite) => {
    for (const act of [...suite.hooks.afterAll, ...(cleanups.get(suite) ?? [])].toReversed()) await act()
  }
  for (const index of chosen) {
    const test = all[index]
    if (test === undefined) continue
    const ended: Ended = { index, name: nameOf(test) }
    const path = pathOf(test.suite)
    try {
      while (open.length > 0 && !path.includes(open.at(-1) ?? test.suite)) await close(open.pop() ?? test.suite)
      for (const suite of path.slice(open.length)) {
        open.push(suite)
        cleanups.set(suite, await begin(suite.hooks.beforeAll))
        if (suite.hooks.beforeAll.length > 0) await begun(chosen.filter((one) => isIn(all[one], suite)))
      }
      await runOne(test, path)
    } catch (error) {
      if (!(error instanceof Skipped)) ended.error = error
    }
    if (!(await goOn(ended))) break
  }
  for (const suite of open.toReversed()) await close(suite).catch(() => {})
}

function isIn(test: Test | undefined, suite: Suite): boolean {
  return test !== undefined && pathOf(test.suite).includes(suite)
}

/** What a hook gives back undoes it. */
async function begin(hooks: readonly Act[]): Promise<Act[]> {
  const undo: Act[] = []
  for (const hook of hooks) {
    const cleanup = await hook()
    if (typeof cleanup === 'function') undo.push(cleanup as Act)
  }
  return undo
}

async function runOne({ act }: Test, path: readonly Suite[]): Promise<void> {
  const undo: Act[] = []
  const skip = () => {
    throw new Skipped()
  }
  try {
    for (const suite of path) undo.push(...(await begin(suite.hooks.beforeEach)))
    await (act as (context: unknown) => unknown)({ skip })
  } finally {
    for (const suite of path.toReversed()) for (const hook of suite.hooks.afterEach.toReversed()) await hook()
    for (const cleanup of undo.toReversed()) await cleanup()
  }
}

const hook = (name: HookName) => (act: Act) => {
  current.hooks[name].push(act)
}
export const beforeAll = hook('beforeAll')
export const beforeEach = hook('beforeEach')
export const afterEach = hook('afterEach')
export const afterAll = hook('afterAll')

type Add = (name: string, act: Act, skipped: boolean) => void

const addTest: Add = (name, act, skipped) => {
  if (!skipped && !pathOf(current).some((suite) => suite.skipped)) tests.push({ name, suite: current, act })
}

const addSuite: Add = (name, act, skipped) => {
  const outer = current
  current = suiteOf(name, outer, skipped)
  act()
  current = outer
}

/** A row of a table in the name: `%s` by the order of its values, `$name` by theirs. */
function filled(name: string, row: unknown, index: number): string {
  const values = Array.isArray(row) ? row : [row]
  return format(name.replace('%#', String(index)), ...values)
}

interface Chain {
  (name: string, ...rest: unknown[]): void
  each: (table: readonly unknown[]) => (name: string, ...rest: unknown[]) => void
  for: (table: readonly unknown[]) => (name: string, ...rest: unknown[]) => void
  skipIf: (condition: unknown) => Chain
  runIf: (condition: unknown) => Chain
  skip: Chain
  concurrent: Chain
  sequential: Chain
}

/** `it` and `describe` with what hangs on them. Options and timeouts beside the function are passed over. */
function chain(add: Add, skipped = false): Chain {
  const actOf = (rest: unknown[]) => rest.find((one): one is Act => typeof one === 'function')
  const one = (name: string, ...rest: unknown[]) => add(name, actOf(rest) ?? (() => {}), skipped)
  const table =
    (spread: boolean) =>
    (rows: readonly unknown[]) =>
    (name: string, ...rest: unknown[]) => {
      const act = actOf(rest) as ((...args: unknown[]) => unknown) | undefined
      rows.forEach((row, index) => {
        const given = spread && Array.isArray(row) ? row : [row]
        add(filled(name, row, index), (context: unknown) => act?.(...given, context), skipped)
      })
    }
  return Object.defineProperties(Object.assign(one, { each: table(true), for: table(false) }), {
    skipIf: { value: (condition: unknown) => chain(add, skipped || Boolean(condition)) },
    runIf: { value: (condition: unknown) => chain(add, skipped || !condition) },
    skip: { get: () => chain(add, true) },
    concurrent: { get: () => chain(add, skipped) },
    sequential: { get: () => chain(add, skipped) },
  }) as unknown as Chain
}

export const it = chain(addTest)
export const test = it
export const describe = chain(addSuite)
export { expect } from 'vitest'

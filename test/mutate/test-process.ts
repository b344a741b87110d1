/** The process that tests run in. It is given one order at a time, and ends itself when a change keeps it busy for ever. */
import { Session } from 'node:inspector/promises'
import { readFileSync } from 'node:fs'
import { registerHooks, stripTypeScriptTypes } from 'node:module'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { Worker } from 'node:worker_threads'
import { configureGlobal } from 'fast-check'
import { collect, type Ended, runTests } from './collector.ts'
import type { Answer, Look, Looked, Order, Ran, Tried, Try } from './messages.ts'
import { rangesOf, reached } from './reached.ts'

// What is drawn at random is drawn alike for each mutant and in each run; nobody reads the least example that fails.
configureGlobal({ seed: 1, endOnFailure: true })

const root = fileURLToPath(new URL('../..', import.meta.url))
const collector = new URL('collector.ts', import.meta.url).href
const rootUrl = pathToFileURL(root).href
const TICK_MS = 100

/** What is loaded anew for the order in hand, and the text that stands in for a file. */
let generation = 0
let isAnew: (file: string) => boolean = () => false
let standIn: { file: string; source: string } | undefined
const stripped = new Map<string, string>()

/** The path from the root of one of our own files. */
function ownFile(url: string): string | undefined {
  if (!url.startsWith(rootUrl) || url.includes('/node_modules/') || !/\.ts(\?|$)/.test(url)) return undefined
  return fileURLToPath(url.replace(/\?.*/, '')).slice(root.length)
}

/** What runs the tests is loaded once. */
function isOfMutator(file: string): boolean {
  return /^test\/mutate\/[^/]+$/.test(file)
}

/** Without types, every character in its place. */
function strip(source: string): string {
  return stripTypeScriptTypes(source, { mode: 'strip' })
}

function textOf(file: string): string {
  if (standIn?.file === file) return strip(standIn.source)
  const known = stripped.get(file) ?? strip(readFileSync(join(root, file), 'utf8'))
  stripped.set(file, known)
  return known
}

registerHooks({
  resolve(specifier, context, next) {
    if (specifier === 'vitest' && !context.parentURL?.startsWith(collector))
      return { url: collector, shortCircuit: true }
    const found = next(specifier, context)
    const file = ownFile(found.url)
    if (file === undefined || isOfMutator(file) || !isAnew(file)) return found
    return { ...found, url: `${found.url.replace(/\?.*/, '')}?mutate=${generation}` }
  },
  load(url, context, next) {
    const file = ownFile(url)
    if (file === undefined || isOfMutator(file)) return next(url, context)
    return { format: 'module', source: textOf(file), shortCircuit: true }
  },
})

/** CPU time in ms at which the thread that watches ends the process; 0 is never. It is heard while this thread is busy. */
const limit = new Float64Array(new SharedArrayBuffer(8))
const watch = `
  const { workerData: limit } = require('node:worker_threads')
  const pause = new Int32Array(new SharedArrayBuffer(4))
  for (;;) {
    Atomics.wait(pause, 0, 0, ${TICK_MS})
    const { user, system } = process.cpuUsage()
    if (limit[0] > 0 && (user + system) / 1000 > limit[0]) process.kill(process.pid, 'SIGKILL')
  }`
new Worker(watch, { eval: true, workerData: limit }).unref()

function cpuMs(): number {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1000
}

/** Turns of this loop since the last test ended: a change may leave a test waiting for what never comes. */
let ticks = 0
let mostTicks = Number.POSITIVE_INFINITY
setInterval(() => {
  ticks += 1
  if (ticks > mostTicks) process.kill(process.pid, 'SIGKILL')
}, TICK_MS)

/** An error that no test waited for is one that it made. */
let stray: unknown
const noteStray = (error: unknown) => {
  stray ??= error ?? new Error('rejected without a reason')
}
process.on('unhandledRejection', noteStray)
process.on('uncaughtException', noteStray)

async function settled(): Promise<void> {
  for (let turn = 0; turn < 2; turn += 1) await new Promise((resolve) => setImmediate(resolve))
}

function messageOf(error: unknown): string {
  return error instanceof Error ? `${error.name}: ${error.message}` : String(error)
}

function load(testFile: string): Promise<unknown> {
  return import(pathToFileURL(join(root, testFile)).href)
}

const session = new Session()
session.connect()

async function ranOf(files: readonly string[]): Promise<Ran> {
  const { result } = await session.post('Profiler.takePreciseCoverage')
  const ran: Ran = {}
  for (const { url, functions } of result) {
    const file = ownFile(url)
    if (file === undefined || !files.includes(file) || !url.endsWith(`?mutate=${generation}`)) continue
    ran[file] = reached(rangesOf(functions, textOf(file)))
  }
  return ran
}

function together(one: Ran = {}, other: Ran): Ran {
  const files = new Set([...Object.keys(one), ...Object.keys(other)])
  return Object.fromEntries([...files].map((file) => [file, [...(one[file] ?? []), ...(other[file] ?? [])]]))
}

async function look({ testFile, files }: Look): Promise<Looked> {
  generation += 1
  isAnew = () => true
  standIn = undefined
  const looked: Looked = { kind: 'looked', tests: [], atLoad: {} }
  try {
    await session.post('Profiler.enable')
    await session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: true })
    const tests = await collect(() => load(testFile))
    looked.atLoad = await ranOf(files)
    let since = cpuMs()
    ticks = 0
    const every = tests.map((_, index) => index)
    // What runs once before several tests is what each of them looks at.
    const before = new Map<number, Ran>()
    const ended = async ({ index, name, error }: Ended) => {
      await settled()
      const failure = error ?? stray
      if (failure !== undefined) looked.trouble = `${name}: ${messageOf(failure)}`
      const spent = { cpuSeconds: (cpuMs() - since) / 1000, ticks }
      looked.tests.push({ name, ran: together(before.get(index), await ranOf(files)), ...spent })
      since = cpuMs()
      ticks = 0
      return failure === undefined
    }
    await runTests(tests, every, ended, async (relying) => {
      const ran = await ranOf(files)
      for (const index of relying) before.set(index, together(before.get(index), ran))
    })
  } catch (error) {
    looked.trouble = messageOf(error)
  } finally {
    await session.post('Profiler.stopPreciseCoverage')
    await session.post('Profiler.disable')
  }
  return looked
}

async function tryOut({ testFile, file, source, anew, tests: chosen, cpuSeconds, ticks: most }: Try): Promise<Tried> {
  generation += 1
  const files = new Set(anew)
  isAnew = (one) => files.has(one)
  standIn = { file, source }
  limit[0] = cpuMs() + cpuSeconds * 1000
  ticks = 0
  mostTicks = most
  let noticed: Ended | undefined
  try {
    const tests = await collect(() => load(testFile))
    await runTests(tests, chosen, async (ended) => {
      await settled()
      ticks = 0
      const error = ended.error ?? stray
      if (error !== undefined) noticed = { ...ended, error }
      return error === undefined
    })
    await settled()
    if (stray !== undefined) noticed ??= { index: -1, name: 'an error that no test waited for', error: stray }
  } catch (error) {
    noticed ??= { index: -1, name: `loading ${testFile}`, error }
  }
  limit[0] = 0
  mostTicks = Number.POSITIVE_INFINITY
  return noticed === undefined
    ? { kind: 'tried' }
    : { kind: 'tried', noticedBy: noticed.name, error: messageOf(noticed.error).slice(0, 300) }
}

async function obey(order: Order): Promise<void> {
  stray = undefined
  const told = await (order.kind === 'look' ? look(order) : tryOut(order))
  const answer: Answer = { ...told, processSeconds: cpuMs() / 1000 }
  process.send?.(answer)
}

process.on('message', (order: Order) => void obey(order))
process.on('disconnect', () => process.kill(process.pid, 'SIGKILL'))

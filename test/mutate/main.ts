/**
 * `npm run mutate -- [files] [--sample n] [--seed s] [--since ref | --changed] [--nearest n] [--seconds n] [--json]`: small
 * changes that no test notices. `--changed` is what the branch, or the last commit, brought.
 */
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { changedSince, lastBase, touches } from './changed-lines.ts'
import { readEquivalents } from './equivalents.ts'
import { sourceFiles } from './graph.ts'
import { mutate } from './mutate.ts'
import type { Mutant } from './mutants.ts'
import { report } from './report.ts'
import { sample } from './sample.ts'

/** What decides: no sockets, no processes. */
const CORE = ['functions/domain', 'functions/operations', 'functions/archive-formats', 'functions/providers/proxmox']
/** Whole workflows, command lines and templates: slow, and they tell of the rest as well. */
const SLOW = /^test\/(e2e|lib|local|bench|mutate)\/|^test\/(architecture|readme|docs)/

/** With more mutants than this in what changed, one of a few dozen survives even where 95 of 100 are noticed. */
const MOST_JUDGED = 300

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    sample: { type: 'string' },
    seed: { type: 'string', default: '1' },
    since: { type: 'string' },
    changed: { type: 'boolean', default: false },
    nearest: { type: 'string', default: '8' },
    seconds: { type: 'string', default: 'Infinity' },
    workers: { type: 'string', default: '1' },
    slow: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
  },
})

const root = fileURLToPath(new URL('../..', import.meta.url))
const since = values.changed ? lastBase(root) : values.since
if (values.changed && since === undefined) {
  process.stdout.write('skipped: no earlier commit\n')
  process.exit()
}
const lines = since === undefined ? undefined : changedSince(since, root)
const files = (positionals.length > 0 ? positionals : CORE)
  .flatMap((place) => sourceFiles(root, place))
  .filter((file) => lines === undefined || lines.has(file))
if (positionals.length > 0 && files.length === 0 && lines === undefined) {
  throw new Error(`There is no TypeScript file at ${positionals.join(', ')}.`)
}

let possible = 0
const choose = (mutants: readonly Mutant[]): Mutant[] => {
  const fitting = mutants.filter(
    ({ file, line, lastLine }) => lines === undefined || touches(lines.get(file) ?? [], line, lastLine),
  )
  possible = fitting.length
  return values.sample === undefined ? fitting : sample(fitting, Number(values.sample), Number(values.seed))
}

const outcome = await mutate({
  root,
  files,
  choose,
  isUsed: (testFile) => values.slow || !SLOW.test(testFile),
  nearest: Number(values.nearest),
  cpuSeconds: Number(values.seconds),
  workers: Number(values.workers),
  note: (text) => process.stderr.write(`${text}\n`),
})
const equivalents = readEquivalents(fileURLToPath(new URL('equivalents.json', import.meta.url)))
const notRun = possible - outcome.results.length
const showOnly = values.changed && possible > MOST_JUDGED
const { text, json, failed } = report({ files, outcome, equivalents, notRun, showOnly })
process.stdout.write(values.json ? `${JSON.stringify(json, undefined, 2)}\n` : text)
process.exitCode = failed ? 1 : 0

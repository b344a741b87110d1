/**
 * `node test/bench/many-guests.ts`: a run over many tiny guests of the lab, by the real command line. Prints what the
 * runner and all of its children held together at their widest, and how many function calls only found that they have
 * to wait.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { Command } from 'commander'
import { stateFolder, synthesise } from '../../local/run/assembly.ts'
import { treeOf } from './process-tree.ts'
import { note } from './progress.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const BUCKET = 'archives'
const credentials = { AWS_ACCESS_KEY_ID: 'key', AWS_SECRET_ACCESS_KEY: 'secret' }
const SAMPLE_MILLISECONDS = 250

const options = new Command()
  .option('--guests <n>', 'how many', Number, 100)
  .option('--guest-kib <n>', 'data in each', Number, 256)
  .option('--dump-seconds <n>', 'how long dumping each takes', Number, 1)
  .option('--json', 'print one line of JSON')
  .parse()
  .opts<{ guests: number; guestKib: number; dumpSeconds: number; json?: boolean }>()

const directory = mkdtempSync(join(tmpdir(), 'guestlift-many-guests-'))
const children: ChildProcess[] = []

/** A process of ours that prints one line of JSON when it is ready. */
async function start(script: string, words: readonly string[]): Promise<Record<string, unknown>> {
  const child = spawn(process.execPath, [join(root, script), ...words], { stdio: ['ignore', 'pipe', 'inherit'] })
  children.push(child)
  const [line]: unknown[] = await once(createInterface(child.stdout), 'line')
  return JSON.parse(String(line)) as Record<string, unknown>
}

interface Peak {
  allMiB: number
  runnerMiB: number
  processes: number
}

interface Ended {
  exitCode: number
  seconds: number
  peak: Peak
  summary: string
}

async function archiveAll(url: string): Promise<Ended> {
  const job = { site: 'hq', guests: { all: true }, backup: { mode: 'snapshot', storage: 'local' } }
  writeFileSync(join(directory, 'job.json'), JSON.stringify(job))
  const words = [
    'run',
    '--local',
    '--json',
    '--site-file',
    join(directory, 'site.json'),
    '--bucket',
    BUCKET,
    '--s3',
    url,
  ]
  const started = performance.now()
  const child = spawn(process.execPath, [join(root, 'bin/guestlift.ts'), ...words, join(directory, 'job.json')], {
    stdio: ['ignore', 'pipe', 'ignore'],
    env: { ...process.env, ...credentials, NO_COLOR: '1' },
  })
  children.push(child)
  const peak: Peak = { allMiB: 0, runnerMiB: 0, processes: 0 }
  const watch = setInterval(() => {
    const held = treeOf(child.pid ?? 0)
    const allMiB = held.reduce((sum, { pssMiB }) => sum + pssMiB, 0)
    peak.processes = Math.max(peak.processes, held.length)
    peak.runnerMiB = Math.max(peak.runnerMiB, held[0]?.pssMiB ?? 0)
    if (allMiB <= peak.allMiB) return
    peak.allMiB = allMiB
    note(`${Math.round((performance.now() - started) / 1000)} s: ${allMiB.toFixed(0)} MiB in ${held.length} processes`)
  }, SAMPLE_MILLISECONDS)
  let stdout = ''
  child.stdout.on('data', (piece: Buffer) => (stdout += piece.toString()))
  const [exitCode]: unknown[] = await once(child, 'close')
  clearInterval(watch)
  const report = JSON.parse(stdout.trim().split('\n').at(-1) ?? '{}') as { summary?: string }
  const seconds = (performance.now() - started) / 1000
  return { exitCode: Number(exitCode), seconds, peak, summary: report.summary ?? 'no report' }
}

const logs = (): Set<string> => {
  try {
    return new Set(readdirSync(join(stateFolder, 'logs')))
  } catch {
    return new Set()
  }
}

/** What the functions told of their turns: a call of Start backup either waits or begins, one of Plan copies too. */
function countCalls(logFile: string) {
  const counts = { startsWaited: 0, startsBegun: 0, plansWaited: 0, plansDealt: 0 }
  for (const line of readFileSync(logFile, 'utf8').split('\n')) {
    if (line.includes('"event":"dump-waits"') || line.includes('"event":"backup-unclear"')) counts.startsWaited += 1
    if (line.includes('"event":"dump-turn"')) counts.startsBegun += 1
    if (!line.includes('"event":"copies-planned"')) continue
    if (line.includes('"waitSeconds":0')) counts.plansDealt += 1
    else counts.plansWaited += 1
  }
  return counts
}

try {
  await synthesise(() => note('synthesising the app'))
  const lab = await start('local/labs/proxmox/main.ts', [
    `--state=${join(directory, 'lab')}`,
    `--guests=${options.guests}`,
    `--guest-mib=${options.guestKib / 1024}`,
    `--dump-seconds=${options.dumpSeconds}`,
  ])
  writeFileSync(join(directory, 'site.json'), JSON.stringify(lab['site']), { mode: 0o600 })
  const s3 = await start('local/s3/main.ts', [
    `--dir=${join(directory, 's3')}`,
    `--bucket=${BUCKET}`,
    `--access-key=${credentials.AWS_ACCESS_KEY_ID}`,
    `--secret-key=${credentials.AWS_SECRET_ACCESS_KEY}`,
  ])
  const before = logs()
  const ended = await archiveAll(String(s3['url']))
  const logFile = [...logs()].find((name) => !before.has(name))
  const calls = logFile === undefined ? undefined : countCalls(join(stateFolder, 'logs', logFile))
  if (options.json) console.log(JSON.stringify({ ...ended, ...calls }))
  else {
    const { seconds, peak, summary } = ended
    console.log(`${options.guests} guests in ${seconds.toFixed(0)} s: ${summary}`)
    console.log(
      `at most ${peak.allMiB.toFixed(0)} MiB in sum (the runner itself ${peak.runnerMiB.toFixed(0)}), ${peak.processes} processes`,
    )
    if (calls !== undefined) {
      const { startsWaited, startsBegun, plansWaited, plansDealt } = calls
      console.log(`Start backup: ${startsWaited + startsBegun} calls, ${startsWaited} of them only wait`)
      console.log(`Plan copies: ${plansWaited + plansDealt} calls, ${plansWaited} of them only wait`)
    }
  }
  process.exitCode = ended.exitCode
} finally {
  for (const child of children) child.kill('SIGTERM')
  rmSync(directory, { recursive: true, force: true })
}

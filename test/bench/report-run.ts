/**
 * `node test/bench/report-run.ts`: what tallying a run of ten thousand guests takes, by the operation of Report run over
 * the embedded S3. Each read is held back by as much as S3 takes for a small object.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { Command } from 'commander'
import { S3ArchiveStore } from '../../functions/aws/s3-archive-store.ts'
import { createS3Client } from '../../functions/aws/s3-client.ts'
import type { PlanItem } from '../../functions/contracts/plan-item.ts'
import { planKey } from '../../functions/domain/books/object-keys.ts'
import { runPlanShape } from '../../functions/operations/books/shapes.ts'
import { writeRecord } from '../../functions/operations/books/stored-json.ts'
import { emptyOutcome, recordOutcomes } from '../../functions/operations/books/outcomes.ts'
import { reportRun } from '../../functions/operations/run/report-run.ts'
import { item } from '../fakes/ports.ts'
import { note } from './progress.ts'

const BUCKET = 'archives'
const { guests, silent, readMs } = new Command()
  .option('--guests <n>', 'guests of the run', Number, 10_000)
  .option('--silent <n>', 'of them such that left no outcome', Number, 500)
  .option('--read-ms <n>', 'how long each read takes beside what the embedded S3 takes', Number, 25)
  .parse()
  .opts<{ guests: number; silent: number; readMs: number }>()

const directory = mkdtempSync(join(tmpdir(), 'guestlift-report-bench-'))
const server = fileURLToPath(new URL('../../local/s3/main.ts', import.meta.url))
const words = ['--dir', directory, '--bucket', BUCKET, '--access-key', 'key', '--secret-key', 'secret']
const child = spawn(process.execPath, [server, ...words], { stdio: ['ignore', 'pipe', 'inherit'] })
try {
  const [line]: unknown[] = await once(createInterface(child.stdout), 'line')
  const { url: endpoint } = JSON.parse(String(line)) as { url: string }
  const credentials = { accessKeyId: 'key', secretAccessKey: 'secret' }
  const client = createS3Client({ endpoint, region: 'us-east-1', credentials })
  const store = new S3ArchiveStore(client, BUCKET, {
    sleep: (milliseconds) => delay(milliseconds),
    random: Math.random,
  })
  const { run, site } = item
  const plan: PlanItem[] = Array.from({ length: guests }, (_none, at) => {
    const id = String(100 + at)
    return { ...item, guest: { ...item.guest, id, name: `guest-${id}` } }
  })
  note(`writing a plan of ${guests} guests and ${guests - silent} outcomes`)
  await writeRecord(store, planKey(run.prefix), runPlanShape, plan)
  const told = plan.slice(silent).map(({ guest }) => emptyOutcome(guest, 'failed', 'BackupFailed', 'It failed.', 1))
  await recordOutcomes(run, told, { store })

  const readText = store.readText.bind(store)
  store.readText = async (key) => {
    await delay(readMs)
    return readText(key)
  }
  const [began, spent] = [performance.now(), process.cpuUsage()]
  const ports = {
    store,
    now: () => new Date(),
    log: () => undefined,
    toolVersion: 'guestlift/bench',
    deployment: 'bench',
  }
  const { summary } = await reportRun({ run, site, planKey: planKey(run.prefix), notes: [] }, ports)
  const seconds = (performance.now() - began) / 1000
  const { user, system } = process.cpuUsage(spent)
  const cpu = ((user + system) / 1e6).toFixed(1)
  const mib = process.resourceUsage().maxRSS / 1024
  console.log(
    `${guests} guests tallied in ${seconds.toFixed(1)} s of 300, ${cpu} s of CPU, peak ${mib.toFixed(0)} MiB: ${summary}`,
  )
} finally {
  child.kill('SIGTERM')
  rmSync(directory, { recursive: true, force: true })
}

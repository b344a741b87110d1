/**
 * `node test/bench/evidence.ts`: `guestlift report` over a quarter of 500 guests that are archived each night, half of
 * the archives pruned since, in the embedded S3. Prints its time, its CPU time, its peak memory and its requests; the
 * command runs with a heap too small for all reports at once.
 */
import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Command } from 'commander'
import { AuditedBucket, type Ended } from '../fakes/audited-bucket.ts'
import { measure, PlacedBucket, startServer } from './placed-bucket.ts'

const DAY = 86_400_000
const options = new Command()
  .option('--guests <n>', 'how many', Number, 500)
  .option('--days <n>', 'how many nights', Number, 92)
  .option('--heap <MiB>', 'heap that the command may have', Number, 256)
  .option('--forms <form...>', 'what is written', ['html'])
  .option('--dir <dir>', 'where the bucket is made', tmpdir())
  .parse()
  .opts<{ guests: number; days: number; heap: number; forms: string[]; dir: string }>()
const directory = mkdtempSync(join(options.dir, 'guestlift-evidence-bench-'))
const first = Date.parse('2026-07-01T02:00:00.000Z')
const guests: Ended[] = Array.from({ length: options.guests }, (_, index) => ({
  id: String(100 + index),
  name: `guest-${100 + index}`,
  identity: { id: `uuid-${index}` },
}))

/** What pruning removed is not laid out at first: only its report is. */
async function fill(): Promise<void> {
  const placed = new PlacedBucket(directory)
  const kept = Math.floor(options.days / 2)
  let day = 0
  const bucket = new AuditedBucket({
    writeText: async (key, text) => {
      if (day >= kept || !key.startsWith('archives/')) placed.place(key, text)
    },
    remove: async () => undefined,
  })
  for (; day < options.days; day += 1) {
    const at = new Date(first + day * DAY)
    await bucket.run(at.toISOString(), guests)
    const later = new Date(at.getTime() + DAY / 4).toISOString()
    await bucket.coverage(later, guests)
    // A part of the guests is read back each day, and each once a month.
    for (const guest of guests.filter((_, index) => index % 30 === day % 30))
      await bucket.verdict(at.toISOString(), guest, later)
    if (day >= kept) continue
    const gone = new Date(first + (day + kept) * DAY + DAY / 2).toISOString()
    for (const guest of guests) await bucket.prune(at.toISOString(), guest, gone)
  }
}

try {
  const started = performance.now()
  await fill()
  const seconds = ((performance.now() - started) / 1000).toFixed(0)
  console.log(`${options.days} nights of ${options.guests} guests laid out in ${seconds} s; heap: ${options.heap} MiB`)
  const server = await startServer(directory)
  try {
    const last = new Date(first + (options.days - 1) * DAY).toISOString().slice(0, 10)
    for (const form of options.forms) {
      const file = join(directory, `evidence.${form}`)
      await measure(server.url, options.heap, ['report', '--utc', '--from', '2026-07-01', '--to', last, '--out', file])
      console.log(`  the file has ${(statSync(file).size / 2 ** 20).toFixed(1)} MiB`)
    }
  } finally {
    server.stop()
  }
} finally {
  rmSync(directory, { recursive: true, force: true })
}

/**
 * Guestlift's transfer engine beside rclone and a floor of plain tools, over loopback and over distance, and the cold
 * start of its functions. Every candidate talks to the same servers; the servers' own CPU isn't counted.
 */
import { availableParallelism, cpus, loadavg } from 'node:os'
import { barsOf, type Results } from './bars.ts'
import { type Bed, openBed } from './bed.ts'
import { measureColdStarts } from './cold-start.ts'
import { measureDistances } from './distance.ts'
import { stopMeasuring } from './measure.ts'
import { readOptions, type SectionName } from './options.ts'
import { note } from './progress.ts'
import { measureRawDisk } from './raw-disk.ts'
import { printReport } from './report.ts'
import { measureRestoreDistances } from './restore-distance.ts'
import { measureRestores } from './restore.ts'
import { measureRoutes, type NotMeasured } from './routes.ts'
import { subjectNames } from './subject.ts'
import { findTools, lacking } from './tools.ts'

const options = readOptions()
const tools = findTools()
let bed: Bed | undefined

for (const [signal, status] of [
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const) {
  process.once(signal, () => {
    note(`${signal}: stopping`)
    stopMeasuring()
    void Promise.resolve(bed?.close()).finally(() => process.exit(status))
  })
}

/** A section's own failure is a row that says so: the other sections still tell something. */
async function orReason<T>(section: string, work: () => Promise<T>): Promise<T | NotMeasured> {
  try {
    return await work()
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    note(`${section}: ${reason}`)
    return { notMeasured: reason.split('\n')[0] ?? section }
  }
}

/** The same for a section that needs the bed. */
async function onBed<T>(section: string, work: (bed: Bed) => Promise<T>): Promise<T | NotMeasured> {
  const ready = bed
  return ready === undefined ? { notMeasured: missing ?? '' } : orReason(section, () => work(ready))
}

const results: Results = {}
const [loadBefore = 0] = loadavg()
if (loadBefore > availableParallelism() / 2) {
  note(`This machine is busy (load ${loadBefore.toFixed(1)}): ratios hold better than figures, and rates suffer.`)
}
const sectionsWithBed: readonly SectionName[] = ['routes', 'distance', 'restore', 'restore-distance']
const wantsBed = options.only.some((section) => sectionsWithBed.includes(section))
const missing = lacking(tools, ['sshd', 'openssl'])
if (wantsBed && missing === undefined) bed = await openBed()
try {
  if (options.only.includes('routes')) {
    const ready = bed
    results.routes =
      ready === undefined
        ? Object.fromEntries(subjectNames.map((name) => [name, { notMeasured: missing ?? '' }]))
        : await measureRoutes(ready, tools, options)
  }
  if (options.only.includes('distance')) {
    results.distances = await onBed('distance', (ready) => measureDistances(ready, tools))
  }
  if (options.only.includes('restore')) {
    results.restores = await onBed('restore', (ready) => measureRestores(ready, options))
  }
  if (options.only.includes('restore-distance')) {
    results.restoreDistances = await onBed('restore-distance', (ready) => measureRestoreDistances(ready, tools))
  }
  if (options.only.includes('cold')) {
    results.coldStarts = await orReason('cold', async () => ({ functions: await measureColdStarts() }))
  }
  if (options.only.includes('raw-disk')) {
    results.rawDisk = await orReason('raw-disk', () => measureRawDisk(options.runs))
  }
} finally {
  await bed?.close()
}

const machine = `${cpus().length} × ${cpus()[0]?.model.trim()}, node ${process.version}, ${process.platform}-${process.arch}`
const bars = barsOf(results)
if (options.json) {
  const { routes, distances, restores, restoreDistances, coldStarts, rawDisk } = results
  const { mebibytes, runs } = options
  console.log(
    JSON.stringify({
      machine,
      loadBefore,
      mebibytes,
      runs,
      routes,
      ...distances,
      restores,
      restoreDistances,
      ...coldStarts,
      rawDisk,
      bars,
    }),
  )
} else {
  console.log(
    `${machine}, load ${loadBefore.toFixed(1)} before; routes and restores: ${options.mebibytes} MiB, medians of ${options.runs} runs in turns`,
  )
  printReport(results, bars)
}

import type { Bar, Results } from './bars.ts'
import type { Distances } from './distance.ts'
import { printLines, rateOf } from './report-rates.ts'
import { printRestoreDistances, printRestores } from './report-restore.ts'
import type { NotMeasured, RouteResult } from './routes.ts'

/** The results as tables for people. */
export function printReport(results: Results, bars: readonly Bar[]): void {
  for (const [name, route] of Object.entries(results.routes ?? {})) printRoute(name, route)
  if (results.distances !== undefined) printDistances(results.distances)
  if (results.restores !== undefined) printRestores(results.restores)
  if (results.restoreDistances !== undefined) printRestoreDistances(results.restoreDistances)
  if (results.coldStarts !== undefined) {
    console.log('\nFunctions: bundle, and its load in a fresh process')
    if ('notMeasured' in results.coldStarts) console.log(`not measured: ${results.coldStarts.notMeasured}`)
    else console.table(results.coldStarts.functions)
  }
  if (results.rawDisk !== undefined) {
    console.log('\nThe archive of a disk, CPU and size by those of zstd -1 (start of Node.js left out)')
    if ('notMeasured' in results.rawDisk) console.log(`not measured: ${results.rawDisk.notMeasured}`)
    else console.dir(results.rawDisk)
  }
  console.log('\nBars')
  const width = Math.max(...bars.map(({ name }) => name.length))
  for (const { name, value, bar, met, note } of bars) {
    const verdict = met === null ? `not measured: ${note ?? 'unknown'}` : met ? 'met' : 'MISSED'
    console.log(`${name.padEnd(width)}  ${String(value ?? '–').padStart(8)}  ${bar.padEnd(8)}  ${verdict}`)
  }
}

function printRoute(name: string, route: RouteResult | NotMeasured): void {
  console.log(`\nRoute ${name} → s3, on loopback`)
  if ('notMeasured' in route) {
    console.log(`not measured: ${route.notMeasured}`)
    return
  }
  const { cpuSecondsPerGiB, secondsPerGiB, peakMiB, rclone, floor } = route
  const row = (peer: object, ratio: number | null): object => ({ ...peer, 'guestlift’s CPU by its': ratio })
  console.table({
    guestlift: row({ cpuSecondsPerGiB, secondsPerGiB, peakMiB }, 1),
    ...('notMeasured' in rclone
      ? {}
      : {
          [rclone.version]: row(
            { cpuSecondsPerGiB: rclone.cpuSecondsPerGiB, secondsPerGiB: rclone.secondsPerGiB, peakMiB: rclone.peakMiB },
            route.ratioToRclone,
          ),
          'rclone without its hashes *': row(
            { cpuSecondsPerGiB: rclone.withoutHashes.cpuSecondsPerGiB },
            route.ratioToRcloneWithoutHashes,
          ),
        }),
    ...('notMeasured' in floor ? {} : { floor: row(floor, route.ratioToFloor) }),
  })
  for (const peer of [rclone, floor]) if ('notMeasured' in peer) console.log(`not measured: ${peer.notMeasured}`)
  if (!('notMeasured' in rclone)) {
    const { hashShare, method } = rclone.withoutHashes
    console.log(
      `* SHA-256 and MD5, ${Math.round(hashShare * 100)} % of its CPU, taken off (${method}); rclone can't do without.`,
    )
  }
  const { startCpuSeconds, nodeCpuSecondsPerGiB } = route
  console.log(
    `Of guestlift's CPU, ${startCpuSeconds} s went before the copy. The node's own CPU: ${nodeCpuSecondsPerGiB} s per GiB.`,
  )
  if (name === 'push') console.log("Here the floor is the node's alone, and compared with the node's CPU.")
}

function printDistances(distances: Distances | NotMeasured): void {
  console.log('\nOver 1 Gbit/s at a distance, default settings (rclone: its own)')
  if ('notMeasured' in distances) {
    console.log(`not measured: ${distances.notMeasured}`)
    return
  }
  const rows = [
    ...Object.entries(distances.distance).map(([roundTrip, one]) => ({ to: `site at ${roundTrip} ms`, one })),
    ...Object.entries(distances.distanceToS3).map(([roundTrip, one]) => ({ to: `S3 at ${roundTrip} ms`, one })),
  ]
  console.table(
    Object.fromEntries(
      rows.flatMap(({ to, one }) =>
        Object.entries(one).map(([name, row]) => [
          `${name}, ${to}`,
          'notMeasured' in row
            ? { guestlift: row.notMeasured }
            : { guestlift: rateOf(row), 'of it setup, s': row.setupSeconds, rclone: rateOf(row.rclone) },
        ]),
      ),
    ),
  )
  printLines(distances.line)
}

import type { Bed } from './bed.ts'
import { startChild } from './child.ts'
import { checkLine, type LineCheck } from './line-check.ts'
import { GIGABIT_BYTES_PER_SECOND } from './link.ts'
import { measure } from './measure.ts'
import { builtRoutes } from './open-route.ts'
import { LEAST_MEBIBYTES } from './options.ts'
import { note } from './progress.ts'
import { rcloneCommand } from './rclone.ts'
import type { NotMeasured } from './routes.ts'
import { rounded } from './statistics.ts'
import { type Ends, type SubjectName, subjectNames, transfer } from './subject.ts'
import { lacking, type Tools } from './tools.ts'

export const roundTripsMilliseconds = [20, 80, 150] as const
/** How far S3 is in the row that has the distance on that side. */
export const S3_ROUND_TRIP_MILLISECONDS = 80

export interface Rate {
  mibPerSecond: number
  /** Of what the line carries. */
  shareOfLink: number
}

export interface DistanceResult extends Rate {
  /** A copy of 1 MiB over the same line: what connecting, looking and leaving take, whatever the size. In the rate as well. */
  setupSeconds: number
  /** The whole process: Node's start, opening and completing the upload, each with a connection of its own. */
  wholeSeconds: number
  peakMiB: number
  rclone: Rate | NotMeasured
}

export interface Distances {
  /** The line itself, by round trip in milliseconds. */
  line: Record<string, LineCheck>
  /** The site at a distance: by round trip, then by route. */
  distance: Record<string, Record<string, DistanceResult | NotMeasured>>
  /** S3 at a distance, the site near. */
  distanceToS3: Record<string, Record<string, DistanceResult | NotMeasured>>
}

/** 17 s of the link: what connecting takes weighs as in a small archive. */
const MEBIBYTES = 2048
const MOST_RCLONE_MEBIBYTES = 512

/**
 * A rate is a rate: rclone's is known after some ten seconds. Over SFTP it has at most 2 MiB (its library's window) under way.
 */
function rcloneMebibytes(route: SubjectName, roundTripMilliseconds: number): number {
  return route === 'https' ? MOST_RCLONE_MEBIBYTES : mebibytesPastWindow(roundTripMilliseconds)
}

/** For what has at most 2 MiB under way, the window of SSH: some ten seconds over a long line. */
function mebibytesPastWindow(roundTripMilliseconds: number): number {
  return Math.min(MOST_RCLONE_MEBIBYTES, Math.max(LEAST_MEBIBYTES, Math.round(20_000 / roundTripMilliseconds)))
}

export function rate(mebibytes: number, seconds: number, linkBytesPerSecond: number): Rate {
  const mibPerSecond = mebibytes / seconds
  return {
    mibPerSecond: rounded(mibPerSecond, 1),
    shareOfLink: rounded((mibPerSecond * 2 ** 20) / linkBytesPerSecond),
  }
}

/** Each route with the product's default settings over a long line, beside rclone with its own defaults. */
export async function measureDistances(bed: Bed, tools: Tools): Promise<Distances> {
  const result: Distances = { line: {}, distance: {}, distanceToS3: {} }
  for (const roundTrip of roundTripsMilliseconds) {
    note(`distance: checking the line of ${roundTrip} ms`)
    result.line[roundTrip] = await checkLine(roundTrip, GIGABIT_BYTES_PER_SECOND)
    const rows: Record<string, DistanceResult | NotMeasured> = {}
    for (const name of subjectNames) rows[name] = await overLine(name, bed, tools, roundTrip, 'site')
    result.distance[roundTrip] = rows
  }
  const rows: Record<string, DistanceResult | NotMeasured> = {}
  for (const name of subjectNames) rows[name] = await overLine(name, bed, tools, S3_ROUND_TRIP_MILLISECONDS, 's3')
  result.distanceToS3[S3_ROUND_TRIP_MILLISECONDS] = rows
  return result
}

async function overLine(
  name: SubjectName,
  bed: Bed,
  tools: Tools,
  roundTrip: number,
  far: 'site' | 's3',
): Promise<DistanceResult | NotMeasured> {
  if (!builtRoutes.includes(name)) return { notMeasured: `the route ${name} isn't built` }
  // The node that pushes reaches S3 by itself: the line between it and Guestlift carries no archive byte.
  if (name === 'push' && far === 'site') return { notMeasured: 'no archive byte takes this way' }
  const sitePort = name === 'https' ? bed.web.port : bed.ssh.port
  const target = far === 'site' ? sitePort : bed.sink.port
  const line = await startChild('line.ts', [target, roundTrip, GIGABIT_BYTES_PER_SECOND].map(String))
  const ends: Ends = far === 'site' ? { sitePort: line.port, s3Port: bed.sink.port } : { sitePort, s3Port: line.port }
  try {
    note(`distance: ${name}, ${roundTrip} ms to ${far === 'site' ? 'the site' : 'S3'}`)
    const ours = await transfer(name, bed, bed.source(MEBIBYTES), ends)
    const small = await transfer(name, bed, bed.source(1), ends)
    return {
      ...rate(MEBIBYTES, ours.copySeconds, GIGABIT_BYTES_PER_SECOND),
      setupSeconds: rounded(small.copySeconds, 2),
      wholeSeconds: rounded(ours.seconds, 1),
      peakMiB: ours.peakMiB,
      rclone: await rcloneOverLine(name, bed, tools, roundTrip, ends),
    }
  } finally {
    line.stop()
  }
}

async function rcloneOverLine(
  name: SubjectName,
  bed: Bed,
  tools: Tools,
  roundTrip: number,
  ends: Ends,
): Promise<Rate | NotMeasured> {
  const missing = lacking(tools, ['rclone'])
  if (missing !== undefined) return { notMeasured: missing }
  const mebibytes = rcloneMebibytes(name, roundTrip)
  const { seconds } = await measure(rcloneCommand(name, bed, bed.source(mebibytes), ends, []))
  return rate(mebibytes, seconds, GIGABIT_BYTES_PER_SECOND)
}

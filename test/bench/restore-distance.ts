import { basename } from 'node:path'
import type { Bed } from './bed.ts'
import { type Child, startChild } from './child.ts'
import { type BackEnds, andRemove, deliver, type DeliveryName, deliveryNames, waysBack } from './delivery.ts'
import { type Rate, rate, roundTripsMilliseconds } from './distance.ts'
import { checkLine, type LineCheck } from './line-check.ts'
import { SMALL_LINK_BYTES_PER_SECOND } from './link.ts'
import { measure } from './measure.ts'
import { note } from './progress.ts'
import { rcloneBackCommand } from './rclone.ts'
import type { NotMeasured } from './routes.ts'
import { sshCommand } from './ssh-login.ts'
import { rounded } from './statistics.ts'
import { lacking, type ToolName, type Tools } from './tools.ts'

export interface RestoreDistanceResult extends Rate {
  /** Bringing 1 MiB over the same line: what connecting, looking and leaving take, whatever the size. In the rate as well. */
  setupSeconds: number
  /** The whole process: Node's start, and giving the file its name as well. */
  wholeSeconds: number
  peakMiB: number
}

/** All by round trip in milliseconds, then by way. */
export interface RestoreDistances {
  line: Record<string, LineCheck>
  ways: Record<string, Record<string, RestoreDistanceResult | NotMeasured>>
  peers: Record<string, Record<string, Rate | NotMeasured>>
}

/** 43 s of the link: connecting takes 16 round trips, which weigh as in a small archive. */
const MEBIBYTES = 1024
/** 5 s of the link: a peer's rate is a rate, and those that wait for windows take some times that. */
const PEER_MEBIBYTES = 128

/** On a machine that is busy with other things, what hasn't begun by then is left out. */
const MOST_SECONDS = 900

/** Each way back to a node at a distance, with the product's default settings, beside what people use with theirs. */
export async function measureRestoreDistances(bed: Bed, tools: Tools): Promise<RestoreDistances> {
  const result: RestoreDistances = { line: {}, ways: {}, peers: {} }
  const startedAt = performance.now()
  const inTime = async <T>(work: () => Promise<T>): Promise<T | NotMeasured> =>
    performance.now() - startedAt < MOST_SECONDS * 1000
      ? work()
      : { notMeasured: `${MOST_SECONDS} s were over before its turn` }
  for (const roundTrip of roundTripsMilliseconds) {
    note(`restore-distance: checking the line of ${roundTrip} ms`)
    result.line[roundTrip] = await checkLine(roundTrip, SMALL_LINK_BYTES_PER_SECOND)
    const ways: Record<string, RestoreDistanceResult | NotMeasured> = {}
    for (const name of deliveryNames) {
      note(`restore-distance: ${name}, ${roundTrip} ms to the node`)
      ways[name] = await inTime(() => overLines(name, bed, roundTrip))
    }
    result.ways[roundTrip] = ways
    result.peers[roundTrip] = await peersOverLine(bed, tools, roundTrip, inTime)
  }
  return result
}

function startLine(target: number, roundTrip: number): Promise<Child> {
  return startChild('line.ts', [target, roundTrip, SMALL_LINK_BYTES_PER_SECOND].map(String))
}

/** The function is near S3, the node far from both. What the node fetches itself comes over a line of its own. */
async function overLines(name: DeliveryName, bed: Bed, roundTrip: number): Promise<RestoreDistanceResult> {
  const toNode = await startLine(bed.ssh.port, roundTrip)
  const toS3 = waysBack[name].type === 'pull' ? await startLine(bed.web.port, roundTrip) : undefined
  const ends: BackEnds = { sitePort: toNode.port, archivePort: toS3?.port ?? bed.web.port }
  try {
    const ours = await deliver(name, bed, bed.source(MEBIBYTES), ends)
    const small = await deliver(name, bed, bed.source(1), ends)
    return {
      ...rate(MEBIBYTES, ours.deliverSeconds, SMALL_LINK_BYTES_PER_SECOND),
      setupSeconds: rounded(small.deliverSeconds, 2),
      wholeSeconds: rounded(ours.seconds, 1),
      peakMiB: ours.peakMiB,
    }
  } finally {
    toNode.stop()
    toS3?.stop()
  }
}

/** What stands between S3 and the node as Guestlift's functions do: near S3. */
async function peersOverLine(
  bed: Bed,
  tools: Tools,
  roundTrip: number,
  inTime: <T>(work: () => Promise<T>) => Promise<T | NotMeasured>,
): Promise<Record<string, Rate | NotMeasured>> {
  const source = bed.source(PEER_MEBIBYTES)
  const key = basename(source.path)
  const line = await startLine(bed.ssh.port, roundTrip)
  const over = async (
    peer: string,
    needed: readonly ToolName[],
    command: (file: string) => string[],
    env: Record<string, string> = {},
  ): Promise<Rate | NotMeasured> => {
    const missing = lacking(tools, needed)
    if (missing !== undefined) return { notMeasured: missing }
    note(`restore-distance: ${peer}, ${roundTrip} ms to the node`)
    return inTime(async () => {
      const { seconds } = await andRemove(bed, source, (file) => measure(command(file), env))
      return rate(source.sizeBytes / 2 ** 20, seconds, SMALL_LINK_BYTES_PER_SECOND)
    })
  }
  const settings = {
    AWS_ACCESS_KEY_ID: 'bench',
    AWS_SECRET_ACCESS_KEY: 'bench',
    AWS_REGION: 'us-east-1',
    AWS_CA_BUNDLE: bed.certificateFile,
  }
  const store = bed.web.port
  const site = line.port
  try {
    return {
      'aws s3 cp | ssh cat': await over('aws s3 cp | ssh cat', ['aws', 'ssh'], (file) => piped(bed, key, file, line), {
        ...settings,
      }),
      rclone: await over('rclone', ['rclone'], (file) => rcloneBackCommand(bed, key, file, { store, site })),
    }
  } finally {
    line.stop()
  }
}

function piped(bed: Bed, key: string, file: string, line: Child): string[] {
  const script = 'set -o pipefail; aws s3 cp "$0" - --endpoint-url "$1" | "${@:2}"'
  const endpoint = `https://127.0.0.1:${bed.web.port}`
  return ['bash', '-c', script, `s3://bench/${key}`, endpoint, ...sshCommand(bed, line.port), `cat > ${file}`]
}

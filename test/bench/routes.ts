import type { Bed } from './bed.ts'
import { measureFloor } from './floor.ts'
import { watchCpu, type Measured, measure } from './measure.ts'
import { builtRoutes } from './open-route.ts'
import { note } from './progress.ts'
import { rcloneCommand, rcloneTuning } from './rclone.ts'
import { type HashShare, hashShare } from './rclone-hashes.ts'
import { cpuRatio, median, type PerGiB, perGiB, rounded } from './statistics.ts'
import { type SubjectName, subjectNames, transfer, type TransferResult } from './subject.ts'
import { lacking, type Tools } from './tools.ts'

export interface NotMeasured {
  notMeasured: string
}

export interface RclonePeer extends PerGiB {
  version: string
  /** By arithmetic: what is left of its CPU without the share of SHA-256 and MD5. */
  withoutHashes: { cpuSecondsPerGiB: number; hashShare: number; method: string }
}

export interface RouteResult extends PerGiB {
  /** CPU time of the process before it copies: Node's start, loading the bundle, opening the upload. Paid once. */
  startCpuSeconds: number
  /** What the node spent meanwhile: its sshd with all it started, or its web server. */
  nodeCpuSecondsPerGiB: number
  partsInFlight: number
  partMiB: number
  memoryBarMiB: number
  /** CPU seconds of Guestlift by those of the peer, the median of the rounds. Below 1 Guestlift takes less. */
  ratioToRclone: number | null
  ratioToRcloneWithoutHashes: number | null
  /** Of the route push: the node's CPU, which does the work there. */
  ratioToFloor: number | null
  rclone: RclonePeer | NotMeasured
  floor: PerGiB | NotMeasured
}

/** Memory that a function may take beside the parts it holds. */
const MEMORY_ALLOWANCE_MIB = 120

interface Rounds {
  ours: (Measured & TransferResult & { nodeCpuSeconds: number })[]
  rclone: Measured[]
  floor: Measured[]
}

/** Every route `runs` times, each time beside its peers, in turns: a noisy minute meets all alike. */
export async function measureRoutes(
  bed: Bed,
  tools: Tools,
  options: { mebibytes: number; runs: number },
): Promise<Record<string, RouteResult | NotMeasured>> {
  const source = bed.source(options.mebibytes)
  const built = subjectNames.filter((name) => builtRoutes.includes(name))
  const rounds = new Map<SubjectName, Rounds>(built.map((name) => [name, { ours: [], rclone: [], floor: [] }]))
  for (let run = 1; run <= options.runs; run++) {
    for (const [name, taken] of rounds) {
      note(`routes: ${name}, run ${run} of ${options.runs}`)
      const ends = { sitePort: portOf(name, bed), s3Port: bed.sink.port }
      const server = name === 'https' ? bed.web.pid : bed.ssh.pid
      const nodeCpuSeconds = watchCpu(server)
      const ours = await transfer(name, bed, source, ends)
      taken.ours.push({ ...ours, nodeCpuSeconds: nodeCpuSeconds() })
      if (lacking(tools, ['rclone']) === undefined) {
        // rclone's way beside push is that beside sftp, measured a moment ago.
        const same = name === 'push' ? rounds.get('sftp')?.rclone[run - 1] : undefined
        taken.rclone.push(same ?? (await measure(rcloneCommand(name, bed, source, ends, rcloneTuning))))
      }
      if (lacking(tools, ['ssh', 'curl']) === undefined) taken.floor.push(await measureFloor(name, bed, source))
    }
  }
  const results: Record<string, RouteResult | NotMeasured> = {}
  for (const name of subjectNames) {
    const taken = rounds.get(name)
    if (taken === undefined) {
      results[name] = { notMeasured: `the route ${name} isn't built` }
      continue
    }
    const ends = { sitePort: portOf(name, bed), s3Port: bed.sink.port }
    const [typical] = taken.rclone
    if (typical !== undefined) note(`routes: what of rclone's time beside ${name} its hashes take`)
    const hashes =
      typical === undefined
        ? undefined
        : await hashShare(tools, bed, rcloneCommand(name, bed, source, ends, rcloneTuning), source, typical.cpuSeconds)
    results[name] = summary(name, taken, tools, hashes, options.mebibytes / 1024)
  }
  return results
}

function portOf(name: SubjectName, bed: Bed): number {
  return name === 'https' ? bed.web.port : bed.ssh.port
}

function summary(
  name: SubjectName,
  taken: Rounds,
  tools: Tools,
  hashes: HashShare | undefined,
  gibibytes: number,
): RouteResult {
  const { ours, rclone, floor } = taken
  const { partsInFlight = 0, partMiB = 0 } = ours[0] ?? {}
  const ratioToRclone = cpuRatio(ours, rclone)
  return {
    ...perGiB(ours, gibibytes),
    startCpuSeconds: rounded(median(ours.map((run) => run.startCpuSeconds))),
    nodeCpuSecondsPerGiB: rounded(median(ours.map((run) => run.nodeCpuSeconds)) / gibibytes),
    partsInFlight,
    partMiB,
    // What the node pushes is never in the function's memory.
    memoryBarMiB: (name === 'push' ? 0 : partsInFlight * partMiB) + MEMORY_ALLOWANCE_MIB,
    ratioToRclone,
    ratioToRcloneWithoutHashes:
      ratioToRclone === null || hashes === undefined ? null : rounded(ratioToRclone / (1 - hashes.share)),
    ratioToFloor: cpuRatio(
      name === 'push' ? ours.map((run) => ({ ...run, cpuSeconds: run.nodeCpuSeconds })) : ours,
      floor,
    ),
    rclone: hashes === undefined ? { notMeasured: 'no rclone' } : rclonePeer(rclone, tools, hashes, gibibytes),
    floor: floor.length === 0 ? { notMeasured: lacking(tools, ['ssh', 'curl']) ?? '' } : perGiB(floor, gibibytes),
  }
}

function rclonePeer(runs: readonly Measured[], tools: Tools, hashes: HashShare, gibibytes: number): RclonePeer {
  const whole = perGiB(runs, gibibytes)
  return {
    ...whole,
    version: tools.rclone ?? '',
    withoutHashes: {
      cpuSecondsPerGiB: rounded(whole.cpuSecondsPerGiB * (1 - hashes.share)),
      hashShare: rounded(hashes.share),
      method: hashes.method,
    },
  }
}

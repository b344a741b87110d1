import type { Bed } from './bed.ts'
import { deliver, type DeliverResult, type DeliveryName, deliveryNames, waysBack } from './delivery.ts'
import { type Measured, watchPrograms } from './measure.ts'
import { note } from './progress.ts'
import { cpuRatio, median, type PerGiB, perGiB, rounded } from './statistics.ts'
import { type SubjectName, transfer } from './subject.ts'

/** What the node spends, told apart: its SSH server, and what that runs for us. */
export interface NodePerGiB {
  sshdCpuSecondsPerGiB: number
  agentCpuSecondsPerGiB: number
}

export interface RestoreResult extends PerGiB {
  /** CPU time of the process before it delivers. Paid once. */
  startCpuSeconds: number
  partsInFlight: number
  partMiB: number
  node: NodePerGiB
  /** The same bytes the other way, by the route whose mirror this is. */
  archiving: PerGiB & { route: SubjectName; node: NodePerGiB }
  /** CPU seconds by those of archiving, the median of the rounds: of Guestlift's process, and of all that the node runs. */
  ratioToArchiving: number | null
  nodeRatioToArchiving: number | null
}

/** By way. */
export interface Restores {
  ways: Record<string, RestoreResult>
}

interface NodeCpu {
  sshd: number
  agent: number
}

interface Rounds {
  back: (Measured & DeliverResult & { node: NodeCpu })[]
  archiving: (Measured & { node: NodeCpu })[]
}

/** Every way back `runs` times, each time beside archiving the same bytes: a noisy minute meets both alike. */
export async function measureRestores(bed: Bed, options: { mebibytes: number; runs: number }): Promise<Restores> {
  const source = bed.source(options.mebibytes)
  const rounds = new Map<DeliveryName, Rounds>(deliveryNames.map((name) => [name, { back: [], archiving: [] }]))
  for (let run = 1; run <= options.runs; run++) {
    for (const [name, taken] of rounds) {
      note(`restore: ${name}, run ${run} of ${options.runs}`)
      const { port, pid } = bed.ssh
      taken.archiving.push(
        await besideNode(pid, () =>
          transfer(waysBack[name].mirror, bed, source, { sitePort: port, s3Port: bed.sink.port }),
        ),
      )
      taken.back.push(
        await besideNode(pid, () => deliver(name, bed, source, { sitePort: port, archivePort: bed.web.port })),
      )
    }
  }
  const gibibytes = options.mebibytes / 1024
  const ways = [...rounds].map(([name, taken]) => [name, restoreResult(name, taken, gibibytes)] as const)
  return { ways: Object.fromEntries(ways) }
}

async function besideNode<T>(sshd: number, work: () => Promise<T>): Promise<T & { node: NodeCpu }> {
  const end = watchPrograms(sshd)
  const done = await work()
  return { ...done, node: nodeCpu(end()) }
}

/** By program: newer versions of OpenSSH run `sshd-session` and `sshd-auth` for each client. SFTP is within it. */
export function nodeCpu(byProgram: ReadonlyMap<string, number>): NodeCpu {
  const cpu: NodeCpu = { sshd: 0, agent: 0 }
  for (const [program, seconds] of byProgram) cpu[/^sshd(-|$)/.test(program) ? 'sshd' : 'agent'] += seconds
  return cpu
}

/** The figures of one way back, from rounds that were measured. */
export function restoreResult(name: DeliveryName, { back, archiving }: Rounds, gibibytes: number): RestoreResult {
  const { partsInFlight = 0, partMiB = 0 } = back[0] ?? {}
  const ofNode = (runs: readonly (Measured & { node: NodeCpu })[]): Measured[] =>
    runs.map((run) => ({ ...run, cpuSeconds: run.node.sshd + run.node.agent }))
  return {
    ...perGiB(back, gibibytes),
    startCpuSeconds: rounded(median(back.map((run) => run.startCpuSeconds))),
    partsInFlight,
    partMiB,
    node: nodePerGiB(back, gibibytes),
    archiving: {
      ...perGiB(archiving, gibibytes),
      route: waysBack[name].mirror,
      node: nodePerGiB(archiving, gibibytes),
    },
    ratioToArchiving: cpuRatio(back, archiving),
    nodeRatioToArchiving: cpuRatio(ofNode(back), ofNode(archiving)),
  }
}

function nodePerGiB(runs: readonly { node: NodeCpu }[], gibibytes: number): NodePerGiB {
  return {
    sshdCpuSecondsPerGiB: rounded(median(runs.map(({ node }) => node.sshd)) / gibibytes),
    agentCpuSecondsPerGiB: rounded(median(runs.map(({ node }) => node.agent)) / gibibytes),
  }
}

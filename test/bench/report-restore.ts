import { printLines, rateOf } from './report-rates.ts'
import type { RestoreResult, Restores } from './restore.ts'
import type { RestoreDistances } from './restore-distance.ts'
import type { NotMeasured } from './routes.ts'

export function printRestores(restores: Restores | NotMeasured): void {
  console.log('\nBack to a node, on loopback, beside archiving the same bytes')
  if ('notMeasured' in restores) {
    console.log(`not measured: ${restores.notMeasured}`)
    return
  }
  const row = ({ node, ...of }: Pick<RestoreResult, 'cpuSecondsPerGiB' | 'secondsPerGiB' | 'peakMiB' | 'node'>) => ({
    'CPU s per GiB': of.cpuSecondsPerGiB,
    'sshd’s': node.sshdCpuSecondsPerGiB,
    'agent’s': node.agentCpuSecondsPerGiB,
    's per GiB': of.secondsPerGiB,
    'peak MiB': of.peakMiB,
  })
  console.table(
    Object.fromEntries(
      Object.entries(restores.ways).flatMap(([name, back]) => [
        [
          `restore by ${name}`,
          { ...row(back), 'by archiving’s': back.ratioToArchiving, 'the node’s': back.nodeRatioToArchiving },
        ],
        [`archive by ${back.archiving.route}`, row(back.archiving)],
      ]),
    ),
  )
}

export function printRestoreDistances(distances: RestoreDistances | NotMeasured): void {
  console.log('\nBack to a node over 200 Mbit/s at a distance, default settings (peers: their own)')
  if ('notMeasured' in distances) {
    console.log(`not measured: ${distances.notMeasured}`)
    return
  }
  console.table(
    Object.fromEntries(
      Object.entries(distances.ways).flatMap(([roundTrip, ways]) => [
        ...Object.entries(ways).map(([name, way]) => [
          `${name}, node at ${roundTrip} ms`,
          'notMeasured' in way
            ? { rate: rateOf(way) }
            : { rate: rateOf(way), 'of it setup, s': way.setupSeconds, 'peak MiB': way.peakMiB },
        ]),
        ...Object.entries(distances.peers[roundTrip] ?? {}).map(([name, peer]) => [
          `${name}, node at ${roundTrip} ms`,
          { rate: rateOf(peer) },
        ]),
      ]),
    ),
  )
  printLines(distances.line)
}

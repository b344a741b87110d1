import type { Measured } from './measure.ts'

/** Middle value; NaN of nothing. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const upper = sorted[Math.floor(sorted.length / 2)] ?? Number.NaN
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[sorted.length / 2 - 1] ?? Number.NaN)) / 2
}

export function rounded(value: number, digits = 3): number {
  return Math.round(value * 10 ** digits) / 10 ** digits
}

export interface PerGiB {
  cpuSecondsPerGiB: number
  secondsPerGiB: number
  /** The largest of all runs: a bar on memory holds for each. */
  peakMiB: number
}

/** Medians of several runs, per GiB moved. */
export function perGiB(runs: readonly Measured[], gibibytes: number): PerGiB {
  return {
    cpuSecondsPerGiB: rounded(median(runs.map((run) => run.cpuSeconds)) / gibibytes),
    secondsPerGiB: rounded(median(runs.map((run) => run.seconds)) / gibibytes),
    peakMiB: Math.max(...runs.map((run) => run.peakMiB)),
  }
}

/**
 * How much CPU `ours` takes of `theirs`: the median over the rounds, each compared within itself, since what disturbs
 * the machine meets neighbours alike. `null` without rounds.
 */
export function cpuRatio(ours: readonly Measured[], theirs: readonly Measured[]): number | null {
  const ratios = ours.flatMap((own, round) => {
    const peer = theirs[round]
    return peer === undefined ? [] : [own.cpuSeconds / peer.cpuSeconds]
  })
  return ratios.length === 0 ? null : rounded(median(ratios))
}

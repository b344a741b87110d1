import type { RunLimits } from '../../contracts/limits.ts'

/** Bytes per second. Infinity: as fast as it goes. */
export interface BandwidthRange {
  lowest: number
  highest: number
}

export const unlimited: BandwidthRange = { lowest: Number.POSITIVE_INFINITY, highest: Number.POSITIVE_INFINITY }

const MIB = 2 ** 20

/** What limits let through at their tightest and at their widest, while anything moves. All of them hold at once. */
export function bandwidthRange(limits: readonly RunLimits[]): BandwidthRange {
  const ranges = limits.map(({ mibPerSecond = Number.POSITIVE_INFINITY, windows }) => {
    const rates = [mibPerSecond, ...windows.map((window) => window.mibPerSecond)].filter((rate) => rate > 0)
    return { lowest: Math.min(...rates) * MIB, highest: Math.max(...rates) * MIB }
  })
  return {
    lowest: Math.min(...ranges.map(({ lowest }) => lowest)),
    highest: Math.min(...ranges.map(({ highest }) => highest)),
  }
}

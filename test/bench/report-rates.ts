import type { Rate } from './distance.ts'
import type { LineCheck } from './line-check.ts'
import type { NotMeasured } from './routes.ts'

export function rateOf(rate: Rate | NotMeasured): string {
  return 'notMeasured' in rate
    ? `skipped: ${rate.notMeasured}`
    : `${rate.mibPerSecond} MiB/s, ${Math.round(rate.shareOfLink * 100)} %`
}

export function printLines(lines: Readonly<Record<string, LineCheck>>): void {
  for (const [roundTrip, line] of Object.entries(lines)) {
    const share = `${Math.round(line.shareOfLink * 1000) / 10} %`
    console.log(
      `The line of ${roundTrip} ms itself: ${line.pingMilliseconds} ms there and back, ${share} by plain TCP.`,
    )
  }
}

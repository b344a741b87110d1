/** Times without an archive that are longer than what a guest's schedule allows. Pure. */
import type { AuditGap } from '../../contracts/audit.ts'

/** What holds from an instant on, as a check of coverage saw it. Milliseconds. */
export interface Expectation {
  from: number
  /** Absent: nobody expects an archive then, as of a guest that is parked or gone. */
  every?: number
  grace: number
  chosenBy: readonly string[]
}

export interface GapQuestion {
  /** Of the archives of the period, ascending. */
  times: readonly number[]
  /** The last archive before the period, where one is known. */
  before?: number | undefined
  /** Ascending. */
  expectations: readonly Expectation[]
  from: number
  to: number
}

interface Expected {
  from: number
  to: number
  allowed: number
}

/** The gaps, oldest first. One that reaches into the period from before begins where it began. */
export function gapsOf({ times, before, expectations, from, to }: GapQuestion): AuditGap[] {
  const first = expectations[0]
  if (first === undefined) return []
  // What the first check saw held before it, too: back to what is known of the guest.
  const begin = Math.max(Math.min(first.from, times[0] ?? first.from, before ?? first.from), before ?? from)
  const points = [begin, ...times.filter((time) => time > begin && time <= to), to]
  return points.slice(1).flatMap((point, index) => {
    const since = points[index] ?? point
    return expectedWithin(expectations, since, point, begin).flatMap((one) =>
      one.to - one.from > one.allowed
        ? [{ from: instant(one.from), to: instant(one.to), allowedHours: one.allowed / HOUR_MILLISECONDS }]
        : [],
    )
  })
}

const HOUR_MILLISECONDS = 3_600_000

/** The parts of a time in which an archive was expected; adjoining ones are one, held to the strictest of them. */
function expectedWithin(expectations: readonly Expectation[], since: number, until: number, begin: number): Expected[] {
  const found: Expected[] = []
  for (const [index, { from, every, grace }] of expectations.entries()) {
    const start = Math.max(since, index === 0 ? begin : from)
    const end = Math.min(until, expectations[index + 1]?.from ?? until)
    if (every === undefined || end <= start) continue
    const last = found.at(-1)
    if (last === undefined || last.to < start) found.push({ from: start, to: end, allowed: every + grace })
    else Object.assign(last, { to: end, allowed: Math.min(last.allowed, every + grace) })
  }
  return found
}

function instant(milliseconds: number): string {
  return new Date(milliseconds).toISOString()
}

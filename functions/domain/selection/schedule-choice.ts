/** What the schedules of a site promise each of its guests: which of them choose it, and how often it is archived. */
import type { CoverageSchedule } from '../../contracts/coverage.ts'
import type { SelectableGuest } from './guest-filter.ts'
import { selectGuests } from './guest-selection.ts'
import type { KeyedGuest } from '../books/object-keys.ts'

export interface SchedulePromise {
  /** Names of the schedules that choose it. */
  chosenBy: string[]
  /** The shortest interval of these; absent where none is known, and the general rule has to do. */
  everyMilliseconds?: number
  /** What a person should know about it, a sentence each. */
  remarks: string[]
}

const HOUR_MILLISECONDS = 3_600_000

/** By `guestKey`. */
export function promisesOf(
  guests: readonly SelectableGuest[],
  schedules: readonly CoverageSchedule[],
): Map<string, SchedulePromise> {
  const promises = new Map(guests.map((guest): [string, SchedulePromise] => [guestKey(guest), none()]))
  for (const { name, everyHours, guests: selection } of schedules) {
    for (const { guest, verdict, reason } of selectGuests(guests, selection).decisions) {
      const promise = promises.get(guestKey(guest))
      if (promise === undefined || verdict === 'left-out') continue
      if (verdict === 'undecided') {
        promise.remarks.push(`It is not known whether schedule ${name} chooses it: ${reason}`)
        continue
      }
      promise.chosenBy.push(name)
      if (everyHours === undefined) continue
      const everyMilliseconds = everyHours * HOUR_MILLISECONDS
      promise.everyMilliseconds = Math.min(promise.everyMilliseconds ?? Number.POSITIVE_INFINITY, everyMilliseconds)
    }
  }
  for (const promise of promises.values()) {
    if (promise.chosenBy.length === 0 && promise.remarks.length === 0) promise.remarks.push('No schedule chooses it.')
  }
  return promises
}

export function guestKey({ kind, id }: KeyedGuest): string {
  return `${kind}-${id}`
}

function none(): SchedulePromise {
  return { chosenBy: [], remarks: [] }
}

/**
 * How far apart a schedule's firings are. EventBridge Scheduler's expressions:
 * https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html
 */

const MINUTES_OF = { minute: 1, hour: 60, day: 1440 } as const
const DAY_MILLISECONDS = 86_400_000
/** Holds every weekday for each date of common and leap years, and begins a year before a leap year. */
const ANY_YEARS = { first: 2003, last: 2031 }
const MONTHS = ['JAN', 'FEB', 'MAR', 'APR', 'MAY', 'JUN', 'JUL', 'AUG', 'SEP', 'OCT', 'NOV', 'DEC']
const WEEKDAYS = ['SUN', 'MON', 'TUE', 'WED', 'THU', 'FRI', 'SAT']

interface Field {
  first: number
  last: number
  /** Words for the numbers from `first` on. */
  names?: readonly string[]
}

interface Day {
  dayOfMonth: number
  /** 1 is Sunday. */
  weekday: number
  lastOfMonth: number
}
type DayTest = (day: Day) => boolean

/**
 * The longest time from one firing to the next, in hours; `undefined` for what never fires twice, and for what this
 * reader can't make sense of. Computed in the schedule's own time zone: where its clocks change, one gap a year is an
 * hour longer.
 */
export function longestGapHours(expression: string): number | undefined {
  const [, count, unit] = /^rate\(([1-9]\d*) (minute|hour|day)s?\)$/.exec(expression) ?? []
  if (unit !== undefined) return (Number(count) * MINUTES_OF[unit as keyof typeof MINUTES_OF]) / 60
  const fields = /^cron\(([^()]+)\)$/.exec(expression)?.[1]?.toUpperCase().split(' ') ?? []
  const [minuteText = '', hourText = '', dayText = '', monthText = '', weekdayText = '', yearText = ''] = fields
  const minutes = numbersOf(minuteText, { first: 0, last: 59 })
  const hours = numbersOf(hourText, { first: 0, last: 23 })
  const months = numbersOf(monthText, { first: 1, last: 12, names: MONTHS })
  const years =
    yearText === '*'
      ? between(ANY_YEARS.first, ANY_YEARS.last)
      : numbersOf(yearText, { first: 1970, last: 2199 })?.toSorted((one, other) => one - other)
  const fits = weekdayText === '?' ? daysOfMonth(dayText) : dayText === '?' ? weekdays(weekdayText) : undefined
  if (fields.length !== 6 || !minutes || !hours || !months || !years || !fits) return undefined
  const times = hours.flatMap((hour) => minutes.map((minute) => hour * 60 + minute)).toSorted((a, b) => a - b)
  const gap = longestGapMinutes(times, firingDays(years, new Set(months), fits))
  return gap === undefined ? undefined : gap / 60
}

/** @param times minutes of a day, ascending @param days numbers of days, ascending */
function longestGapMinutes(times: readonly number[], days: Iterable<number>): number | undefined {
  const [first = 0, last = 0] = [times[0], times.at(-1)]
  const withinDay = Math.max(0, ...times.slice(1).map((time, at) => time - (times[at] ?? time)))
  let longest = withinDay
  let before: number | undefined
  for (const day of days) {
    if (before !== undefined) longest = Math.max(longest, (day - before) * MINUTES_OF.day - last + first)
    before = day
  }
  return before === undefined || longest === 0 ? undefined : longest
}

/** Days since 1970 on which it fires, ascending. */
function* firingDays(years: readonly number[], months: ReadonlySet<number>, fits: DayTest): Generator<number> {
  for (const year of years) {
    for (let month = 1; month <= 12; month += 1) {
      if (!months.has(month)) continue
      const first = Date.UTC(year, month - 1, 1) / DAY_MILLISECONDS
      const lastOfMonth = Date.UTC(year, month, 1) / DAY_MILLISECONDS - first
      for (let dayOfMonth = 1; dayOfMonth <= lastOfMonth; dayOfMonth += 1) {
        const day = first + dayOfMonth - 1
        if (fits({ dayOfMonth, weekday: weekdayOf(day), lastOfMonth })) yield day
      }
    }
  }
}

/** The first of January 1970 was a Thursday, the fifth day. */
function weekdayOf(day: number): number {
  return ((day + 4) % 7) + 1
}

/** `*`, `1,15`, `1-7`, `1/5`, and `L`, `LW` and `15W`: the last day, the last working day, the one nearest the 15th. */
function daysOfMonth(text: string): DayTest | undefined {
  return anyOf(text, (item): DayTest | undefined => {
    if (item === 'L') return ({ dayOfMonth, lastOfMonth }) => dayOfMonth === lastOfMonth
    const [, wanted] = /^(L|[1-9]|[12]\d|3[01])W$/.exec(item) ?? []
    if (wanted !== undefined) return (day) => day.dayOfMonth === workingDay(wanted, day)
    const numbers = numbersOf(item, { first: 1, last: 31 })
    return numbers && (({ dayOfMonth }) => numbers.includes(dayOfMonth))
  })
}

/** The working day nearest to a day of the month, within the month; `undefined` where the month has no such day. */
function workingDay(wanted: string, { dayOfMonth, weekday, lastOfMonth }: Day): number | undefined {
  const target = wanted === 'L' ? lastOfMonth : Number(wanted)
  if (target > lastOfMonth) return undefined
  const its = ((((weekday - 1 + target - dayOfMonth) % 7) + 7) % 7) + 1
  if (its === 7) return target === 1 ? 3 : target - 1
  if (its === 1) return target === lastOfMonth ? target - 2 : target + 1
  return target
}

/** `MON-FRI`, `2,4`, `*`, and `L`, `6L`, `6#2`: Saturday, the last Friday, the second Friday. */
function weekdays(text: string): DayTest | undefined {
  const day = { first: 1, last: 7, names: WEEKDAYS }
  return anyOf(text, (item): DayTest | undefined => {
    if (item === 'L') return ({ weekday }) => weekday === 7
    const [, name = '', which = ''] = /^(\w+?)(L|#[1-5])$/.exec(item) ?? []
    const numbers = numbersOf(which === '' ? item : name, day)
    if (numbers === undefined || (which !== '' && numbers.length !== 1)) return undefined
    const isOne = ({ weekday }: Day) => numbers.includes(weekday)
    if (which === '') return isOne
    if (which === 'L') return (its) => isOne(its) && its.dayOfMonth > its.lastOfMonth - 7
    return (its) => isOne(its) && Math.ceil(its.dayOfMonth / 7) === Number(which.slice(1))
  })
}

function anyOf(text: string, testOf: (item: string) => DayTest | undefined): DayTest | undefined {
  const tests = text.split(',').map(testOf)
  if (tests.includes(undefined)) return undefined
  return (day) => tests.some((test) => test?.(day) === true)
}

/** All that a list of numbers, ranges and steps means; `undefined` for what isn't one. */
function numbersOf(text: string, field: Field): number[] | undefined {
  const lists = text.split(',').map((item) => {
    const [, range = '', step] = /^([^/]+)(?:\/([1-9]\d*))?$/.exec(item) ?? []
    const [from = '', to] = range.split('-')
    const first = from === '*' && to === undefined ? field.first : numberOf(from, field)
    // A step from one number on goes to the field's end; without a step the number is alone.
    const open = to === undefined && (from === '*' || step !== undefined)
    const last = open ? field.last : to === undefined ? first : numberOf(to, field)
    if (first === undefined || last === undefined || first > last || range.split('-').length > 2) return undefined
    return between(first, last).filter((number) => (number - first) % Number(step ?? 1) === 0)
  })
  return lists.includes(undefined) ? undefined : [...new Set(lists.flatMap((list) => list ?? []))]
}

function numberOf(text: string, { first, last, names = [] }: Field): number | undefined {
  const number = names.includes(text) ? first + names.indexOf(text) : /^\d{1,4}$/.test(text) ? Number(text) : Number.NaN
  return number >= first && number <= last ? number : undefined
}

function between(first: number, last: number): number[] {
  return Array.from({ length: last - first + 1 }, (_, at) => first + at)
}

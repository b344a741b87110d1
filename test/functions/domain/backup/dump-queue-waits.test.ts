/** How often those who wait for a node ask, and how long the node stands idle: whole runs over the rules alone. */
import { describe, expect, it } from 'vitest'
import {
  type DumpQueue,
  emptyQueue,
  endTurn,
  renewTurn,
  requestTurn,
} from '../../../../functions/domain/backup/dump-queue.ts'
import { nextWaitSeconds } from '../../../../functions/domain/backup/poll-wait.ts'

interface Run {
  guests: number
  /** Of the guest by its number. */
  dumpSeconds: (guest: number) => number
  /** The platform tells how far a dump is. */
  tells: boolean
  /** From the moment when a call is due until it has answered; 1 unless told. */
  callSeconds?: number
}

const AT_ONCE = 20
const begin = Date.parse('2026-11-22T02:00:00.000Z')
const at = (seconds: number) => new Date(begin + seconds * 1000)

/** Guests of one node, twenty at once, as the workflow asks for their turns and looks at their dumps. */
function simulate({ guests, dumpSeconds, tells, callSeconds = 1 }: Run): {
  asksPerGuest: number
  mostAsks: number
  idleShare: number
} {
  let queue: DumpQueue = emptyQueue()
  const agenda: { seconds: number; act: () => void }[] = []
  const asks = Array.from({ length: guests }, () => 0)
  let [now, begun, idle, freeSince] = [0, 0, 0, 0]
  const later = (seconds: number, act: () => void) => agenda.push({ seconds: now + seconds, act })

  const takeUp = (): void => {
    if (begun < guests) ask(begun++)
  }
  const ask = (guest: number): void => {
    asks[guest] = (asks[guest] ?? 0) + 1
    const me = { guest: `vm-${guest}`, execution: `e-${guest}`, node: 'pve1' }
    const asked = requestTurn(queue, { ...me, space: 'unknown' }, at(now))
    queue = asked.queue
    if (asked.answer.answer === 'wait') return void later(asked.answer.waitSeconds + callSeconds, () => ask(guest))
    expect(asked.answer).toEqual({ answer: 'granted' })
    idle += now - freeSince
    const startedAt = now
    const look = (): void => {
      const elapsedSeconds = now - startedAt
      const whole = dumpSeconds(guest)
      if (elapsedSeconds >= whole) {
        queue = endTurn(queue, me, at(now))
        freeSince = startedAt + whole
        return void later(3, takeUp)
      }
      const known = tells ? { expectedEndAt: at(startedAt + whole).toISOString() } : {}
      queue = renewTurn(queue, me, { jobRef: `job-${guest}`, ...known }, at(now))
      const percent = tells ? { progressPercent: (elapsedSeconds / whole) * 100 } : {}
      later(nextWaitSeconds({ elapsedSeconds, ...percent }) + callSeconds, look)
    }
    queue = renewTurn(queue, me, { jobRef: `job-${guest}` }, at(now))
    later(1 + callSeconds, look)
  }
  for (let first = 0; first < AT_ONCE; first += 1) later(first / 20, takeUp)
  for (;;) {
    agenda.sort((one, other) => one.seconds - other.seconds)
    const next = agenda.shift()
    if (next === undefined) break
    now = next.seconds
    next.act()
  }
  return {
    asksPerGuest: asks.reduce((sum, count) => sum + count, 0) / guests,
    mostAsks: Math.max(...asks),
    idleShare: idle / now,
  }
}

/** From 30 to 300 seconds, as if drawn. */
const mixed = (guest: number) => 30 + ((guest * 7919) % 271)

describe('waiting for the turn of a node', () => {
  it.each([
    ['tiny dumps', { dumpSeconds: () => 2, tells: true }, 3, 0.65],
    ['dumps of seconds', { dumpSeconds: () => 8, tells: false }, 5, 0.25],
    ['dumps of a minute that tell how far they are', { dumpSeconds: () => 60, tells: true }, 7.5, 0.08],
    ['dumps of a minute that tell nothing', { dumpSeconds: () => 60, tells: false }, 10, 0.14],
    ['dumps of all sizes that tell how far they are', { dumpSeconds: mixed, tells: true }, 14, 0.08],
    ['dumps of all sizes that tell nothing', { dumpSeconds: mixed, tells: false }, 21, 0.14],
    ['dumps of seconds and calls of seconds', { dumpSeconds: () => 8, tells: false, callSeconds: 5 }, 5.5, 0.5],
    // Waits of five minutes at most over twenty turns of twenty minutes: 80 asks is the least.
    ['dumps of 20 minutes', { dumpSeconds: () => 1200, tells: true }, 85, 0.03],
  ] as const)('asks seldom, and leaves the node idle little: %s', (_what, run, mostPerGuest, mostIdle) => {
    const { asksPerGuest, mostAsks, idleShare } = simulate({ guests: 100, ...run })
    expect(asksPerGuest).toBeLessThanOrEqual(mostPerGuest)
    // Nobody is passed over again and again.
    expect(mostAsks).toBeLessThanOrEqual(2 * mostPerGuest)
    expect(idleShare).toBeLessThanOrEqual(mostIdle)
  })
})

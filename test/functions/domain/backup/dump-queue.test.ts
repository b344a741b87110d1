import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  type DumpQueue,
  dumpQueueSchema,
  emptyQueue,
  endTurn,
  heldTurn,
  leave,
  LONGEST_QUEUE_SECONDS,
  LONGEST_WAIT_SECONDS,
  renewStaged,
  renewTurn,
  requestTurn,
  settleDoubt,
  type Space,
  STAGED_SECONDS,
  TURN_SECONDS,
  type TurnAnswer,
  type TurnRequest,
} from '../../../../functions/domain/backup/dump-queue.ts'

const GIB = 2 ** 30
const start = new Date('2026-11-22T02:00:00.000Z')
const at = (seconds: number) => new Date(start.getTime() + seconds * 1000)

const of = (guest: string, node = 'pve1'): TurnRequest => ({ guest, execution: `e-${guest}`, node, space: 'unknown' })
const roomy = (bytes: number, freeBytes = 100 * GIB, likely = true): Space => ({
  place: 'nas',
  freeBytes,
  bytes,
  likely,
})

/** A queue that is asked, with its answers. */
class Asked {
  queue: DumpQueue = emptyQueue()
  ask(request: TurnRequest, seconds: number): TurnAnswer {
    const { queue, answer } = requestTurn(this.queue, request, at(seconds))
    this.queue = queue
    return answer
  }
}

describe('the turn of a node', () => {
  it('is one guest’s at a time; another node has its own', () => {
    const asked = new Asked()
    expect(asked.ask(of('vm-100'), 0)).toEqual({ answer: 'granted' })
    expect(asked.ask(of('vm-101'), 1)).toMatchObject({
      answer: 'wait',
      reason: expect.stringContaining('dumps guest vm-100'),
    })
    expect(asked.ask(of('vm-200', 'pve2'), 1)).toEqual({ answer: 'granted' })
  })

  it('is granted again to who holds it, as a repeated call does', () => {
    const asked = new Asked()
    asked.ask(of('vm-100'), 0)
    expect(asked.ask(of('vm-100'), 5)).toEqual({ answer: 'granted' })
    expect(asked.queue.turns).toHaveLength(1)
  })

  it('goes to who came first, even if another asks at the right moment', () => {
    const asked = new Asked()
    asked.ask(of('vm-100'), 0)
    asked.ask(of('vm-102'), 1)
    asked.ask(of('vm-101'), 2)
    asked.queue = endTurn(asked.queue, of('vm-100'), at(10))
    expect(asked.ask(of('vm-101'), 11)).toMatchObject({ answer: 'wait' })
    expect(asked.ask(of('vm-102'), 12)).toEqual({ answer: 'granted' })
  })

  it('is looked for anew where the storage has to be seen first', () => {
    const asked = new Asked()
    expect(asked.ask({ ...of('vm-100'), space: 'unseen' }, 0)).toEqual({ answer: 'look' })
    expect(asked.queue.turns).toEqual([])
  })

  it('makes the next wait until the end that the dump foretells, at most five minutes', () => {
    const asked = new Asked()
    asked.ask(of('vm-100'), 0)
    asked.queue = renewTurn(asked.queue, of('vm-100'), { jobRef: 'j', expectedEndAt: at(100).toISOString() }, at(20))
    expect(asked.ask(of('vm-101'), 40)).toMatchObject({ waitSeconds: 62 })
    asked.queue = renewTurn(asked.queue, of('vm-100'), { jobRef: 'j', expectedEndAt: at(9999).toISOString() }, at(50))
    expect(asked.ask(of('vm-101'), 102)).toMatchObject({ waitSeconds: LONGEST_WAIT_SECONDS })
  })

  it('lapses when its execution died before it had a job', () => {
    const asked = new Asked()
    asked.ask(of('vm-100'), 0)
    expect(asked.ask(of('vm-101'), TURN_SECONDS - 1)).toMatchObject({ answer: 'wait' })
    expect(asked.ask(of('vm-101'), TURN_SECONDS + 1)).toEqual({ answer: 'granted' })
  })

  it('is in doubt when its execution died and the job may run on', () => {
    const asked = new Asked()
    asked.ask(of('vm-100'), 0)
    asked.queue = renewTurn(asked.queue, of('vm-100'), { jobRef: 'job-1' }, at(10))
    const doubt = { answer: 'doubt', guest: 'vm-100', jobRef: 'job-1' }
    expect(asked.ask(of('vm-101'), TURN_SECONDS + 11)).toEqual(doubt)
    asked.queue = settleDoubt(asked.queue, 'job-1', true, at(TURN_SECONDS + 11))
    expect(asked.ask(of('vm-101'), TURN_SECONDS + 12)).toMatchObject({ answer: 'wait' })
    expect(asked.ask(of('vm-101'), TURN_SECONDS + 400)).toEqual(doubt)
    asked.queue = settleDoubt(asked.queue, 'job-1', false, at(TURN_SECONDS + 400))
    expect(asked.ask(of('vm-101'), TURN_SECONDS + 401)).toEqual({ answer: 'granted' })
  })

  it('is noted for a job that was adopted, and taken over with its guest', () => {
    const queue = renewTurn(emptyQueue(), of('vm-100'), { jobRef: 'job-1' }, start)
    const other = { ...of('vm-100'), execution: 'another' }
    const taken = renewTurn(queue, other, { jobRef: 'job-1' }, at(1))
    expect(taken.turns).toMatchObject([{ guest: 'vm-100', execution: 'another', jobRef: 'job-1' }])
    // What the first execution still does is nobody's business any more.
    expect(leave(taken, of('vm-100'))).toBe(taken)
    expect(endTurn(taken, of('vm-100'), at(2))).toBe(taken)
    expect(heldTurn(taken, other)).toMatchObject({ alone: true })
  })

  it('is given up after days of waiting', () => {
    const asked = new Asked()
    const keep = (seconds: number) => {
      asked.queue = renewTurn(asked.queue, of('vm-100'), { jobRef: 'j' }, at(seconds))
    }
    keep(0)
    let seconds = 0
    let answer = asked.ask(of('vm-101'), 0)
    let asks = 1
    while (answer.answer === 'wait') {
      seconds += answer.waitSeconds
      keep(seconds)
      answer = asked.ask(of('vm-101'), seconds)
      asks++
    }
    expect(answer).toMatchObject({ answer: 'refused', why: 'waited-too-long' })
    expect(seconds).toBeGreaterThan(LONGEST_QUEUE_SECONDS)
    // Nine history events each: a third of what an execution may have.
    expect(asks * 9).toBeLessThan(25_000 * 0.36)
    expect(asked.queue.waiters).toEqual([])
  })
})

describe('the place of an archive', () => {
  it('is not taken by a dump that cannot fit, and says by how much', () => {
    const asked = new Asked()
    expect(asked.ask({ ...of('vm-100'), space: roomy(20 * GIB, 10 * GIB) }, 0)).toEqual({
      answer: 'refused',
      why: 'no-space',
      reason: expect.stringMatching(/^Storage nas has 10\.0 GiB free for it, and its archive took 20\.0 GiB last time/),
    })
    expect(asked.queue.turns).toEqual([])
  })

  it('is tried where only a bound is known and nothing is going to leave', () => {
    const asked = new Asked()
    expect(asked.ask({ ...of('vm-100'), space: roomy(20 * GIB, 10 * GIB, false) }, 0)).toEqual({ answer: 'granted' })
  })

  it('is waited for while other dumps write there: their part of the free space is promised', () => {
    const asked = new Asked()
    asked.ask({ ...of('vm-100'), space: roomy(60 * GIB) }, 0)
    const second = { ...of('vm-200', 'pve2'), space: roomy(60 * GIB) }
    expect(asked.ask(second, 1)).toMatchObject({
      answer: 'wait',
      reason: expect.stringContaining('Storage nas has 40.0 GiB'),
    })
    const elsewhere = { ...of('vm-300', 'pve3'), space: { ...roomy(60 * GIB), place: 'other' } }
    expect(asked.ask(elsewhere, 2)).toEqual({ answer: 'granted' })
    asked.queue = endTurn(asked.queue, of('vm-100'), at(10))
    expect(asked.ask({ ...second, space: roomy(60 * GIB, 70 * GIB) }, 20)).toEqual({ answer: 'granted' })
  })

  it('is not snatched by a small dump from a large one that waits for it', () => {
    const asked = new Asked()
    asked.ask({ ...of('vm-100'), space: roomy(60 * GIB) }, 0)
    asked.ask({ ...of('vm-200', 'pve2'), space: roomy(60 * GIB) }, 1)
    expect(asked.ask({ ...of('vm-300', 'pve3'), space: roomy(1 * GIB) }, 2)).toMatchObject({
      answer: 'wait',
      reason: 'Guest vm-200 waits longer for space on storage nas.',
    })
  })

  it('holds at most so many archives that are going to leave it', () => {
    const asked = new Asked()
    const removed = (guest: string, node = 'pve1') => ({ ...of(guest, node), space: roomy(1), maxArchives: 2 })
    for (const guest of ['vm-100', 'vm-101']) {
      expect(asked.ask(removed(guest), 0)).toEqual({ answer: 'granted' })
      asked.queue = endTurn(asked.queue, of(guest), at(1))
    }
    expect(asked.ask(removed('vm-102'), 2)).toMatchObject({
      answer: 'wait',
      reason: '2 archives on storage nas wait to be moved; 2 may.',
    })
    // One that stays isn't staging.
    expect(asked.ask({ ...of('vm-200', 'pve2'), space: roomy(1) }, 3)).toMatchObject({ answer: 'wait' })
    asked.queue = leave(asked.queue, of('vm-100'))
    expect(asked.ask(removed('vm-102'), 300)).toEqual({ answer: 'granted' })
  })

  it('is kept while the archive is moved, and lapses when nobody moves it any more', () => {
    const asked = new Asked()
    asked.ask({ ...of('vm-100'), space: roomy(1), maxArchives: 1 }, 0)
    asked.queue = endTurn(asked.queue, of('vm-100'), at(0))
    const half = STAGED_SECONDS / 2
    expect(renewStaged(asked.queue, of('vm-100'), at(half - 1))).toBe(asked.queue)
    asked.queue = renewStaged(asked.queue, of('vm-100'), at(half + 1))
    const next = { ...of('vm-101'), space: roomy(1), maxArchives: 1 }
    expect(asked.ask(next, STAGED_SECONDS + 1)).toMatchObject({ answer: 'wait' })
    expect(asked.ask(next, half + STAGED_SECONDS + 2)).toEqual({ answer: 'granted' })
  })
})

/** Guests that ask, dump, move and sometimes die without a word, in a site whose clock only moves by their waits. */
const scenario = fc.record({
  nodes: fc.integer({ min: 1, max: 3 }),
  maxArchives: fc.option(fc.integer({ min: 1, max: 3 }), { nil: undefined }),
  guests: fc.array(
    fc.record({
      node: fc.nat({ max: 2 }),
      comesAt: fc.nat({ max: 600 }),
      dumpSeconds: fc.integer({ min: 1, max: 2_000 }),
      moveSeconds: fc.integer({ min: 1, max: 4_000 }),
      gib: fc.integer({ min: 1, max: 60 }),
      dies: fc.constantFrom('no', 'no', 'no', 'waiting', 'dumping', 'moving'),
    }),
    { minLength: 1, maxLength: 12 },
  ),
})

describe('any number of guests', () => {
  it('never dump two at once on a node nor beyond the storage, and all that live get their turn', () => {
    fc.assert(
      fc.property(scenario, ({ nodes, guests, maxArchives }) => {
        const asked = new Asked()
        const dumping = new Map<string, string>()
        const lying = new Map<string, number>()
        const done = new Set<number>()
        let longest = 0
        const events: { at: number; run: (now: number) => void }[] = []
        const used = () => [...lying.values()].reduce((sum, gib) => sum + gib, 0)
        for (const [index, guest] of guests.entries()) {
          const me = of(`vm-${100 + index}`, `pve${guest.node % nodes}`)
          const ask = (now: number): void => {
            const space = roomy(guest.gib * GIB, (100 - used()) * GIB)
            const limit = maxArchives === undefined ? {} : { maxArchives }
            const answer = asked.ask({ ...me, space, ...limit }, now)
            dumpQueueSchema.parse(asked.queue)
            if (answer.answer === 'wait') {
              longest = Math.max(longest, answer.waitSeconds)
              if (guest.dies !== 'waiting') events.push({ at: now + answer.waitSeconds, run: ask })
            } else if (answer.answer === 'doubt') {
              const runs = [...dumping.values()].includes(answer.jobRef)
              asked.queue = settleDoubt(asked.queue, answer.jobRef, runs, at(now))
              events.push({ at: now, run: ask })
            } else if (answer.answer === 'granted') begin(now)
            // Refused: what was staged by the dead lies there for good.
            else done.add(index)
          }
          const begin = (now: number): void => {
            expect(dumping.get(me.node)).toBeUndefined()
            const jobRef = `job-${index}`
            dumping.set(me.node, jobRef)
            asked.queue = renewTurn(asked.queue, me, { jobRef }, at(now))
            lying.set(me.guest, guest.gib)
            expect(used()).toBeLessThanOrEqual(100)
            const ends = now + guest.dumpSeconds
            for (let look = now + 300; look < ends && guest.dies !== 'dumping'; look += 300) {
              events.push({ at: look, run: (then) => (asked.queue = renewTurn(asked.queue, me, { jobRef }, at(then))) })
            }
            events.push({ at: ends, run: end })
          }
          const end = (now: number): void => {
            dumping.delete(me.node)
            if (guest.dies === 'dumping') return
            asked.queue = endTurn(asked.queue, me, at(now))
            if (guest.dies === 'moving') return
            for (let look = now + 600; look < now + guest.moveSeconds; look += 600) {
              events.push({ at: look, run: (then) => (asked.queue = renewStaged(asked.queue, me, at(then))) })
            }
            events.push({ at: now + guest.moveSeconds, run: finish })
          }
          const finish = (): void => {
            asked.queue = leave(asked.queue, me)
            if (maxArchives !== undefined) lying.delete(me.guest)
            done.add(index)
          }
          events.push({ at: guest.comesAt, run: ask })
        }
        for (let steps = 0; events.length > 0; steps++) {
          expect(steps).toBeLessThan(20_000)
          events.sort((one, other) => one.at - other.at)
          const event = events.shift()
          event?.run(event.at)
        }
        expect(longest).toBeLessThanOrEqual(LONGEST_WAIT_SECONDS)
        const living = guests.flatMap(({ dies }, index) => (dies === 'no' ? [index] : []))
        expect(living.filter((index) => !done.has(index))).toEqual([])
      }),
      { numRuns: 120 },
    )
  })
})

import { describe, expect, it } from 'vitest'
import {
  type DumpQueue,
  type DumpTurn,
  dumpQueueSchema,
  emptyQueue,
  endTurn,
  heldTurn,
  leave,
  LONGEST_QUEUE_SECONDS,
  LONGEST_WAIT_SECONDS,
  promisedBytes,
  renewStaged,
  renewTurn,
  requestTurn,
  settleDoubt,
  type Space,
  STAGED_SECONDS,
  TURN_SECONDS,
  type TurnRequest,
} from '../../../../functions/domain/backup/dump-queue.ts'

const GIB = 2 ** 30
const start = new Date('2026-11-22T02:00:00.000Z')
const at = (seconds: number) => new Date(start.getTime() + seconds * 1000)
const iso = (seconds: number) => at(seconds).toISOString()

function turn(guest: string, its: Partial<DumpTurn> = {}): DumpTurn {
  return {
    guest,
    execution: `e-${guest}`,
    node: 'pve1',
    since: iso(0),
    until: iso(600),
    bytes: 0,
    leaves: false,
    ...its,
  }
}
const waiter = (guest: string, its: object = {}) => ({
  guest,
  execution: `e-${guest}`,
  node: 'pve1',
  since: iso(0),
  until: iso(600),
  ...its,
})
const staged = (guest: string, its: object = {}) => ({ ...waiter(guest), place: 'nas', ...its })
const queue = (its: Partial<DumpQueue>): DumpQueue => ({ ...emptyQueue(), ...its })
const of = (guest: string, its: Partial<TurnRequest> = {}): TurnRequest => ({
  guest,
  execution: `e-${guest}`,
  node: 'pve1',
  space: 'unknown',
  ...its,
})
const nas: Space = { place: 'nas', freeBytes: 10 * GIB, bytes: GIB, likely: true }

describe('who asks for a turn again', () => {
  it('renews its own and nobody else’s: those of other nodes stay as they are', () => {
    const other = turn('vm-200', { node: 'pve2' })
    const before = queue({ turns: [other, turn('vm-100')] })
    const { queue: after, answer } = requestTurn(before, of('vm-100'), at(60))
    expect(answer).toEqual({ answer: 'granted' })
    expect(after.turns).toEqual([other, turn('vm-100', { until: iso(60 + TURN_SECONDS) })])
  })

  it.each([
    ['another execution', { execution: 'another' }, 'granted'],
    ['another guest', { guest: 'vm-101' }, 'wait'],
  ])('holds none that %s of the node has', (_, its, expected) => {
    const { answer } = requestTurn(queue({ turns: [turn('vm-100', its)] }), of('vm-100'), at(60))
    expect(answer.answer).toBe(expected)
  })

  it('on another node gives up the turn that it had on the first', () => {
    const { queue: after, answer } = requestTurn(
      queue({ turns: [turn('vm-100')] }),
      of('vm-100', { node: 'pve2' }),
      at(60),
    )
    expect(answer).toEqual({ answer: 'granted' })
    expect(after.turns.map(({ node }) => node)).toEqual(['pve2'])
  })

  it('keeps its place in the queue of its node, and begins anew on another', () => {
    const before = queue({ turns: [turn('vm-1'), turn('vm-2', { node: 'pve2' })], waiters: [waiter('vm-100')] })
    expect(requestTurn(before, of('vm-100'), at(60)).queue.waiters[0]?.since).toBe(iso(0))
    expect(requestTurn(before, of('vm-100', { node: 'pve2' }), at(60)).queue.waiters).toMatchObject([
      { node: 'pve2', since: iso(60) },
    ])
  })
})

describe('who waits', () => {
  it('comes after those who came first, and of two that came at once after the lesser name', () => {
    const earlier = [
      waiter('vm-050', { since: iso(-5) }),
      waiter('vm-099'),
      waiter('vm-200'),
      waiter('vm-300', { since: iso(1) }),
    ]
    const before = queue({ turns: [turn('vm-1', { expectedEndAt: iso(30) })], waiters: [...earlier, waiter('vm-100')] })
    const { answer } = requestTurn(before, of('vm-100'), at(0))
    // Thirty seconds and two, as long for the one between, and five.
    expect(answer).toEqual({
      answer: 'wait',
      waitSeconds: 67,
      reason: 'Node pve1 dumps guest vm-1; its turn comes after 2 others.',
    })
    // Once more with both that came at once before it.
    const lesser = queue({ turns: before.turns, waiters: [waiter('vm-098'), waiter('vm-099'), waiter('vm-100')] })
    expect(requestTurn(lesser, of('vm-100'), at(0)).answer).toMatchObject({
      reason: expect.stringContaining('after 2 others'),
    })
    expect(requestTurn(lesser, of('vm-099'), at(0)).answer).toMatchObject({
      reason: 'Node pve1 dumps guest vm-1; its turn comes after 1 other.',
    })
    expect(requestTurn(lesser, of('vm-098'), at(0)).answer).toMatchObject({
      reason: expect.stringContaining('its turn comes next'),
    })
  })

  it('comes after them on a node that is free as well, and is asked to be back soon', () => {
    // Due at the very moment: what they have beyond it is their grace.
    const due = { until: iso(300) }
    const before = queue({
      waiters: [waiter('vm-050', due), waiter('vm-060', due), waiter('vm-070', { node: 'pve2', ...due })],
    })
    expect(requestTurn(before, of('vm-100'), at(1)).answer).toEqual({
      answer: 'wait',
      waitSeconds: 10,
      reason: '2 guests of node pve1 come first.',
    })
    const one = queue({ waiters: [waiter('vm-050', due)] })
    expect(requestTurn(one, of('vm-100'), at(1)).answer).toMatchObject({ reason: '1 guest of node pve1 comes first.' })
  })

  it.each([
    [20, 'granted'],
    [19, 'wait'],
  ] as const)('gets a free node before one that came first and asks again in %i s: %s', (seconds, answer) => {
    const before = queue({ waiters: [waiter('vm-050', { until: iso(300 + seconds) })] })
    expect(requestTurn(before, of('vm-100'), at(0)).answer).toMatchObject({ answer })
  })

  it('is told the end of the dump where that is known, and a share of what it took where it is past', () => {
    const asked = (expectedEndAt: string, seconds: number) =>
      requestTurn(queue({ turns: [turn('vm-1', { expectedEndAt })] }), of('vm-100'), at(seconds)).answer
    expect(asked(iso(200), 100)).toMatchObject({ waitSeconds: 102 })
    expect(asked(iso(100), 100)).toMatchObject({ waitSeconds: 5 })
    expect(asked(iso(84), 100)).toMatchObject({ waitSeconds: 8 })
    expect(asked(iso(40), 100)).toMatchObject({ waitSeconds: 10 })
    expect(asked(iso(5000), 100)).toMatchObject({ waitSeconds: LONGEST_WAIT_SECONDS })
  })

  it('goes by how long turns of its node take: first halfway, then to the end', () => {
    const asked = (seconds: number, turnSeconds: number, node = 'pve1') =>
      requestTurn(queue({ turns: [turn('vm-1')], paces: [{ node, turnSeconds }] }), of('vm-100'), at(seconds)).answer
    expect(asked(100, 200)).toMatchObject({ waitSeconds: 50 })
    expect(asked(140, 200)).toMatchObject({ waitSeconds: 62 })
    expect(asked(100, 200, 'pve2')).toMatchObject({ waitSeconds: 10 })
  })

  it('with others ahead counts a usual turn for each, or what this one took where none has ended', () => {
    const ahead = ['vm-1', 'vm-2', 'vm-3'].map((guest, at) => waiter(guest, { since: iso(at - 9) }))
    const asked = (others: number, paces: DumpQueue['paces']) =>
      requestTurn(
        queue({ turns: [turn('vm-9')], waiters: ahead.slice(0, others), ...(paces === undefined ? {} : { paces }) }),
        of('vm-100'),
        at(100),
      ).answer
    // The 50 s that are left, 150 s for the one between, and five.
    expect(asked(2, [{ node: 'pve1', turnSeconds: 150 }])).toMatchObject({ waitSeconds: 205 })
    // The 10 s until the next look, twice 100 s, and five.
    expect(asked(3, undefined)).toMatchObject({ waitSeconds: 215 })
  })

  it('is held for so long beyond the time when it should ask again', () => {
    const before = queue({ turns: [turn('vm-1', { expectedEndAt: iso(30) })] })
    const { queue: after } = requestTurn(before, of('vm-100'), at(0))
    expect(after.waiters).toEqual([waiter('vm-100', { until: iso(32 + 300) })])
  })

  it('waits for three days and no longer', () => {
    const since = iso(-LONGEST_QUEUE_SECONDS)
    const asked = (seconds: number) =>
      requestTurn(
        queue({ turns: [turn('vm-1')], waiters: [waiter('vm-100', { since }), waiter('vm-101')] }),
        of('vm-100'),
        at(seconds),
      )
    expect(asked(0).answer.answer).toBe('wait')
    const { queue: after, answer } = asked(1)
    expect(answer).toMatchObject({
      answer: 'refused',
      why: 'waited-too-long',
      reason: 'It waited for its turn for 72 hours. Node pve1 dumps guest vm-1; its turn comes next.',
    })
    expect(after).toMatchObject({ turns: [{ guest: 'vm-1' }], waiters: [{ guest: 'vm-101' }] })
  })
})

describe('the holder of a turn that is silent', () => {
  const silent = turn('vm-1', { until: iso(0), jobRef: 'job-1' })

  it('is in doubt from the moment its time is over, if it has a job', () => {
    expect(requestTurn(queue({ turns: [silent] }), of('vm-100'), at(0)).answer).toEqual({
      answer: 'doubt',
      guest: 'vm-1',
      jobRef: 'job-1',
    })
    expect(requestTurn(queue({ turns: [silent] }), of('vm-100'), at(-1)).answer.answer).toBe('wait')
  })

  it('is gone without one', () => {
    const { jobRef: _, ...without } = silent
    const { queue: after, answer } = requestTurn(queue({ turns: [without] }), of('vm-100'), at(0))
    expect(answer).toEqual({ answer: 'granted' })
    expect(after.turns.map(({ guest }) => guest)).toEqual(['vm-100'])
  })

  it('goes on for a while where its job runs, and is over where it doesn’t; others stay as they are', () => {
    const others = [turn('vm-2', { node: 'pve2', jobRef: 'job-2' }), turn('vm-3', { node: 'pve3' })]
    const before = queue({ turns: [...others, silent] })
    expect(settleDoubt(before, 'job-1', true, at(10)).turns).toEqual([
      ...others,
      { ...silent, until: iso(10 + LONGEST_WAIT_SECONDS) },
    ])
    expect(settleDoubt(before, 'job-1', false, at(10)).turns).toEqual(others)
  })
})

describe('the room of a storage', () => {
  const ask = (before: Partial<DumpQueue>, space: Partial<Space> = {}, its: Partial<TurnRequest> = {}, seconds = 0) =>
    requestTurn(queue(before), of('vm-100', { space: { ...nas, ...space }, ...its }), at(seconds)).answer

  it('is looked at when the turn is to be had', () => {
    expect(requestTurn(emptyQueue(), of('vm-100', { space: 'unseen' }), start).answer).toEqual({ answer: 'look' })
  })

  it('is enough to the byte where nobody else is there', () => {
    expect(ask({}, { freeBytes: GIB })).toEqual({ answer: 'granted' })
    expect(ask({}, { freeBytes: GIB - 1 })).toMatchObject({
      answer: 'refused',
      why: 'no-space',
      reason: expect.stringMatching(/^Storage nas has .* free for it, and its archive took 1\.0 GiB last time\.$|took/),
    })
  })

  it('is no reason to refuse where the size is a bound only', () => {
    expect(ask({}, { freeBytes: 1, likely: false })).toEqual({ answer: 'granted' })
    const leaving = { staged: [staged('vm-7')] }
    expect(ask(leaving, { freeBytes: GIB, likely: false })).toMatchObject({
      answer: 'wait',
      reason: 'Storage nas has 1.0 GiB free for it, and its archive may take 1.1 GiB.',
    })
  })

  it('has to bear a tenth more where something will leave: that is waited for', () => {
    const leaving = { staged: [staged('vm-7')] }
    expect(ask(leaving, { freeBytes: 1.1 * GIB })).toEqual({ answer: 'granted' })
    expect(ask(leaving, { freeBytes: 1.1 * GIB - 1 })).toMatchObject({ answer: 'wait', waitSeconds: 11 })
    expect(ask({ staged: [staged('vm-7', { place: 'other' })] }, { freeBytes: GIB })).toEqual({ answer: 'granted' })
  })

  it('is promised to those who write there, but not to those who write elsewhere or are silent', () => {
    const writing = (its: Partial<DumpTurn>) => ({
      turns: [turn('vm-2', { node: 'pve2', place: 'nas', bytes: 9 * GIB, ...its })],
    })
    expect(ask(writing({}))).toMatchObject({ answer: 'wait' })
    expect(ask(writing({ bytes: 20 * GIB }))).toMatchObject({
      reason: expect.stringMatching(/^Storage nas has 0 \S+ free for it/),
    })
    expect(ask(writing({ place: 'other' }))).toEqual({ answer: 'granted' })
    expect(ask(writing({ bytes: 8.8 * GIB }))).toEqual({ answer: 'granted' })
    expect(ask(writing({ until: iso(0), jobRef: 'job-2' }))).toEqual({ answer: 'granted' })
  })

  it('bears so many archives that leave it, staged or being written, and the reason counts them', () => {
    const three = {
      turns: [turn('vm-2', { node: 'pve2', place: 'nas', leaves: true }), turn('vm-3', { node: 'pve3', place: 'nas' })],
      staged: [staged('vm-7'), staged('vm-8'), staged('vm-9', { place: 'other' })],
    }
    expect(ask(three, {}, { maxArchives: 4 })).toEqual({ answer: 'granted' })
    expect(ask(three, {}, { maxArchives: 3 })).toMatchObject({
      answer: 'wait',
      reason: '3 archives on storage nas wait to be moved; 3 may.',
    })
    expect(ask(three)).toEqual({ answer: 'granted' })
  })

  it('goes to who waits longer for it, on whatever node', () => {
    const longer = { waiters: [waiter('vm-2', { node: 'pve2', since: iso(-1), waitsForPlace: 'nas' })] }
    expect(ask(longer)).toMatchObject({ answer: 'wait', reason: 'Guest vm-2 waits longer for space on storage nas.' })
    expect(ask({ waiters: [{ ...longer.waiters[0], waitsForPlace: 'other' } as DumpQueue['waiters'][0]] })).toEqual({
      answer: 'granted',
    })
    expect(ask({ waiters: [waiter('vm-2', { node: 'pve2', since: iso(1), waitsForPlace: 'nas' })] })).toEqual({
      answer: 'granted',
    })
  })

  it('is noted with the wait and with the turn', () => {
    const { queue: waits } = requestTurn(
      queue({ staged: [staged('vm-7')] }),
      of('vm-100', { space: { ...nas, freeBytes: 1 } }),
      start,
    )
    expect(waits.waiters).toMatchObject([{ guest: 'vm-100', waitsForPlace: 'nas' }])
    const { queue: granted } = requestTurn(emptyQueue(), of('vm-100', { space: nas, maxArchives: 4 }), start)
    expect(granted.turns).toEqual([
      turn('vm-100', {
        until: iso(TURN_SECONDS),
        place: 'nas',
        bytes: GIB,
        likely: true,
        freeBytes: 10 * GIB,
        leaves: true,
      }),
    ])
    expect(requestTurn(emptyQueue(), of('vm-100'), start).queue.turns).toEqual([
      turn('vm-100', { until: iso(TURN_SECONDS) }),
    ])
  })
})

describe('a turn that runs', () => {
  it('is renewed with what is known by now, and what isn’t any more is forgotten', () => {
    const before = queue({
      turns: [turn('vm-100', { place: 'nas', bytes: 7, expectedEndAt: iso(9) }), turn('vm-2', { node: 'pve2' })],
    })
    const me = { guest: 'vm-100', execution: 'next', node: 'pve1' }
    expect(renewTurn(before, me, { jobRef: 'job-1' }, at(60)).turns).toEqual([
      turn('vm-2', { node: 'pve2' }),
      turn('vm-100', { place: 'nas', bytes: 7, execution: 'next', jobRef: 'job-1', until: iso(60 + TURN_SECONDS) }),
    ])
    expect(renewTurn(before, me, { jobRef: 'job-1', expectedEndAt: iso(99) }, at(60)).turns.at(-1)?.expectedEndAt).toBe(
      iso(99),
    )
  })

  it('is noted where there was none on that node, and takes nothing from one that the guest had elsewhere', () => {
    const before = queue({ turns: [turn('vm-100', { node: 'pve2', place: 'nas', bytes: 7, leaves: true })] })
    expect(
      renewTurn(before, { guest: 'vm-100', execution: 'e', node: 'pve1' }, { jobRef: 'job-1' }, at(60)).turns,
    ).toEqual([turn('vm-100', { execution: 'e', jobRef: 'job-1', since: iso(60), until: iso(60 + TURN_SECONDS) })])
  })

  it('is noted beside another guest’s of that node, and takes nothing from it', () => {
    const theirs = turn('vm-1', { place: 'nas', bytes: 7, leaves: true })
    const me = { guest: 'vm-100', execution: 'e', node: 'pve1' }
    expect(renewTurn(queue({ turns: [theirs] }), me, { jobRef: 'job-1' }, at(60)).turns).toEqual([
      theirs,
      turn('vm-100', { execution: 'e', jobRef: 'job-1', since: iso(60), until: iso(60 + TURN_SECONDS) }),
    ])
  })

  it('ends, and leaves its archive in its place where that is going to leave', () => {
    const leaving = turn('vm-100', { place: 'nas', leaves: true })
    const other = turn('vm-2', { node: 'pve2' })
    const paces = [{ node: 'pve1', turnSeconds: 60 }]
    expect(endTurn(queue({ turns: [other, leaving] }), leaving, at(60))).toEqual(
      queue({
        turns: [other],
        staged: [staged('vm-100', { since: iso(60), until: iso(60 + STAGED_SECONDS) })],
        paces,
      }),
    )
    const without = queue({ turns: [other], paces })
    expect(endTurn(queue({ turns: [other, turn('vm-100', { place: 'nas' })] }), leaving, at(60))).toEqual(without)
    expect(endTurn(queue({ turns: [other, turn('vm-100', { leaves: true })] }), leaving, at(60))).toEqual(without)
  })

  it('says how long turns of its node take: a third of it, two of those before', () => {
    const other = { node: 'pve2', turnSeconds: 7 }
    const before = queue({ turns: [turn('vm-100')], paces: [{ node: 'pve1', turnSeconds: 300 }, other] })
    expect(endTurn(before, turn('vm-100'), at(600)).paces).toEqual([other, { node: 'pve1', turnSeconds: 400 }])
    expect(endTurn(before, turn('vm-100'), at(602)).paces).toEqual([other, { node: 'pve1', turnSeconds: 401 }])
  })

  it.each([
    ['another execution’s', { execution: 'another' }],
    ['another guest’s', { guest: 'vm-1' }],
  ])('isn’t ended by who holds none: %s stays', (_, its) => {
    const before = queue({ turns: [turn('vm-100', its)] })
    expect(endTurn(before, turn('vm-100'), at(60))).toBe(before)
    expect(heldTurn(before, turn('vm-100'))).toBeUndefined()
    expect(leave(before, turn('vm-100'))).toBe(before)
  })

  it('is alone where no other writes to its place: only then the storage’s growth is its own', () => {
    const mine = turn('vm-100', { place: 'nas' })
    const alone = (...others: DumpTurn[]) => heldTurn(queue({ turns: [...others, mine] }), mine)
    expect(alone()).toEqual({ turn: mine, alone: true })
    expect(alone(turn('vm-2', { node: 'pve2', place: 'other' }))?.alone).toBe(true)
    expect(
      alone(turn('vm-2', { node: 'pve2', place: 'other' }), turn('vm-3', { node: 'pve3', place: 'nas' }))?.alone,
    ).toBe(false)
  })

  it('promises its bytes to its place alone', () => {
    const turns = [
      turn('vm-1', { place: 'nas', bytes: 5 }),
      turn('vm-2', { place: 'nas', bytes: 7 }),
      turn('vm-3', { place: 'x', bytes: 9 }),
    ]
    expect(promisedBytes(queue({ turns }), 'nas')).toBe(12)
    expect(promisedBytes(queue({ turns }), 'none')).toBe(0)
  })
})

describe('an archive that waits to be moved', () => {
  const half = STAGED_SECONDS / 2

  it('keeps its place when half of its time is over, and is written no oftener; others stay as they are', () => {
    const mine = staged('vm-100', { until: iso(STAGED_SECONDS) })
    const others = [staged('vm-1', { until: iso(5) }), staged('vm-100', { execution: 'another', until: iso(5) })]
    const before = queue({ staged: [...others, mine] })
    expect(renewStaged(before, mine, at(half))).toBe(before)
    expect(renewStaged(before, mine, at(half + 1)).staged).toEqual([
      ...others,
      { ...mine, until: iso(half + 1 + STAGED_SECONDS) },
    ])
  })

  it('gives it up when its execution has been silent for too long, as one that waits does', () => {
    const before = queue({
      staged: [staged('vm-7', { until: iso(60) })],
      waiters: [waiter('vm-8', { until: iso(60) })],
    })
    expect(requestTurn(before, of('vm-100', { node: 'pve2' }), at(59)).queue).toMatchObject({
      staged: [{}],
      waiters: [{}],
    })
    expect(requestTurn(before, of('vm-100', { node: 'pve2' }), at(60)).queue).toMatchObject({ staged: [], waiters: [] })
  })
})

describe('times of the queue', () => {
  it('are what else is built on: three missed looks at a dump, more than an outage that a transfer bears', () => {
    expect([TURN_SECONDS, STAGED_SECONDS, LONGEST_WAIT_SECONDS, LONGEST_QUEUE_SECONDS]).toEqual([
      1_200, 10_800, 300, 259_200,
    ])
  })
})

describe('a queue as it is stored', () => {
  it('names guest, execution and node of each entry, however short; nothing in it is less than nothing', () => {
    const short = { ...turn('v'), execution: 'e', node: 'n', freeBytes: 0 }
    const all = queue({ turns: [short], paces: [{ node: 'n', turnSeconds: 0 }] })
    expect(dumpQueueSchema.parse(all)).toEqual(all)
    const bad = [{ guest: '' }, { execution: '' }, { node: '' }, { bytes: -1 }, { freeBytes: -1 }]
    for (const its of bad) {
      expect(dumpQueueSchema.safeParse({ ...all, turns: [{ ...short, ...its }] }).success).toBe(false)
    }
    for (const pace of [{ node: '' }, { turnSeconds: -1 }]) {
      expect(dumpQueueSchema.safeParse({ ...all, paces: [{ node: 'n', turnSeconds: 0, ...pace }] }).success).toBe(false)
    }
    expect(dumpQueueSchema.safeParse({ ...all, version: 2 }).success).toBe(false)
  })
})

describe('leaving the queue', () => {
  it('gives back turn, place in the queue and place on the storage, and nothing of anybody else', () => {
    const others = {
      turns: [turn('vm-1')],
      waiters: [waiter('vm-2'), waiter('vm-100', { execution: 'x' })],
      staged: [staged('vm-3')],
    }
    for (const mine of [{ turns: [turn('vm-100')] }, { waiters: [waiter('vm-100')] }, { staged: [staged('vm-100')] }]) {
      const before = queue({
        turns: [...others.turns, ...(mine.turns ?? [])],
        waiters: [...others.waiters, ...(mine.waiters ?? [])],
        staged: [...others.staged, ...(mine.staged ?? [])],
      })
      expect(leave(before, turn('vm-100'))).toEqual(queue(others))
    }
  })
})

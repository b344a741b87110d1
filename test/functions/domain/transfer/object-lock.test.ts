import { describe, expect, it } from 'vitest'
import {
  datedLock,
  isLockEnough,
  lockInForce,
  lockLost,
  lockShortfall,
  lockWords,
  requiredNow,
  strongerLock,
  wholeLock,
} from '../../../../functions/domain/transfer/object-lock.ts'

const now = new Date('2026-11-20T00:00:00.000Z')
const soft = { mode: 'governance', days: 30 } as const
const hard = { mode: 'compliance', days: 10 } as const

describe('the lock that an archive is to have', () => {
  it('has the stricter mode and the longer time of the job and the deployment', () => {
    expect(strongerLock(soft, hard)).toEqual({ mode: 'compliance', days: 30 })
    expect(strongerLock(hard, soft)).toEqual({ mode: 'compliance', days: 30 })
    expect(strongerLock(soft, { mode: 'governance', days: 31 })).toEqual({ mode: 'governance', days: 31 })
    expect(strongerLock(soft, undefined)).toBe(soft)
    expect(strongerLock(undefined, hard)).toBe(hard)
    expect(strongerLock(undefined, undefined)).toBeUndefined()
  })

  it('is kept by an upload that was opened with at least as much', () => {
    expect(isLockEnough(undefined, undefined)).toBe(true)
    expect(isLockEnough(hard, undefined)).toBe(true)
    expect(isLockEnough(undefined, hard)).toBe(false)
    expect(isLockEnough(soft, hard)).toBe(false)
    expect(isLockEnough(hard, { mode: 'governance', days: 10 })).toBe(true)
    expect(isLockEnough(hard, { mode: 'governance', days: 11 })).toBe(false)
  })

  it('ends so many days after the upload was opened', () => {
    expect(datedLock(soft, now)).toEqual({ mode: 'governance', until: '2026-12-20T00:00:00.000Z' })
  })
})

describe('a lock that S3 shows', () => {
  const begun = '2026-11-10T00:00:00.000Z'
  const full = { mode: 'compliance', until: '2026-11-30T00:00:00.000Z' } as const
  const order = { mode: 'compliance', days: 20 } as const

  it('is enough from the beginning of the object on, with an hour for clocks and requests', () => {
    expect(lockShortfall(full, order, begun, now)).toBeUndefined()
    expect(lockShortfall({ ...full, until: '2026-11-29T23:00:00.000Z' }, order, begun, now)).toBeUndefined()
    expect(lockShortfall({ ...full, until: '2026-11-29T22:59:59.999Z' }, order, begun, now)).toBe(
      'its lock ends on 2026-11-29T22:59:59.999Z',
    )
  })

  it('is enough in the stricter mode, and where nobody knows when the object was begun', () => {
    expect(lockShortfall(full, { mode: 'governance', days: 20 }, begun, now)).toBeUndefined()
    expect(lockShortfall({ ...full, until: '2026-11-20T00:00:00.001Z' }, order, undefined, now)).toBeUndefined()
  })

  it.each([
    ['there is none', undefined, 'S3 shows no lock on it'],
    ['it is over', { ...full, until: now.toISOString() }, 'S3 shows no lock on it'],
    ['its mode is weaker', { ...full, mode: 'governance' as const }, 'its lock has the mode governance'],
    ['its mode is none that we know', { until: full.until }, 'its lock has the mode unknown'],
    ['it is a legal hold', { legalHold: true as const }, 'it has a legal hold alone, which has no date'],
  ])('is not enough where %s', (_why, shown, reason) => {
    expect(lockShortfall(shown, order, begun, now)).toBe(reason)
  })

  it('asks for a mode of governance, too', () => {
    expect(lockShortfall({ until: full.until }, soft, undefined, now)).toBe('its lock has the mode unknown')
  })

  it('holds what it holds now: a retention that is over is none', () => {
    const over = { mode: 'compliance', until: '2026-11-01T00:00:00.000Z' } as const
    expect(lockInForce(undefined, now)).toBeUndefined()
    expect(lockInForce({}, now)).toBeUndefined()
    expect(lockInForce(over, now)).toBeUndefined()
    expect(lockInForce({ ...over, legalHold: true }, now)).toStrictEqual({ legalHold: true })
    expect(lockInForce({ ...full, legalHold: true }, now)).toStrictEqual({ ...full, legalHold: true })
    expect(lockInForce({ until: full.until }, now)).toStrictEqual({ until: full.until })
  })

  it('holds an archive until the earliest end of its files, in the weakest of their modes', () => {
    const soon = { mode: 'governance', until: '2026-11-29T00:00:00.000Z' } as const
    expect(wholeLock([full])).toEqual(full)
    expect(wholeLock([full, soon])).toEqual(soon)
    expect(wholeLock([soon, { ...full, until: '2026-11-28T00:00:00.000Z' }])).toEqual({
      mode: 'governance',
      until: '2026-11-28T00:00:00.000Z',
    })
    expect(wholeLock([full, { until: full.until }])).toEqual({ until: full.until })
    expect(wholeLock([full, undefined])).toBeUndefined()
    expect(wholeLock([full, { mode: 'compliance' }])).toBeUndefined()
    expect(wholeLock([])).toBeUndefined()
  })

  it('is told in words', () => {
    expect(lockWords(full)).toBe('a lock until 2026-11-30T00:00:00.000Z (compliance)')
    expect(lockWords({ legalHold: true })).toBe('a legal hold')
    expect(lockWords({ until: full.until, legalHold: true })).toBe(
      'a lock until 2026-11-30T00:00:00.000Z and a legal hold',
    )
  })
})

describe('a lock that a manifest noted', () => {
  const noted = { mode: 'governance', until: '2026-11-30T00:00:00.000Z' } as const

  it('holds while S3 shows as much or more, and is nobody’s business when it is over', () => {
    expect(lockLost(noted, noted, now)).toBeUndefined()
    expect(lockLost(noted, { mode: 'compliance', until: '2027-01-01T00:00:00.000Z' }, now)).toBeUndefined()
    expect(lockLost({ ...noted, until: now.toISOString() }, undefined, now)).toBeUndefined()
    // A legal hold is lifted by people, as they please.
    expect(lockLost({ legalHold: true }, undefined, now)).toBeUndefined()
    expect(lockLost({ until: noted.until }, { until: noted.until }, now)).toBeUndefined()
  })

  it.each([
    ['no lock', undefined, /^S3 shows no lock on it, and its manifest has a lock until 2026-11-30.*governance\)$/],
    ['a hold in its place', { legalHold: true as const }, /^S3 shows a legal hold alone, and its manifest has/],
    [
      'an earlier end',
      { ...noted, until: '2026-11-29T00:00:00.000Z' },
      /^S3 shows a lock until 2026-11-29.*, and its manifest has a lock until 2026-11-30/,
    ],
    ['no mode', { until: noted.until }, /^S3 shows a lock until 2026-11-30T00:00:00.000Z, and its manifest has/],
  ])('is lost where S3 shows %s', (_what, shown, reason) => {
    expect(lockLost(noted, shown, now)).toMatch(reason)
  })

  it('is demanded of archives whose upload can’t have begun so long ago that it may be over', () => {
    // A copy takes 14 days at most.
    expect(requiredNow(soft, '2026-11-04T00:00:00.001Z', now)).toBe(true)
    expect(requiredNow(soft, '2026-11-04T00:00:00.000Z', now)).toBe(false)
  })
})

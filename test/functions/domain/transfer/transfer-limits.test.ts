import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { runLimitsSchema } from '../../../../functions/contracts/limits.ts'
import { bandwidthAt, strictest } from '../../../../functions/domain/transfer/transfer-limits.ts'

const MIB = 2 ** 20
type Given = Parameters<typeof runLimitsSchema.parse>[0]
const at = (limits: Given, instant: string) => {
  const { bytesPerSecond, closed, changesAt } = bandwidthAt(runLimitsSchema.parse(limits), new Date(instant))
  return {
    mib: bytesPerSecond === undefined ? undefined : bytesPerSecond / MIB,
    closed,
    changesAt: changesAt?.toISOString(),
  }
}
/** Office hours of a branch in Berlin: slow on weekdays, nothing at all while its own night backup runs. */
const berlin: Given = {
  timezone: 'Europe/Berlin',
  mibPerSecond: 100,
  windows: [
    { days: ['mon', 'tue', 'wed', 'thu', 'fri'], from: '08:00', to: '18:00', mibPerSecond: 10 },
    { from: '23:30', to: '01:00', mibPerSecond: 0 },
  ],
}

describe('the bandwidth that holds at an instant', () => {
  it('is unlimited for ever without windows and rate', () => {
    expect(at({}, '2026-11-22T12:00:00Z')).toEqual({ mib: undefined, closed: false, changesAt: undefined })
  })

  it('is the general one outside all windows, until the next begins', () => {
    // Monday, 07:59:30 in Berlin.
    expect(at(berlin, '2026-11-23T06:59:30Z')).toEqual({
      mib: 100,
      closed: false,
      changesAt: '2026-11-23T07:00:00.000Z',
    })
  })

  it('begins with the first second of a window and ends before the first after it', () => {
    expect(at(berlin, '2026-11-23T07:00:00Z')).toEqual({
      mib: 10,
      closed: false,
      changesAt: '2026-11-23T17:00:00.000Z',
    })
    expect(at(berlin, '2026-11-23T16:59:59.999Z').mib).toBe(10)
    expect(at(berlin, '2026-11-23T17:00:00Z').mib).toBe(100)
  })

  it('heeds the days', () => {
    expect(at(berlin, '2026-11-22T11:00:00Z')).toMatchObject({ mib: 100, changesAt: '2026-11-22T22:30:00.000Z' })
  })

  it('reaches over midnight into the next day', () => {
    expect(at(berlin, '2026-11-22T22:30:00Z')).toEqual({ mib: 0, closed: true, changesAt: '2026-11-23T00:00:00.000Z' })
    expect(at(berlin, '2026-11-22T23:30:00Z')).toMatchObject({ closed: true, changesAt: '2026-11-23T00:00:00.000Z' })
  })

  it('counts a window over midnight to the day on which it begins', () => {
    const saturdayNight: Given = { windows: [{ days: ['sat'], from: '22:00', to: '06:00', mibPerSecond: 5 }] }
    expect(at(saturdayNight, '2026-11-22T05:59:00Z').mib).toBe(5)
    expect(at(saturdayNight, '2026-11-21T05:59:00Z').mib).toBeUndefined()
    expect(at(saturdayNight, '2026-11-22T23:00:00Z')).toMatchObject({
      mib: undefined,
      changesAt: '2026-11-28T22:00:00.000Z',
    })
  })

  it('takes the same time twice for a whole day', () => {
    const sundays: Given = { windows: [{ days: ['sun'], from: '12:00', to: '12:00', mibPerSecond: 5 }] }
    expect(at(sundays, '2026-11-22T12:00:00Z')).toMatchObject({ mib: 5, changesAt: '2026-11-23T12:00:00.000Z' })
  })

  it('lets the first window that holds decide', () => {
    const both: Given = {
      windows: [
        { from: '10:00', to: '11:00', mibPerSecond: 1 },
        { from: '09:00', to: '12:00', mibPerSecond: 2 },
      ],
    }
    expect(at(both, '2026-11-22T09:30:00Z')).toMatchObject({ mib: 2, changesAt: '2026-11-22T10:00:00.000Z' })
    expect(at(both, '2026-11-22T10:30:00Z')).toMatchObject({ mib: 1, changesAt: '2026-11-22T11:00:00.000Z' })
  })

  it('tells no change where the next window allows the same', () => {
    const same: Given = { mibPerSecond: 5, windows: [{ from: '10:00', to: '11:00', mibPerSecond: 5 }] }
    expect(at(same, '2026-11-22T09:30:00Z').changesAt).toBeUndefined()
  })
})

describe('on days when clocks change in Berlin', () => {
  const night: Given = { timezone: 'Europe/Berlin', windows: [{ from: '01:00', to: '06:00', mibPerSecond: 5 }] }
  const lost: Given = { timezone: 'Europe/Berlin', windows: [{ from: '02:15', to: '02:45', mibPerSecond: 0 }] }

  it('a night window is an hour shorter in spring and an hour longer in autumn', () => {
    expect(at(night, '2026-03-29T00:00:00Z')).toMatchObject({ mib: 5, changesAt: '2026-03-29T04:00:00.000Z' })
    expect(at(night, '2026-10-24T23:00:00Z')).toMatchObject({ mib: 5, changesAt: '2026-10-25T05:00:00.000Z' })
  })

  it('a window within the hour that is left out does not happen, and the next day it does', () => {
    expect(at(lost, '2026-03-29T00:59:00Z').changesAt).toBe('2026-03-30T00:15:00.000Z')
  })

  it('a window that ends in the hour that is left out ends with it', () => {
    const ending: Given = { timezone: 'Europe/Berlin', windows: [{ from: '01:00', to: '02:30', mibPerSecond: 0 }] }
    expect(at(ending, '2026-03-29T00:30:00Z').changesAt).toBe('2026-03-29T01:00:00.000Z')
  })

  it('a window within the hour that comes twice happens twice', () => {
    expect(at(lost, '2026-10-25T00:15:00Z')).toMatchObject({ closed: true, changesAt: '2026-10-25T00:45:00.000Z' })
    expect(at(lost, '2026-10-25T00:45:00Z')).toMatchObject({ closed: false, changesAt: '2026-10-25T01:15:00.000Z' })
    expect(at(lost, '2026-10-25T01:20:00Z').closed).toBe(true)
  })
})

describe('the next change', () => {
  const clock = fc
    .tuple(fc.integer({ min: 0, max: 23 }), fc.integer({ min: 0, max: 59 }))
    .map(([hours, minutes]) => `${String(hours).padStart(2, '0')}:${String(minutes).padStart(2, '0')}`)
  it('is where the bandwidth differs for the first time, in any zone on any day', () => {
    fc.assert(
      fc.property(
        fc.array(fc.record({ from: clock, to: clock, mibPerSecond: fc.integer({ min: 0, max: 3 }) }), {
          minLength: 1,
          maxLength: 3,
        }),
        fc.constantFrom('UTC', 'Europe/Berlin', 'America/New_York', 'Asia/Kathmandu', 'Australia/Lord_Howe'),
        fc.date({ min: new Date('2025-01-01'), max: new Date('2028-01-01'), noInvalidDate: true }),
        (windows, timezone, now) => {
          const limits = runLimitsSchema.parse({ windows, timezone, mibPerSecond: 2 })
          const { bytesPerSecond, changesAt } = bandwidthAt(limits, now)
          if (changesAt === undefined) return
          expect(changesAt.getTime()).toBeGreaterThan(now.getTime())
          expect(bandwidthAt(limits, changesAt).bytesPerSecond).not.toBe(bytesPerSecond)
          expect(bandwidthAt(limits, new Date(changesAt.getTime() - 1)).bytesPerSecond).toBe(bytesPerSecond)
          const between = new Date(Math.floor(now.getTime() + (changesAt.getTime() - 1 - now.getTime()) * 0.6))
          expect(bandwidthAt(limits, between).changesAt).toEqual(changesAt)
        },
      ),
      { numRuns: 200 },
    )
  })
})

describe('the stricter of two limits', () => {
  const open = { bytesPerSecond: undefined, closed: false, changesAt: undefined }
  const slow = { bytesPerSecond: 5, closed: false, changesAt: new Date(2000) }
  it('is the lower rate until either changes', () => {
    expect(strictest(open, open)).toEqual(open)
    expect(strictest(open, slow)).toEqual(slow)
    expect(strictest({ bytesPerSecond: 3, closed: false, changesAt: new Date(1000) }, slow)).toEqual({
      bytesPerSecond: 3,
      closed: false,
      changesAt: new Date(1000),
    })
  })
  it('is closed when one is', () => {
    expect(strictest({ bytesPerSecond: 0, closed: true, changesAt: undefined }, open).closed).toBe(true)
  })
})

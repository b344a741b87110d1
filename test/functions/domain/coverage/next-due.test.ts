import { describe, expect, it } from 'vitest'
import { nextDue } from '../../../../functions/domain/coverage/next-due.ts'

const now = Date.parse('2026-11-24T12:00:00.000Z')
const guest = { kind: 'vm' as const, id: '100' }
const newest = { createdAt: '2026-11-24T02:00:00.000Z' }
const known = {
  judgedAt: '2026-11-24T06:00:00.000Z',
  schedules: [{ name: 'nightly', everyHours: 24 }, { name: 'weekly', everyHours: 168 }, { name: 'once' }],
  guests: [{ guest, chosenBy: ['weekly', 'nightly', 'once'] }],
}
const chosenBy = (...names: string[]) => ({ ...known, guests: [{ guest, chosenBy: names }] })

describe('when the next archive is due', () => {
  it('is the shortest interval of the schedules that choose the guest, after its newest archive', () => {
    expect(nextDue(guest, newest, known, now)).toBe('2026-11-25T02:00:00.000Z')
    expect(nextDue(guest, newest, chosenBy('weekly'), now)).toBe('2026-12-01T02:00:00.000Z')
  })

  it('goes by the time that can be trusted', () => {
    const misdated = { createdAt: '2030-01-01T00:00:00.000Z', at: '2026-11-24T03:00:00.000Z' }
    expect(nextDue(guest, misdated, known, now)).toBe('2026-11-25T03:00:00.000Z')
  })

  it('stays what it was when it has passed', () => {
    const old = { createdAt: '2026-11-20T02:00:00.000Z' }
    expect(nextDue(guest, old, known, now)).toBe('2026-11-21T02:00:00.000Z')
  })

  it.each([
    ['no schedule chooses the guest', chosenBy()],
    ['its schedule shows no interval', chosenBy('once')],
    ['its schedule is not among those that are known', chosenBy('other')],
    ['the check asked for no schedules', { ...known, guests: [{ guest }] }],
    ['the check knew the guest not', { ...known, guests: [] }],
    ['another kind of guest has the id', { ...known, guests: [{ guest: { kind: 'container' as const, id: '100' } }] }],
    ['the check is older than a week', { ...known, judgedAt: '2026-11-17T11:59:59.000Z' }],
  ])('is not known where %s', (_why, report) => {
    expect(nextDue(guest, newest, report, now)).toBeUndefined()
  })

  it('is known by a check of a week ago', () => {
    expect(nextDue(guest, newest, { ...known, judgedAt: '2026-11-17T12:00:00.000Z' }, now)).toBeDefined()
  })

  it('is not known of a guest without a whole archive', () => {
    expect(nextDue(guest, undefined, known, now)).toBeUndefined()
  })
})

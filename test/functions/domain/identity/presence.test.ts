import { describe, expect, it } from 'vitest'
import type { SiteBook } from '../../../../functions/contracts/site-book.ts'
import { absentGuests, tooManyAbsent, withList, withSettled } from '../../../../functions/domain/identity/presence.ts'

const vm = (id: number) => ({ kind: 'vm', id: String(id) }) as const
const vms = (...ids: number[]) => ids.map(vm)
const day = (number: number, hour = 2) => new Date(Date.UTC(2026, 10, number, hour)).toISOString()
const empty: SiteBook = { version: 1, site: 'hq', guests: [] }
/** The book after lists of these guests at these times; all of 100 to 107 have archives. */
const after = (...lists: [string, { kind: 'vm'; id: string }[]][]) =>
  lists.reduce((book, [at, listed]) => withList(book, listed, vms(100, 101, 102, 103, 104, 105, 106, 107), at), empty)
const all = vms(100, 101, 102, 103, 104, 105, 106, 107)
const without100 = all.slice(1)

describe('which guests are gone', () => {
  it('takes several whole lists over a week for gone, and nothing less', () => {
    const week = after([day(1), without100], [day(4), without100], [day(8), without100])
    expect(absentGuests(week)).toMatchObject([{ id: '100', since: day(1), lists: 3, gone: true }])
    expect(absentGuests(after([day(1), without100], [day(8), without100]))).toMatchObject([{ lists: 2, gone: false }])
    const short = after([day(1), without100], [day(3), without100], [day(5), without100], [day(7), without100])
    expect(absentGuests(short)).toMatchObject([{ lists: 4, gone: false }])
  })

  it('counts lists of the same hours once', () => {
    const hasty = after([day(1, 1), without100], [day(1, 2), without100], [day(1, 3), without100], [day(9), without100])
    expect(absentGuests(hasty)).toMatchObject([{ lists: 2, gone: false }])
  })

  it('begins anew with a guest that was back in between', () => {
    const back = after([day(1), without100], [day(4), all], [day(8), without100], [day(9), without100])
    expect(absentGuests(back)).toMatchObject([{ since: day(8), lists: 2, gone: false }])
  })

  it('is not fooled by a clock that jumped back', () => {
    const jumped = after([day(20), without100], [day(1), without100], [day(2), without100], [day(3), without100])
    expect(absentGuests(jumped)).toMatchObject([{ since: day(20), lists: 1, gone: false }])
  })

  it('takes an id that went to a guest of the other kind for another guest', () => {
    const book = withList(empty, [{ kind: 'container', id: '100' }], [vm(100)], day(1))
    expect(absentGuests(book)).toMatchObject([{ kind: 'vm', id: '100' }])
  })

  it('forgets guests that have no archives any more, and keeps who a guest was', () => {
    const seen = withList(empty, [{ ...vm(100), identity: { id: 'uuid' } }], [vm(100), vm(101)], day(1))
    expect(withList(seen, [], [vm(100)], day(2)).guests).toEqual([
      { ...vm(100), seenAt: day(1), identity: { id: 'uuid' }, absent: { since: day(2), lists: 1, countedAt: day(2) } },
    ])
  })

  it('keeps what a newer version wrote', () => {
    const newer = { ...empty, hint: 'kept', guests: [{ ...vm(100), note: 'kept' }] }
    expect(withList(newer, [vm(100)], [vm(100)], day(1))).toMatchObject({ hint: 'kept', guests: [{ note: 'kept' }] })
  })
})

describe('how many guests may vanish at once', () => {
  const tooMany = (book: SiteBook) => tooManyAbsent(book, 'the right to look')

  it('says what an account needs to see them, in the words of the platform', () => {
    expect(tooMany(after([day(1), all.slice(3)]))).toMatch(/its account still sees them \(the right to look\)/)
  })

  it('lets one guest go of however few, and no more than a quarter of many', () => {
    expect(tooMany(after([day(1), without100]))).toBeUndefined()
    expect(tooMany(after([day(1), all.slice(2)]))).toBeUndefined()
    expect(tooMany(after([day(1), all.slice(3)]))).toMatch(/Site hq doesn't list 3 of 8 guests that have archives/)
    expect(tooMany(after([day(1), []]))).toMatch(/8 of 8/)
  })

  it('measures against those that were there, once an absence is settled', () => {
    const settled = withSettled(after([day(1), all.slice(4)]), 'all', day(1))
    expect(tooMany(settled)).toBeUndefined()
    const next = withList(settled, all.slice(6), all, day(2))
    expect(tooMany(next)).toMatch(/2 of 4 guests/)
    // Back again, and then absent: that is news.
    expect(tooMany(withList(withList(settled, all, all, day(2)), all.slice(4), all, day(3)))).toMatch(/4 of 8/)
  })

  it('settles only what is gone unless a person says more', () => {
    const gone = after([day(1), without100], [day(4), without100], [day(8), all.slice(2)])
    expect(absentGuests(withSettled(gone, 'gone', day(8))).map(({ settled }) => settled)).toEqual([true, false])
    expect(absentGuests(withSettled(gone, 'all', day(8))).map(({ settled }) => settled)).toEqual([true, true])
  })
})

import { describe, expect, it } from 'vitest'
import { bareCause, byCause, someOf } from '../../../../functions/domain/words/same-cause.ts'

const struck = (id: string, cause: string) => ({ id, cause, own: [id, `guest${id}`, 'vm'] })

describe('one cause', () => {
  it('is one though it names each guest that it struck, and when', () => {
    const of = (id: string, minute: string) =>
      struck(id, `can't open an upload for s3://b/archives/hq/vm-${id}/2026-11-22T02-${minute}-00Z/: ECONNREFUSED`)
    const groups = byCause([of('100', '00'), of('101', '07'), struck('102', 'locked'), of('10', '09')], (one) => one)
    expect(groups.map((group) => group.map(({ id }) => id))).toEqual([['100', '101', '10'], ['102']])
  })

  it.each([
    ['exit code 1', 'exit code 255'],
    ['HTTP status 503', 'HTTP status 403'],
    ['storage nas1 is full', 'storage nas2 is full'],
  ])('is another where anything else differs: %s, %s', (one, other) => {
    expect(byCause([struck('100', one), struck('101', other)], (each) => each)).toHaveLength(2)
  })

  it('keeps numbers in which an id only occurs', () => {
    expect(bareCause(struck('10', 'guest 10 of 100: 10% (vm-10) 10.5'))).toBe('guest … of 100: …% (…-…) ….5')
    expect(bareCause({ cause: 'a (b) a', own: ['(b)', ''] })).toBe('a … a')
  })

  it('names some and counts the others', () => {
    expect(someOf(['100 web', '101 db', '102 mail'])).toBe('100 web, 101 db, 102 mail')
    expect(someOf(['100 web', '101 db', '102 mail', '103', '104'])).toBe('100 web, 101 db, 102 mail and 2 more')
  })
})

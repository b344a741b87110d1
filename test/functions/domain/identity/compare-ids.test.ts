import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { guestIdSchema } from '../../../../functions/contracts/nouns.ts'
import { byId, compareIds } from '../../../../functions/domain/identity/compare-ids.ts'

const anyId = fc.oneof(
  fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9._-]{0,20}$/),
  fc.bigInt({ min: 0n, max: 10n ** 30n }).map(String),
  fc.uuid(),
)

describe('the order of ids', () => {
  it('takes numbers by their value, before ids that are none', () => {
    const ids = ['i-0abc', '1000', '99', 'b', '100', 'B', '1e2', '4567890123456789012', '4567890123456789011']
    expect(ids.toSorted(compareIds)).toEqual(
      '99 100 1000 4567890123456789011 4567890123456789012 1e2 B b i-0abc'.split(' '),
    )
  })

  it('sorts guests by it', () => {
    expect([{ id: '1000' }, { id: 'a' }, { id: '101' }].toSorted(byId).map(({ id }) => id)).toEqual([
      '101',
      '1000',
      'a',
    ])
  })

  it('is one order of all ids, in which only the same id is equal', () => {
    fc.assert(
      fc.property(anyId, anyId, anyId, (one, other, third) => {
        expect(Math.sign(compareIds(one, other))).toBe(-Math.sign(compareIds(other, one)) + 0)
        expect(compareIds(one, other) === 0).toBe(one === other)
        const [a, b, c] = [one, other, third].toSorted(compareIds) as [string, string, string]
        expect([compareIds(a, b) <= 0, compareIds(b, c) <= 0, compareIds(a, c) <= 0]).toEqual([true, true, true])
      }),
    )
  })
})

describe('an id', () => {
  it.each([
    '100',
    'i-0abc123',
    '0f8fad5b-d9cb-469f-a165-70867728950e',
    '4567890123456789012',
    'A',
    'vm_1.x',
    'x'.repeat(128),
  ])('may be %s', (id) => expect(guestIdSchema.safeParse(id).success).toBe(true))

  it.each(['', '-a', '.', '..', 'a/b', 'a b', 'ä', 'a\n', 'x'.repeat(129)])('is never %j', (id) =>
    expect(guestIdSchema.safeParse(id).success).toBe(false),
  )
})

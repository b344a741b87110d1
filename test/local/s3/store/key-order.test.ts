import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { compareKeys, OrderedMap } from '../../../../local/s3/store/key-order.ts'

describe('key order', () => {
  it('is the order of the UTF-8 bytes', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }), (a, b) => {
        expect(Math.sign(compareKeys(a, b))).toBe(Buffer.compare(Buffer.from(a), Buffer.from(b)))
      }),
    )
    expect(compareKeys('\u{1F600}', '\uFF5E')).toBeGreaterThan(0)
  })

  it('walks from any key on, also after deletions', () => {
    const map = new OrderedMap<number>()
    for (const [at, key] of ['c', 'a', 'e', 'b'].entries()) map.set(key, at)
    map.delete('b')
    expect([...map.from('b')].map(([key]) => key)).toEqual(['c', 'e'])
    map.set('d', 9)
    expect([...map.from('')].map(([key]) => key)).toEqual(['a', 'c', 'd', 'e'])
  })
})

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { matchesGlob } from '../../../../functions/domain/selection/glob.ts'

/** The same by regular expression, which is easy to see through and not safe with patterns of strangers. */
function byExpression(pattern: string, text: string): boolean {
  const escaped = pattern.replaceAll(/[.+^${}()|[\]\\/-]/g, String.raw`\$&`)
  const source = escaped.replaceAll('*', '.*').replaceAll('?', '.')
  return new RegExp(`^${source}$`, 'is').test(text)
}

describe('a glob', () => {
  it.each([
    ['web*', 'web01', true],
    ['web*', 'web', true],
    ['web?', 'web', false],
    ['web?', 'web1', true],
    ['*', '', true],
    ['?', '', false],
    ['', '', true],
    ['', 'a', false],
    ['WEB01', 'web01', true],
    ['*-db-*', 'prod-db-1', true],
    ['*-db-*', 'prod-db', false],
    ['a*b*c', 'aXbXbXc', true],
    ['[ab]', 'a', false],
    ['web.01', 'webx01', false],
    ['(a+)+', 'aaa', false],
  ])('%j fits %j: %j', (pattern, text, fits) => {
    expect(matchesGlob(pattern, text)).toBe(fits)
  })

  it('means what the same regular expression means', () => {
    const text = fc.string({ unit: fc.constantFrom('a', 'b', '.', '-', 'A'), maxLength: 12 })
    const pattern = fc.string({ unit: fc.constantFrom('a', 'b', '.', '-', '*', '?', 'B'), maxLength: 8 })
    fc.assert(
      fc.property(pattern, text, (glob, name) => {
        expect(matchesGlob(glob, name)).toBe(byExpression(glob, name))
      }),
    )
  })

  it('fits whatever it was made from', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.nat(), fc.nat(), (text, one, other) => {
        const characters = Array.from(text.toLowerCase())
        const [from, to] = [one % (characters.length + 1), other % (characters.length + 1)].sort((a, b) => a - b)
        const pattern = `${characters.slice(0, from).join('')}*${characters.slice(to).join('')}`
        expect(matchesGlob(pattern, text)).toBe(true)
      }),
    )
  })

  it('with many stars costs no more steps than pattern times text', () => {
    // A backtracking matcher takes some 10^20 steps for this, so that this test would never end.
    expect(matchesGlob(`${'*a'.repeat(60)}b`, 'a'.repeat(250))).toBe(false)
  })
})

import { describe, expect, it } from 'vitest'
import type { SiteConfiguration } from '../../../../functions/contracts/site-configuration.ts'
import { sameConfiguration } from '../../../../functions/domain/configuration/same-configuration.ts'
import { sameValue } from '../../../../functions/domain/configuration/same-value.ts'

describe('two values of JSON', () => {
  it('are the same whatever the order of their fields', () => {
    expect(sameValue({ a: 1, b: [{ c: null }] }, { b: [{ c: null }], a: 1 })).toBe(true)
  })

  it.each([
    [
      [1, 2],
      [2, 1],
    ],
    [['x'], { 0: 'x' }],
    [[], {}],
    [{ a: undefined }, { b: undefined }],
    [{ a: 1 }, { a: 1, b: 1 }],
    [{}, null],
    ['1', 1],
  ])('are two things: %j and %j', (one, other) => {
    expect(sameValue(one, other)).toBe(false)
    expect(sameValue(other, one)).toBe(false)
  })
})

describe('two records of a site', () => {
  const record = (incomplete?: string, changes: Partial<SiteConfiguration> = {}): SiteConfiguration => ({
    version: 1,
    site: 'hq',
    platform: 'proxmox',
    platformVersion: '9.2',
    takenAt: '2026-07-01T02:00:00.000Z',
    leftOut: [],
    parts: [{ part: 'users', what: 'Users', entries: { a: 1 }, ...(incomplete === undefined ? {} : { incomplete }) }],
    ...changes,
  })

  it('say the same at another time, and with another wording of why something may be missing', () => {
    expect(sameConfiguration(record(), record(undefined, { takenAt: '2026-07-02T02:00:00.000Z' }))).toBe(true)
    expect(sameConfiguration(record('no right'), record('a right lacks'))).toBe(true)
  })

  it('differ once a part is whole, a secret was left out, or the version is another', () => {
    expect(sameConfiguration(record('no right'), record())).toBe(false)
    expect(sameConfiguration(record(), record(undefined, { leftOut: ['users/a.password'] }))).toBe(false)
    expect(sameConfiguration(record(), record(undefined, { platformVersion: '9.3' }))).toBe(false)
  })
})

import { describe, expect, it } from 'vitest'
import type { ConfigurationPart } from '../../../../functions/contracts/site-configuration.ts'
import { compareConfigurations } from '../../../../functions/domain/configuration/compare-configurations.ts'

const record = (entries: ConfigurationPart['entries'], incomplete?: string) => ({
  parts: [{ part: 'users', what: 'Users', entries, ...(incomplete === undefined ? {} : { incomplete }) }],
})
const whole = record({ 'a@pve': { enable: 1, email: 'a@example.com' }, 'b@pve': { enable: 1 } })

describe('two records of a site', () => {
  it('that say the same have no changes', () => {
    expect(compareConfigurations(whole, structuredClone(whole))).toEqual([])
  })

  it('show what was added, removed and changed, with the names of the fields', () => {
    const now = record({ 'a@pve': { enable: 0, email: 'a@example.com', expire: 5 }, 'c@pve': {} })
    expect(compareConfigurations(whole, now)).toEqual([
      { part: 'users', entry: 'a@pve', change: 'changed', fields: ['enable', 'expire'] },
      { part: 'users', entry: 'b@pve', change: 'removed' },
      { part: 'users', entry: 'c@pve', change: 'added' },
    ])
  })

  it('are compared in the order of names, with fields that went and values that are no fields', () => {
    const before = record({ z: { old: 1, kept: 1 }, b: null, m: 'text' })
    const now = record({ b: { x: 1 }, a: {}, z: { kept: 1, added: 1 }, m: 'other' })
    expect(compareConfigurations(before, now)).toEqual([
      { part: 'users', entry: 'a', change: 'added' },
      { part: 'users', entry: 'b', change: 'changed', fields: ['x'] },
      { part: 'users', entry: 'm', change: 'changed' },
      { part: 'users', entry: 'z', change: 'changed', fields: ['added', 'old'] },
    ])
  })

  it('never take for gone what this account may not see now', () => {
    expect(compareConfigurations(whole, record({}, 'The right is missing.'))).toEqual([])
  })

  it('never take for new what it could not see before', () => {
    expect(compareConfigurations(record({}, 'The right is missing.'), whole)).toEqual([])
  })

  it('show a list that changed as one', () => {
    const [before, now] = [record({ all: [{ pos: 0 }] }), record({ all: [{ pos: 0 }, { pos: 1 }] })]
    expect(compareConfigurations(before, now)).toEqual([{ part: 'users', entry: 'all', change: 'changed' }])
  })

  it('say nothing of a part that was not read before', () => {
    expect(compareConfigurations({ parts: [] }, whole)).toEqual([])
  })
})

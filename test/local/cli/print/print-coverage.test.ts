import { stripVTControlCharacters } from 'node:util'
import { describe, expect, it } from 'vitest'
import { coverageLines } from '../../../../local/cli/print/print-coverage.ts'

const judged = (id: string, reason: string) => ({
  site: 'hq',
  guest: { kind: 'vm', id },
  name: `guest${id}`,
  state: 'never',
  reasons: [reason],
  archives: 0,
  sizeBytes: 0,
})

describe('printed coverage', () => {
  it('tells a reason that many guests share once, below the table', () => {
    const guests = ['100', '101', '102', '103', '104'].map((id) => judged(id, `Guest ${id} was never archived.`))
    const told = coverageLines({ guests: [...guests, judged('900', 'odd')], summary: 'In all.', unknown: [] }).map(
      stripVTControlCharacters,
    )
    expect(told).toHaveLength(8)
    expect(told[0]).toMatch(/vm 100 .*\[1\]$/)
    expect(told[5]).toMatch(/vm 900 .*odd$/)
    expect(told[6]).toBe('[1] 5 guests (vm 100, vm 101, vm 102 and 2 more): Guest 100 was never archived.')
  })
})

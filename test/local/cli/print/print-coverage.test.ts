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

  it('says when a guest was rehearsed, and that a rehearsal failed, in words', () => {
    const last = {
      at: '2026-11-20T02:00:00.000Z',
      passed: true,
      summary: 'Drill passed.',
      archiveCreatedAt: '2026-11-19T02:00:00.000Z',
      totalSeconds: 245,
      evidenceKey: 'drills/2026/11/20/one.json',
    }
    const guests = [
      { ...judged('100', 'odd'), rehearsal: { last, lastPassed: last } },
      { ...judged('101', 'odd'), rehearsal: { last: { ...last, passed: false } } },
      judged('102', 'odd'),
    ]
    const told = coverageLines({ guests, summary: 'In all.', unknown: [] }).map(stripVTControlCharacters)
    expect(told[0]).toMatch(/vm 100 .* rehearsed 2026-11-20 +odd$/)
    expect(told[1]).toMatch(/vm 101 .* REHEARSAL FAILED 2026-11-20 +odd$/)
    expect(told[2]).not.toMatch(/rehears/i)
  })

  it('says by what the newest archive is proved, where that is less than usual', () => {
    const covered = { ...judged('100', ''), state: 'covered', archives: 1, sizeBytes: 5 }
    const lines = (guest: typeof covered & { proof?: 'part-checksums' | 'read-back' }) =>
      coverageLines({ guests: [guest], summary: 'In all.', unknown: [] }).map(stripVTControlCharacters)[0]
    expect(lines(covered)).not.toMatch(/part checksums|read back/)
    expect(lines({ ...covered, proof: 'part-checksums' })).toMatch(/grade unknown, part checksums/)
    expect(lines({ ...covered, proof: 'read-back' })).toMatch(/grade unknown, read back/)
  })
})

import { stripVTControlCharacters } from 'node:util'
import { describe, expect, it } from 'vitest'
import type { DrillReport } from '../../../../functions/contracts/drill.ts'
import { drillLines } from '../../../../local/cli/print/print-drill.ts'

const rehearsal: DrillReport['rehearsals'][number] = {
  restoreId: 'drill-1-100',
  guest: { kind: 'vm', id: '100', name: 'web\u001b[2J' },
  folder: 'archives/hq/vm-100/one/',
  node: 'pve1',
  scratchId: '9900',
  reason: 'It is due.',
  passed: true,
  summary: 'Drill passed.',
  totalSeconds: 245,
}
const lines = (changes: Partial<DrillReport>) =>
  drillLines({
    version: 1,
    drillId: 'drill-1',
    startedAt: '2026-11-20T02:00:00.000Z',
    endedAt: '2026-11-20T03:00:00.000Z',
    site: 'hq',
    outcome: 'succeeded',
    summary: '',
    rehearsals: [],
    postponed: 0,
    unfit: [],
    notes: [],
    ...changes,
  }).map(stripVTControlCharacters)

describe('a printed drill', () => {
  it('has a row for each rehearsal, and then what failed, what is unfit and what waits', () => {
    const failed = { ...rehearsal, passed: false, summary: 'Drill failed: no agent.' }
    const told = lines({ outcome: 'failed', rehearsals: [rehearsal, failed], unfit: ['vm 7 is unfit.'], postponed: 1 })
    expect(told[0]).toMatch(/^passed +vm 100 web .*as 9900 on pve1 +4 m 05 s$/)
    expect(told.slice(1)).toEqual([
      expect.stringMatching(/^failed +vm 100/),
      'failed: Drill failed: no agent.',
      'warning: vm 7 is unfit.',
      '1 further guest due: left to the next drill.',
      '1 of 2 rehearsals passed.',
    ])
  })

  it('says that no guest is due only when nothing kept any from being rehearsed', () => {
    expect(lines({})).toEqual(['No guest is due.'])
    expect(lines({ outcome: 'partial', unfit: ['vm 7 is unfit.'] }).at(-1)).toBe('Nothing was rehearsed.')
  })
})

import { describe, expect, it } from 'vitest'
import { type DrillPlan, drillRequestSchema } from '../../../../functions/contracts/drill.ts'
import { drillReport } from '../../../../functions/domain/restore/drill-tally.ts'
import { evidenceOf } from '../../../fakes/drill-evidence.ts'

const planOf = (ids: readonly string[], changes: Partial<DrillPlan> = {}): DrillPlan => ({
  version: 1,
  drillId: 'drill-1',
  startedAt: '2026-11-20T02:00:00.000Z',
  request: drillRequestSchema.parse({ site: 'hq', guests: { all: true }, ids: '9900-9949' }),
  rehearsals: ids.map((id) => ({
    restoreId: `restore-${id}`,
    guest: { kind: 'vm', id, name: 'web' },
    folder: `archives/hq/vm-${id}/one/`,
    node: 'pve1',
    scratchId: '9900',
    reason: 'It is due.',
  })),
  postponed: 0,
  unfit: [],
  notes: [],
  ...changes,
})
const passes = (id: string) => ({ evidence: evidenceOf(id), key: `drills/${id}.json` })
const END = '2026-11-20T03:00:00.000Z'

describe('the tally of a drill', () => {
  it('counts a rehearsal without evidence as failed, and says where to look', () => {
    const report = drillReport(planOf(['100', '101']), (id) => (id === 'restore-100' ? passes(id) : undefined), END)
    expect(report).toMatchObject({ outcome: 'failed', rehearsals: [{ passed: true }, { passed: false }] })
    expect(report.rehearsals[1]).not.toHaveProperty('evidenceKey')
    expect(report.summary).toMatch(
      /^1 of 2 rehearsals passed\. It left no evidence\. Look at the execution restore-101/,
    )
  })

  it('succeeds when all passed or none is due, and keeps where the evidence lies', () => {
    const report = drillReport(planOf(['100']), passes, END)
    expect(report).toMatchObject({
      outcome: 'succeeded',
      rehearsals: [{ evidenceKey: 'drills/restore-100.json', totalSeconds: 245 }],
    })
    expect(drillReport(planOf([]), passes, END)).toMatchObject({
      outcome: 'succeeded',
      summary: 'Nothing was rehearsed.',
    })
  })

  it('is partial when a guest that is due cannot be rehearsed, and counts those that wait', () => {
    const report = drillReport(planOf(['100'], { unfit: ['vm 7 has no archive.'], postponed: 2 }), passes, END)
    expect(report.outcome).toBe('partial')
    expect(report.summary).toMatch(/1 guest can't be rehearsed: vm 7 has no archive\..*2 further guests/)
  })
})

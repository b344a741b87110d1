import { describe, expect, it } from 'vitest'
import { type DrillEvidence, type DrillPlan, drillRequestSchema } from '../../../../functions/contracts/drill.ts'
import { drillEvidenceKey } from '../../../../functions/domain/books/object-keys.ts'
import { reportDrill } from '../../../../functions/operations/restore/report-drill.ts'
import { evidenceOf } from '../../../fakes/drill-evidence.ts'
import { fakePorts } from '../../../fakes/ports.ts'

const planKey = 'drills/2026/11/20/drill-1/plan.json'
const plan: DrillPlan = {
  version: 1,
  drillId: 'drill-1',
  startedAt: '2026-11-20T23:00:00.000Z',
  request: drillRequestSchema.parse({ site: 'hq', guests: { all: true }, ids: '9900-9949' }),
  rehearsals: [
    {
      restoreId: 'restore-1',
      guest: { kind: 'vm', id: '100', name: 'web' },
      folder: 'archives/hq/vm-100/one/',
      node: 'pve1',
      scratchId: '9900',
      reason: 'It is due.',
    },
  ],
  postponed: 0,
  unfit: [],
  notes: [],
}

async function reported(leave?: (put: (evidence: DrillEvidence | string, day: string) => Promise<unknown>) => unknown) {
  const ports = fakePorts()
  await ports.store.writeText(planKey, JSON.stringify(plan))
  await leave?.((evidence, day) => {
    const text = typeof evidence === 'string' ? evidence : JSON.stringify(evidence)
    return ports.store.writeText(drillEvidenceKey('', 'restore-1', `${day}T01:00:00.000Z`), text)
  })
  return reportDrill({ planKey }, ports)
}

describe('the report of a drill', () => {
  it('fails a rehearsal that left no evidence, or none that can be read', async () => {
    expect(await reported()).toMatchObject({ outcome: 'failed', reportKey: 'drills/2026/11/20/drill-1/report.json' })
    expect(await reported((put) => put('<html></html>', '2026-11-20'))).toMatchObject({ outcome: 'failed' })
  })

  it('finds evidence of a restore that began on a later day', async () => {
    const told = await reported((put) => put(evidenceOf('restore-1'), '2026-11-22'))
    expect(told).toMatchObject({ outcome: 'succeeded', summary: '1 of 1 rehearsal passed.' })
  })

  it('is an error without a plan, and none is made up', async () => {
    await expect(reportDrill({ planKey: 'drills/none.json' }, fakePorts())).rejects.toMatchObject({
      name: 'InternalFault',
    })
  })
})

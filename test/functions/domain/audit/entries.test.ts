import { expect, it } from 'vitest'
import type { KeptVerdict } from '../../../../functions/contracts/kept-verdict.ts'
import type { GuestRetention } from '../../../../functions/contracts/retention-report.ts'
import type { CatalogueEntry } from '../../../../functions/domain/catalogue/catalogue.ts'
import { auditReport } from '../../../../functions/domain/audit/audit-report.ts'
import { AuditLedger } from '../../../../functions/domain/audit/ledger.ts'

const from = '2026-07-02T00:00:00.000Z'
const before = '2026-07-01T02:00:00.000Z'
const within = '2026-07-03T02:00:00.000Z'
const about = { tool: 't', madeAt: '2026-08-01T00:00:00.000Z', bucket: 'b', keyPrefix: '' }
const entry = (site: string, id: string, changes: Partial<CatalogueEntry>): CatalogueEntry => ({
  folder: `archives/${site}/vm-${id}/2026-07-03T02-00-00Z/`,
  site,
  guest: { kind: 'vm', id },
  createdAt: within,
  state: 'complete',
  sizeBytes: 9,
  artifactBytes: 7,
  ...changes,
})

it('archives that no run of the period names count by their readings, in the order of sites and ids, what is in doubt first', () => {
  const ledger = new AuditLedger({ from, to: '2026-07-09T00:00:00.000Z' }, '')
  const verified = (state: 'verified' | 'failed', at: string, reason?: string) => ({
    verification: { state, at, ...(reason === undefined ? {} : { reason }) } as CatalogueEntry['verification'] & object,
  })
  // The platform's clock is wrong: the trusted time says when each was made.
  ledger.addEntry(entry('hq', '10', { at: before, ...verified('verified', within) }))
  ledger.addEntry(entry('hq', '9', { at: before, ...verified('failed', within, 'Broken.') }))
  ledger.addEntry(entry('branch', '11', { at: before, ...verified('verified', within) }))
  ledger.addEntry(entry('branch', '12', { at: before, ...verified('verified', before) }))
  ledger.addEntry(entry('hq', '13', { createdAt: before, at: within }))
  ledger.addEntry(entry('hq', '14', { state: 'damaged', reason: 'A file is gone.' }))
  ledger.addEntry(
    entry('hq', '15', { at: before, verification: { state: 'unreadable', reason: 'Cut short.' } as never }),
  )
  const { guests, findings, totals } = auditReport(ledger, { ...about, every: { every: 1e12, grace: 0 } })
  expect(guests.map(({ site, id, archives }) => [site, id, archives[0]?.at, archives[0]?.readings])).toEqual([
    ['branch', '11', before, [expect.objectContaining({ result: 'accepted', at: within, sizeBytes: 7 })]],
    ['hq', '9', before, [expect.objectContaining({ result: 'refused', reason: 'Broken.' })]],
    ['hq', '10', before, [expect.not.objectContaining({ reason: expect.anything() })]],
  ])
  expect(guests[0]?.archives[0]?.readings[0]).not.toHaveProperty('reason')
  expect(totals).toMatchObject({ archived: 0, archivedBytes: 0, verified: 2, refused: 1, readBytes: 21 })
  expect(findings.map(({ code, message }) => [code, message])).toEqual([
    ['unreadable', 'Cut short.'],
    ['unreported-archive', 'No report of a run names this archive: it does not count.'],
  ])
})

it('what is left of an archive that was pruned later is no finding, and neither is one of before that is gone', () => {
  const ledger = new AuditLedger({ from, to: '2026-07-09T00:00:00.000Z' }, '')
  const [{ folder }, other] = [entry('hq', '1', {}), entry('hq', '2', {})]
  const verdict = {
    verifiedAt: within,
    result: 'accepted',
    findings: [],
    files: [],
    guest: { id: '1', kind: 'vm', name: 'web' },
  }
  for (const one of [folder, other.folder])
    ledger.addVerdict({ ...verdict, folder: one } as unknown as KeptVerdict, 'k')
  ledger.addVerdict({ ...verdict, folder, verifiedAt: before } as unknown as KeptVerdict, 'k')
  const removed = { folder, reason: 'old', sizeBytes: 1, outcome: 'removed' }
  const pruning = { decidedAt: '2026-07-20T00:00:00.000Z', archives: [removed], resumed: [], dryRun: false }
  ledger.addRetention(pruning as unknown as GuestRetention, 'r')
  ledger.addEntry(entry('hq', '1', { state: 'damaged', reason: 'A file is gone.' }))
  const { findings, totals } = auditReport(ledger, { ...about, every: { every: 1e12, grace: 0 } })
  expect(findings).toEqual([])
  expect(totals).toMatchObject({ guests: 2, readings: 2, archived: 0 })
})

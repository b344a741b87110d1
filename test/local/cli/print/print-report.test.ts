import { stripVTControlCharacters } from 'node:util'
import { describe, expect, it } from 'vitest'
import type { RunReport } from '../../../../functions/contracts/report.ts'
import { listPrices } from '../../../../functions/domain/prices/list-prices.ts'
import { receipt } from '../../../../functions/domain/prices/receipt.ts'
import { reportLines, type ReportWords } from '../../../../local/cli/print/print-report.ts'

const report: Pick<RunReport, 'outcome' | 'summary' | 'notes' | 'guests'> = {
  outcome: 'succeeded',
  summary: '1 of 1 guests archived, 0 failed, 0 skipped.',
  notes: [],
  guests: [
    {
      id: '100',
      name: 'web01',
      outcome: 'succeeded',
      verdict: 'archived',
      reason: '',
      artifacts: [{ key: 'a/b', sizeBytes: 1e12, checksum: 'CRC32:AAAAAA==' }],
      bytesSent: 1e12,
      seconds: 20_000,
    },
  ],
}
const lines = (more: Partial<RunReport> = {}, words: ReportWords = { price: 'in full' }) =>
  reportLines({ ...report, ...more }, 'b', words).map(stripVTControlCharacters)

describe('a printed report', () => {
  it('tells the price before the summary, and what is not in it', () => {
    const [, , price, about, summary] = lines({ receipt: receipt(report.guests, listPrices) })
    expect(price).toMatch(/^Price of the run on AWS: \$0\.\d\d to \$\d\.\d\d$/)
    expect(about).toMatch(/^ {4}not in it: keeping 931\.3 GiB in STANDARD: \$21\.42 a month; .*prices: us-east-1, 2026/)
    expect(summary).toBe(report.summary)
  })

  it('leaves out what is not in the price, or the price itself, as asked', () => {
    const priced = { receipt: receipt(report.guests, listPrices) }
    expect(lines(priced, {}).join('\n')).toMatch(/Price of the run/)
    expect(lines(priced, {}).join('\n')).not.toMatch(/not in it/)
    expect(lines(priced, { price: 'none' }).join('\n')).not.toMatch(/Price/)
  })

  it('names the log of a guest that failed, and how to find its lines', () => {
    const [guest] = report.guests
    const failed = { ...guest, outcome: 'failed', verdict: 'BackupFailed', reason: 'It broke.', artifacts: [] }
    const told = lines(
      { outcome: 'failed', guests: [failed] as RunReport['guests'] },
      { logOf: (id) => `.guestlift/logs/l.log of ${id}` },
    )
    expect(told).toContain('    Log: .guestlift/logs/l.log of 100')
  })

  it('names the record of the set-up, what changed, and what the notes leave out of what may be missing', () => {
    const change = { part: 'users', entry: 'a\u001B[2Jb@pve', change: 'changed' as const, fields: ['enable', 'email'] }
    const siteConfiguration = {
      key: 'configurations/hq/t.json',
      takenAt: '2026-11-22T02:00:05.000Z',
      changes: [change, ...Array.from({ length: 10 }, () => ({ ...change, entry: 'c@pve' }))],
      changeCount: 11,
      incomplete: ['Users: no right.', 'Pools: no right.'],
    }
    const told = lines({ siteConfiguration })
    expect(told.slice(0, 2)).toEqual([
      'How the site is set up: s3://b/configurations/hq/t.json',
      '    users: a [2Jb@pve changed (enable, email)',
    ])
    expect(told.slice(10, 13)).toEqual([
      '    users: c@pve changed (enable, email)',
      '    1 more: see "guestlift site configuration --changes"',
      '    incomplete: Pools: no right.',
    ])
    expect(told.join('\n')).not.toContain('Users: no right.')
    const first = { ...siteConfiguration, changes: [], changeCount: 0, incomplete: [] }
    expect(lines({ siteConfiguration: first })[1]).toMatch(/archived/)
  })

  it('is told without a price where the report has none', () => {
    expect(lines().join('\n')).not.toContain('Price')
  })

  it('tells one cause once, with how many guests it struck', () => {
    const failed = (id: string, reason: string): RunReport['guests'][number] => ({
      id,
      name: `guest${id}`,
      outcome: 'failed',
      verdict: 'StoreUnavailable',
      reason,
      artifacts: [],
      bytesSent: 0,
      seconds: 1,
    })
    const guests = Array.from({ length: 400 }, (_, index) =>
      failed(String(100 + index), `can't open an upload for s3://b/archives/hq/vm-${100 + index}/x: ECONNREFUSED`),
    )
    const told = lines({ outcome: 'failed', guests: [...guests, failed('900', 'another cause')] })
    expect(told).toEqual([
      '✗ 400 guests (100 guest100, 101 guest101, 102 guest102 and 397 more): failed (StoreUnavailable)',
      "    can't open an upload for s3://b/archives/hq/vm-100/x: ECONNREFUSED",
      '✗ 900 guest900: failed (StoreUnavailable)',
      '    another cause',
      report.summary,
    ])
  })
})

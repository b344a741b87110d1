import { stripVTControlCharacters } from 'node:util'
import { describe, expect, it } from 'vitest'
import type { RunReport } from '../../../functions/contracts/report.ts'
import { listPrices } from '../../../functions/domain/list-prices.ts'
import { receipt } from '../../../functions/domain/receipt.ts'
import { reportLines } from '../../../local/cli/print-report.ts'

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
const lines = (more: Partial<RunReport> = {}) => reportLines({ ...report, ...more }, 'b').map(stripVTControlCharacters)

describe('a printed report', () => {
  it('tells the price before the summary, and what is not in it', () => {
    const [, , price, about, summary] = lines({ receipt: receipt(report.guests, listPrices) })
    expect(price).toMatch(/^Price of the run on AWS: \$0\.\d\d to \$\d\.\d\d$/)
    expect(about).toMatch(/^ {4}not in it: keeping 931\.3 GiB in STANDARD: \$21\.42 a month; .*prices: us-east-1, 2026/)
    expect(summary).toBe(report.summary)
  })

  it('is told without a price where the report has none', () => {
    expect(lines().join('\n')).not.toContain('Price')
  })
})

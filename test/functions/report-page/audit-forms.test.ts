import { createHash } from 'node:crypto'
import { beforeAll, describe, expect, it } from 'vitest'
import type { AuditReport } from '../../../functions/contracts/audit.ts'
import { auditCsv } from '../../../functions/domain/audit/audit-csv.ts'
import { readAudit } from '../../../functions/operations/audit/read-audit.ts'
import { auditPage } from '../../../functions/report-page/audit-page.ts'
import { AuditedBucket } from '../../fakes/audited-bucket.ts'
import { MemoryStore } from '../../fakes/memory-store.ts'

const hostile = `=cmd|' /C calc'!A0"><script>alert(1)</script>`
let report: AuditReport
beforeAll(async () => {
  const store = new MemoryStore()
  const bucket = new AuditedBucket(store)
  const at = '2026-07-01T02:00:00.000Z'
  await bucket.run(at, [
    { id: '100', name: hostile },
    { id: '101', name: 'db, "main"' },
  ])
  await bucket.verdict(at, { id: '100', name: hostile }, '2026-07-02T02:00:00.000Z', 'refused')
  await bucket.prune(at, { id: '101' }, '2026-07-03T02:00:00.000Z')
  await bucket.coverage('2026-07-02T12:00:00.000Z', [
    { id: '100', name: hostile },
    { id: '102', state: 'never' },
  ])
  const ports = { store, keyPrefix: '', now: () => new Date('2026-07-05T00:00:00.000Z'), toolVersion: 'guestlift/test' }
  report = await readAudit({ from: '2026-07-01T00:00:00.000Z', to: '2026-07-04T00:00:00.000Z' }, undefined, ports)
})

/** As RFC 4180 reads it, and no laxer. */
function cells(text: string): string[][] {
  const rows: string[][] = [[]]
  for (const [, quoted, bare, end] of text.matchAll(/(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r\n|$)/gy)) {
    rows.at(-1)?.push(quoted?.replaceAll('""', '"') ?? bare ?? '')
    if (end === '\r\n') rows.push([])
    if (end === '') break
  }
  return rows.slice(0, -1)
}

describe('the evidence as a table', () => {
  it('has a line for each archive and for each guest without any, all of one width', () => {
    const [head = [], ...rows] = cells([...auditCsv(report)].join(''))
    expect(rows).toHaveLength(3)
    expect(new Set(rows.map(({ length }) => length))).toEqual(new Set([head.length]))
    const of = (row: readonly string[] = []) => Object.fromEntries(head.map((name, index) => [name, row[index]]))
    expect(of(rows[0])).toMatchObject({
      id: '100',
      made: 'true',
      sizeBytes: '1000',
      lastReading: 'refused',
      there: 'true',
    })
    expect(of(rows[1])).toMatchObject({ name: 'db, "main"', prunedReason: 'older than the last 1', there: 'false' })
    expect(of(rows[2])).toMatchObject({ id: '102', archive: '', guestGaps: '1' })
  })

  it('has no cell that a spreadsheet would run', () => {
    const [, first = []] = cells([...auditCsv(report)].join(''))
    expect(first).toContain(`'${hostile}`)
  })
})

describe('the evidence as a page', () => {
  const sha256 = (text: string) => createHash('sha256').update(text).digest('base64')

  it('says all that the report says, and runs nothing', () => {
    const html = [...auditPage(report, sha256)].join('')
    expect(html).not.toMatch(/<script|javascript:|https?:\/\/|<link|<img/)
    expect(html).toContain('&lt;script&gt;alert(1)')
    for (const word of [
      'refused',
      'Its bytes are others.',
      'pruned',
      'older than the last 1',
      'No archive from',
      'CRC32:AAAAAA==',
    ])
      expect(html).toContain(word)
  })

  it.each([
    [1, ['1</b> guest<', '1</b> failed rehearsal<', '1</b> gap<', '1</b> restore<']],
    [2, ['2</b> guests<', '2</b> failed rehearsals<', '2</b> gaps<', '2</b> restores<']],
  ])('counts in words that fit: %s', (count, texts) => {
    const counts = { guests: count, rehearsalsFailed: count, gaps: count, restores: count }
    const html = [...auditPage({ ...report, totals: { ...report.totals, ...counts } }, sha256)].join('')
    for (const text of texts) expect(html).toContain(text)
  })

  it('lets the browser take its own style and nothing else', () => {
    const html = [...auditPage(report, sha256)].join('')
    const [, style = ''] = /<style>([^]*)<\/style>/.exec(html) ?? []
    expect(html).toContain(`default-src &#39;none&#39;; style-src &#39;sha256-${sha256(style)}&#39;;`)
  })
})

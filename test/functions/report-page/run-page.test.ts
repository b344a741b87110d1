import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { runReportSchema } from '../../../functions/contracts/report.ts'
import { runPage } from '../../../functions/report-page/run-page.ts'

const golden = new URL('../../golden/run-report/', import.meta.url)
const read = (name: string) => runReportSchema.parse(JSON.parse(readFileSync(new URL(name, golden), 'utf8')))
const about = { bucket: 'archives', reportKey: 'runs/2026/11/22/run-1/report.json', toolVersion: 'guestlift/test' }
const sha256 = (text: string) => createHash('sha256').update(text).digest('base64')
const pageOf = (report: ReturnType<typeof read>) => [...runPage(report, about, sha256)].join('')

describe('the page of a run', () => {
  it.each(readdirSync(golden))('says of each guest what the report says, of every report ever written: %s', (name) => {
    const report = read(name)
    const html = pageOf(report)
    for (const { id, verdict, artifacts } of report.guests) {
      for (const text of [id, verdict, ...artifacts.flatMap(({ key, checksum }) => [key, checksum])])
        expect(html).toContain(text)
    }
    expect(html).not.toMatch(/<script|https?:\/\/|<link|<img|undefined|NaN/)
  })

  it('shows a guest that is stored and less than required in both places', () => {
    const html = pageOf(read('ba09c2e-grade.json'))
    expect(html.match(/GradeNotReached/g)).toHaveLength(2)
    expect(html).toMatch(
      /<h2>Not archived<\/h2>[^]*Less than required\.[^]*<h2>Stored<\/h2>[^]*crash, lacks snapshots, disks/,
    )
  })

  it.each([
    ['2026-11-22T02:01:05.000Z', '1:05 min'],
    ['2026-11-22T02:59:59.000Z', '59:59 min'],
    ['2026-11-22T03:05:59.000Z', '1:05 h'],
    ['2026-11-25T02:00:00.000Z', '72:00 h'],
  ])('says how long a run took that ended at %s: %s', (endedAt, took) => {
    const report = { ...read('ba09c2e-grade.json'), startedAt: '2026-11-22T02:00:00.000Z', endedAt }
    expect(pageOf(report)).toContain(`, ${took}.</p>`)
  })

  it('runs nothing that a name, a reason or a note holds', () => {
    const report = read('ba09c2e-grade.json')
    const evil = '<img src=x onerror="alert(1)">'
    const html = pageOf({
      ...report,
      runId: evil,
      summary: evil,
      notes: [evil],
      guests: report.guests.map((guest) => ({ ...guest, name: evil, reason: evil, verdict: evil })),
    })
    expect(html).not.toContain('<img')
    expect(html).toContain('&lt;img src=x onerror=&quot;alert(1)&quot;&gt;')
  })
})

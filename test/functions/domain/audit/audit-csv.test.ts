import { describe, expect, it } from 'vitest'
import type { AuditArchive, AuditGuest } from '../../../../functions/contracts/audit.ts'
import { auditCsv } from '../../../../functions/domain/audit/audit-csv.ts'

const at = '2026-07-01T02:00:00.000Z'
const bare: AuditArchive = { folder: 'archives/hq/vm-1/t/', at, readings: [], rehearsals: [], there: true }
const file = (checksum: string) => ({ fileName: 'disk', sizeBytes: 1, checksum })
const made = { runId: 'r', reportKey: 'k', sizeBytes: 3, files: [file('CRC32:AA=='), file('CRC32:BB==')] }
const guest = (changes: Partial<AuditGuest>): AuditGuest =>
  ({ site: 'hq', kind: 'vm', id: '1', name: 'web', archives: [], failures: [], gaps: [], ...changes }) as AuditGuest

/** The columns by name, of guests without any cell that needs quotes. */
function rows(...guests: AuditGuest[]): Record<string, string>[] {
  const [head = [], ...lines] = [...auditCsv({ guests })].map((line) => line.replace(/\r\n$/, '').split(','))
  return lines.map((cells) => Object.fromEntries(head.map((name, index) => [name, cells[index] ?? 'no cell'])))
}

describe('a line of the table', () => {
  it('says of a guest whose it is, what is expected, and how often that failed', () => {
    const gap = { from: at, to: at, allowedHours: 1 }
    const failure = { at, runId: 'r', outcome: 'failed' as const, verdict: '', reason: '', reportKey: 'k' }
    const known = guest({
      former: true,
      identity: { id: 'uuid-1' },
      schedule: { everyHours: 24, chosenBy: [] },
      gaps: [gap, gap],
      failures: [failure, failure, failure],
    })
    expect(rows(known, guest({ archives: [bare] }))).toMatchObject([
      {
        site: 'hq',
        kind: 'vm',
        id: '1',
        name: 'web',
        identity: 'uuid-1',
        former: 'true',
        everyHours: '24',
        guestGaps: '2',
        guestFailures: '3',
        archive: '',
        there: '',
      },
      { identity: '', former: 'false', everyHours: '', guestGaps: '0', guestFailures: '0', archive: bare.folder },
    ])
  })

  it('says of an archive its sums, what it lacks, its last rehearsal and what holds it', () => {
    const rehearsal = (passed: boolean) => ({ at, passed, summary: '', recordKey: 'k' })
    const lock = { legalHold: true, seenAt: at, recordKey: 'k' }
    const grade = { consistency: 'crash' as const, gaps: ['snapshots' as const, 'disks' as const] }
    const archives: AuditArchive[] = [
      { ...bare, made: { ...made, grade }, lock, rehearsals: [rehearsal(false), rehearsal(true)] },
      { ...bare, made: { ...made, grade, unmet: true }, lock: { ...lock, retainUntil: '2027-01-01T00:00:00.000Z' } },
      { ...bare, made, rehearsals: [rehearsal(true), rehearsal(false)] },
      { ...bare, copy: { bucket: 'b', state: 'proved', seenAt: at } },
    ]
    expect(rows(guest({ archives }))).toMatchObject([
      {
        made: 'true',
        sizeBytes: '3',
        checksums: 'CRC32:AA== CRC32:BB==',
        consistency: 'crash',
        lacks: 'snapshots disks',
        lastRehearsal: 'passed',
        lockedUntil: 'legal hold',
      },
      { lacks: 'less than required', lastRehearsal: '', lockedUntil: '2027-01-01T00:00:00.000Z' },
      { lacks: '', lastRehearsal: 'failed', lockedUntil: '' },
      { made: 'false', sizeBytes: '', checksums: '', lastRehearsal: '', secondCopy: 'proved' },
    ])
  })

  it.each(['=1+1', '+1', '-1', '@SUM(A1)', '\t=1', '\r=1'])('takes no formula from the name %j', (name) => {
    const [, line = ''] = [...auditCsv({ guests: [guest({ name })] })]
    expect(line).toContain(name.startsWith('\r') ? `,"'${name}",` : `,'${name},`)
  })

  it.each([
    ['a,b', '"a,b"'],
    ['a"b', '"a""b"'],
    ['a\nb', '"a\nb"'],
    ['a=b', 'a=b'],
  ])('quotes the name %j where RFC 4180 asks for it, and nowhere else', (name, cell) => {
    const [, line = ''] = [...auditCsv({ guests: [guest({ name })] })]
    expect(line.startsWith(`hq,vm,1,${cell},`)).toBe(true)
  })
})

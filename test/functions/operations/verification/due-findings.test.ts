import { describe, expect, it } from 'vitest'
import type { DueArchive } from '../../../../functions/domain/verification/due-verifications.ts'
import { DueFindings } from '../../../../functions/operations/verification/due-findings.ts'

const archive = (number: number, overdue: boolean): DueArchive => ({
  folder: `archives/hq/vm-${number}/2026-11-01T02-00-00Z/`,
  site: 'hq',
  guest: { kind: 'vm', id: String(number) },
  createdAt: new Date(number * 60_000).toISOString(),
  sizeBytes: 1,
  reason: 'It is due.',
  overdue,
  firstOfGuest: false,
})

describe('findings in a bucket of any size', () => {
  it('hold the most urgent archives, and count those that there is no room for', () => {
    const findings = new DueFindings()
    for (let number = 0; number < 30_000; number += 1) findings.take(archive(number, number >= 24_000))
    const held = findings.mostUrgent()
    expect(held).toHaveLength(5000)
    expect(held.every(({ overdue }) => overdue)).toBe(true)
    expect(held[0]?.guest.id).toBe('24000')
    expect(findings.record()).toEqual({ unread: [], further: 25_000, furtherOverdue: 1000 })
  })

  it('list of those left out the overdue ones first, a thousand of each kind', () => {
    const findings = new DueFindings()
    for (let number = 0; number < 2500; number += 1) {
      const { folder, site } = archive(number, false)
      findings.leave({ folder, site, why: 'not-complete', reason: 'There is no manifest.', overdue: number % 2 === 1 })
    }
    const { unread, further, furtherOverdue } = findings.record()
    expect([unread.length, unread[0]?.overdue, unread[1000]?.overdue]).toEqual([2000, true, false])
    expect([further, furtherOverdue]).toEqual([500, 250])
  })
})

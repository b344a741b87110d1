import { describe, expect, it } from 'vitest'
import type { ReadArchive, UnreadArchive } from '../../../../functions/contracts/verification-report.ts'
import { tallyVerifications } from '../../../../functions/domain/verification/verification-tally.ts'

const read = (name: string, result: ReadArchive['result'], overdue = false): ReadArchive => ({
  folder: `archives/hq/vm-100/${name}/`,
  site: 'hq',
  guest: { kind: 'vm', id: '100' },
  createdAt: '2026-11-01T02:00:00.000Z',
  sizeBytes: 2 ** 30,
  due: 'It is due.',
  overdue,
  result,
  reason: '',
})
const unread = (name: string, why: UnreadArchive['why'], overdue = false): UnreadArchive => ({
  folder: `archives/hq/vm-100/${name}/`,
  site: 'hq',
  why,
  reason: 'a reason',
  overdue,
})
const tally = (archives: ReadArchive[], left: UnreadArchive[] = []) =>
  tallyVerifications(archives, { unread: left, further: 0, furtherOverdue: 0 })

describe('the tally of a verification', () => {
  it('has succeeded with nothing to read, whatever was refused earlier or is not complete', () => {
    expect(tally([])).toMatchObject({ outcome: 'succeeded', summary: 'No archive was to be read.' })
    expect(tally([], [unread('a', 'refused-earlier'), unread('b', 'not-complete')])).toMatchObject({
      outcome: 'succeeded',
      summary: 'No archive was to be read. 1 archive refused earlier. 1 archive not complete.',
    })
  })

  it('is partial as soon as one was refused or not read, and failed when none was accepted', () => {
    expect(tally([read('a', 'accepted'), read('b', 'refused')]).outcome).toBe('partial')
    expect(tally([read('a', 'accepted'), read('b', 'not-verified')])).toMatchObject({ outcome: 'partial', overdue: 0 })
    expect(tally([read('a', 'accepted')], [unread('b', 'no-room', true)])).toMatchObject({
      outcome: 'partial',
      overdue: 1,
    })
    expect(tally([read('a', 'refused')]).outcome).toBe('failed')
    expect(tally([], [unread('b', 'too-cold', true)]).outcome).toBe('failed')
  })

  it('is partial where an archive lacks its lock, whose bytes are as good as ever', () => {
    const lockTrouble = 'It is not locked.'
    const { outcome, summary, accepted, unlocked } = tally([{ ...read('a', 'accepted'), lockTrouble }])
    expect({ outcome, accepted, unlocked }).toEqual({ outcome: 'partial', accepted: 1, unlocked: 1 })
    expect(summary).toContain('1 archive NOT LOCKED as asked for: archives/hq/vm-100/a/.')
    expect(tally([read('a', 'accepted')])).not.toHaveProperty('unlocked')
  })

  it('counts as read what was read to its end, refused ones too', () => {
    expect(tally([read('a', 'accepted'), read('b', 'refused'), read('c', 'not-verified')]).readBytes).toBe(2 * 2 ** 30)
  })

  it('names five archives of each kind, since the sentence is the cause of a failed execution', () => {
    const many = Array.from({ length: 7 }, (_, index) => read(`r${index}`, 'refused'))
    const { summary } = tally([...many, read('late', 'not-verified', true)])
    expect(summary).toContain('7 archives REFUSED: archives/hq/vm-100/r0/, ')
    expect(summary).toContain('archives/hq/vm-100/r4/ and 2 more.')
    expect(summary).not.toContain('r5')
    expect(summary).toContain('1 archive overdue and not verified: archives/hq/vm-100/late/.')
  })
})

import { describe, expect, it } from 'vitest'
import type { ArchiveDecision, GuestRetention } from '../../../../functions/contracts/retention-report.ts'
import {
  attentionTo,
  countGuest,
  noCounts,
  pruningTotals,
  toldGuest,
} from '../../../../functions/domain/retention/pruning-totals.ts'

const guest = { kind: 'vm', id: '100' } as const

function archive(its: Partial<ArchiveDecision> = {}): ArchiveDecision {
  return {
    folder: 'archives/hq/vm-100/2026-11-01T02-00-00Z/',
    createdAt: '2026-11-01T02:00:00.000Z',
    sizeBytes: 10,
    decision: 'remove',
    reason: 'removed: no rule keeps it',
    ...its,
  }
}

function result(its: Partial<GuestRetention> = {}): GuestRetention {
  return {
    version: 1,
    site: 'hq',
    guest,
    policy: { timeZone: 'UTC', minimumArchives: 1, largestShare: 0.5 },
    gone: false,
    dryRun: false,
    confirmed: false,
    decidedAt: '2026-11-22T02:00:00.000Z',
    archives: [],
    resumed: [],
    warnings: [],
    toRemove: 0,
    removed: 0,
    locked: 0,
    removedBytes: 0,
    summary: '0 of 3 archives removed (0 B).',
    ...its,
  }
}

const locked = result({
  archives: [archive({ outcome: 'locked', lock: { legalHold: false, retainUntil: '2027-01-01T00:00:00.000Z' } })],
  toRemove: 1,
  locked: 1,
})
const waiting = result({
  archives: [archive({ decision: 'keep', guard: 'largest-share' })],
  warnings: ['2 of 3 archives would go at once.'],
})
const left = result({ archives: [archive({ outcome: 'left', trouble: 'S3 said no.' })], toRemove: 1 })
const unseen = { trouble: 'Its folder could not be listed.' }

describe('what needs a person', () => {
  it.each([
    ['a guard that waits for a confirmation', waiting, ['2 of 3 archives would go at once.']],
    [
      'an archive that could not be removed',
      left,
      ['The archive of 2026-11-01T02:00:00.000Z was not removed: S3 said no.'],
    ],
    ['a guest that could not be looked at', unseen, ['Its folder could not be listed.']],
    [
      'a newest archive that looks wrong',
      result({ archives: [archive({ guard: 'newest-looks-wrong' })], warnings: ['It looks wrong.'] }),
      ['It looks wrong.'],
    ],
  ])('is %s', (_, its, sentences) => {
    expect(attentionTo(its)).toEqual(sentences)
  })

  it.each([
    ['a lock, which has a date', locked],
    [
      'an archive that other guards keep for good',
      result({ archives: [archive({ decision: 'keep', guard: 'last-verified' })] }),
    ],
    ['what is left of an archive that is locked', result({ warnings: ['What is left is locked until 2027-01-01.'] })],
  ])('is not %s', (_, its) => {
    expect(attentionTo(its)).toEqual([])
  })
})

describe('the report of a pruning', () => {
  const totalsOf = (results: (GuestRetention | { trouble: string })[], dryRun = false) => {
    const told = results.flatMap((one) => toldGuest(guest, one) ?? [])
    const unseenGuests = results.filter((one) => 'trouble' in one).length
    return pruningTotals(results.reduce(countGuest, noCounts), { dryRun, told, unseen: unseenGuests })
  }

  it('says nothing of guests with nothing to tell', () => {
    expect(toldGuest(guest, result())).toBeUndefined()
    expect(totalsOf([result(), result()])).toMatchObject({
      outcome: 'succeeded',
      guests: 2,
      summary: '0 archives removed of 2 guests.',
    })
  })

  it('adds up what went and what is locked', () => {
    const gone = result({ toRemove: 2, removed: 2, removedBytes: 2048 })
    expect(totalsOf([gone, locked])).toMatchObject({
      outcome: 'succeeded',
      toRemove: 3,
      removed: 2,
      removedBytes: 2048,
      locked: 1,
      summary: '2 archives removed of 2 guests (2.0 KiB); 1 locked.',
    })
  })

  it('tells the first thing that needs a person, and that there are more', () => {
    expect(totalsOf([result(), waiting, left])).toMatchObject({
      outcome: 'partial',
      troubled: 2,
      summary:
        '0 archives removed of 3 guests; 2 guests need attention. vm 100: 2 of 3 archives would go at once. The report has the others.',
    })
  })

  it('fails when no guest could be looked at, and not when there is none', () => {
    expect(totalsOf([unseen, unseen]).outcome).toBe('failed')
    expect(totalsOf([unseen, result()]).outcome).toBe('partial')
    expect(totalsOf([]).outcome).toBe('succeeded')
  })

  it('speaks of what would be in a dry run', () => {
    expect(totalsOf([result({ dryRun: true, toRemove: 2 })], true).summary).toBe(
      '2 archives would be removed of 1 guest.',
    )
  })
})

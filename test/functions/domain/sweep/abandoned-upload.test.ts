import { describe, expect, it } from 'vitest'
import { judgeUpload, lastActiveAt, type UploadFacts } from '../../../../functions/domain/sweep/abandoned-upload.ts'
import { type GuestClaim, LEASE_SECONDS, newClaim } from '../../../../functions/domain/backup/guest-claim.ts'

const now = new Date('2026-11-22T12:00:00.000Z')
const before = (hours: number, seconds = 0): string =>
  new Date(now.getTime() - hours * 3_600_000 - seconds * 1000).toISOString()
const days = (count: number): number => count * 24

/** Opened 30 days ago, its last part 20 days ago, known to nobody. */
const forgotten: UploadFacts = {
  uploadId: 'this',
  openedAt: before(days(30)),
  newestPartAt: before(days(20)),
  record: undefined,
  claim: undefined,
  recordKey: 'uploads/archives/hq/vm-100/t/a.json',
  claimKey: 'claims/hq/vm-100.json',
}
const unstarted = newClaim({ runId: 'run-1', execution: 'execution-1' }, new Date(before(0, 60)))
const claim: GuestClaim = { ...unstarted, startedAt: before(days(31)) }
const named = { uploadId: 'this' }
const other = { uploadId: 'other' }

describe('an open upload', () => {
  it.each<[string, Partial<UploadFacts>, 'kept' | 'dropped', RegExp]>([
    // A living execution.
    ['is kept while a run holds its guest', { claim }, 'kept', /^Run run-1 holds the guest until 2026-11-22T12:19:00/],
    ['is kept while a run holds its guest, however old its record', { claim, record: named }, 'kept', /^Run run-1 holds/],
    ['is kept while a run that has not named its job yet holds its guest', { claim: unstarted }, 'kept', /^Run run-1 holds/],
    ['is dropped once the claim is given back', { claim: { ...claim, released: true } }, 'dropped', /^No record names it/],
    ['is dropped once the claim has lapsed', { claim: { ...claim, renewedAt: before(0, LEASE_SECONDS) } }, 'dropped', /^No record/],
    ['is kept a second before the claim lapses', { claim: { ...claim, renewedAt: before(0, LEASE_SECONDS - 1) } }, 'kept', /^Run run-1/],
    // The guest is busy with a later backup.
    ['is dropped when the backup of the run that holds its guest began after its last part', { claim: { ...claim, startedAt: before(days(1)) } }, 'dropped', /^No record/],
    ['is kept when that backup began within the slack of two clocks', { claim: { ...claim, startedAt: before(days(20) - 0.25) } }, 'kept', /^Run run-1/],
    ['is dropped when it began a second beyond it', { claim: { ...claim, startedAt: before(days(20) - 0.25, -1) } }, 'dropped', /^No record/],
    // Signs of life.
    ['is kept for 24 hours after its last part', { newestPartAt: before(23.99) }, 'kept', /^Too recent to judge: its last part arrived 23 hours ago\.$/],
    ['is kept for 24 hours after its last part when another upload is named', { newestPartAt: before(1), record: other }, 'kept', /arrived 1 hour ago/],
    ['is kept for 24 hours after it was opened', { openedAt: before(0.5), newestPartAt: undefined }, 'kept', /it was opened less than an hour ago/],
    ['is dropped from 24 hours on, when no record names it', { newestPartAt: before(24) }, 'dropped', /^No record names it, so no run can go on with it: its last part arrived 24 hours ago\.$/],
    ['is dropped without parts from 24 hours on', { openedAt: before(24), newestPartAt: undefined }, 'dropped', /it was opened 24 hours ago/],
    ['is dropped when the record names another upload', { newestPartAt: before(25), record: other }, 'dropped', /names another upload/],
    // What can be resumed.
    ['is kept while its guest can be repeated, when its record names it', { newestPartAt: before(days(14) - 0.01), record: named }, 'kept', /repetition of its guest can continue it until 2026-11-22T12:00:36.000Z: its last part arrived 13 days ago/],
    ['is dropped after that time', { newestPartAt: before(days(14)), record: named }, 'dropped', /^Nobody went on with it while its guest could be repeated \(14 days\): its last part arrived 14 days ago/],
    ['is kept by its last part, not by its opening', { openedAt: before(days(16)), newestPartAt: before(days(3)), record: named }, 'kept', /3 days ago/],
    // What can't be known.
    ['is kept when its record is unreadable', { record: 'unreadable' }, 'kept', /uploads\/archives\/hq\/vm-100\/t\/a\.json is unreadable/],
    ['is kept when the claim is unreadable', { claim: 'unreadable' }, 'kept', /claims\/hq\/vm-100\.json is unreadable/],
    ['is kept when the claim is unreadable and the record names another', { claim: 'unreadable', record: other }, 'kept', /unreadable/],
    // Clocks.
    ['is kept when its times lie ahead of ours', { openedAt: before(-1), newestPartAt: before(-1) }, 'kept', /Too recent/],
  ])('%s', (_, facts, outcome, reason) => {
    const judgement = judgeUpload({ ...forgotten, ...facts }, now)
    expect(judgement).toMatchObject({ outcome })
    expect(judgement.reason).toMatch(reason)
  }) // biome-ignore format: a case a line reads as the table it is

  it('was last active when its newest part arrived, or when it was opened', () => {
    expect(lastActiveAt({ openedAt: before(5), newestPartAt: before(2) })).toBe(before(2))
    expect(lastActiveAt({ openedAt: before(5), newestPartAt: undefined })).toBe(before(5))
  })
})

import { describe, expect, it } from 'vitest'
import type { VerificationFacts } from '../../../../functions/contracts/catalogue.ts'
import { verificationPolicySchema } from '../../../../functions/contracts/verification-policy.ts'
import type { CatalogueEntry } from '../../../../functions/domain/catalogue/catalogue.ts'
import { askedVerifications, dueVerifications } from '../../../../functions/domain/verification/due-verifications.ts'
import { readManifestFacts } from '../../../../functions/domain/catalogue/manifest-facts.ts'
import { manifestOf } from '../../../fakes/manifest.ts'

const DAY = 86_400_000
const now = new Date('2026-11-22T12:00:00.000Z')
const guest = { kind: 'vm', id: '100' } as const
const ago = (days: number) => new Date(now.getTime() - days * DAY).toISOString()
/** Both limits are of days that three quarters divide. */
const policy = verificationPolicySchema.parse({ archiveWithinDays: 80, guestWithinDays: 40 })

function entry(daysAgo: number, changes: Partial<CatalogueEntry> = {}): CatalogueEntry {
  const createdAt = ago(daysAgo)
  const facts = readManifestFacts(JSON.stringify(manifestOf(createdAt, [1000])), {
    site: 'hq',
    guest,
    keyedAt: createdAt,
  })
  if ('unreadable' in facts) throw new Error(facts.unreadable)
  const folder = `archives/hq/vm-100/${createdAt}/`
  const sizes = { sizeBytes: 1100, artifactBytes: 1000 }
  return { folder, site: 'hq', guest, createdAt, state: 'complete', ...sizes, facts, ...changes }
}
const was = (state: VerificationFacts['state'], daysAgo?: number, reason?: string): Partial<CatalogueEntry> => ({
  verification: {
    state,
    tags: [],
    ...(daysAgo === undefined ? {} : { at: ago(daysAgo) }),
    ...(reason === undefined ? {} : { reason }),
  },
})
const found = (...entries: CatalogueEntry[]) => dueVerifications({ site: 'hq', guest, entries }, policy, now)
const dueOf = (...entries: CatalogueEntry[]) => found(...entries).due
/** Read yesterday, so that the guest itself is in time. */
const fresh = entry(1, was('verified', 1))

describe('an archive that was never read', () => {
  it('is due from three quarters of its time on, and overdue after all of it', () => {
    const minute = 1 / 1440
    expect(dueOf(entry(60 - minute), fresh)).toEqual([])
    expect(dueOf(entry(60), fresh)).toMatchObject([
      { overdue: false, reason: 'It is 60 days old and was never read; the limit is 80 days.' },
    ])
    expect(dueOf(entry(80), fresh)).toMatchObject([{ overdue: false }])
    expect(dueOf(entry(80 + minute), fresh)).toMatchObject([{ overdue: true }])
  })

  it('is named whole: place, guest, times and bytes', () => {
    expect(dueOf(entry(70), fresh)).toEqual([
      {
        folder: `archives/hq/vm-100/${ago(70)}/`,
        site: 'hq',
        guest,
        createdAt: ago(70),
        at: ago(70),
        sizeBytes: 1000,
        reason: expect.any(String),
        overdue: false,
        firstOfGuest: false,
      },
    ])
  })

  it('goes by the time that can be trusted', () => {
    expect(dueOf(entry(9000, { at: ago(5) }), fresh)).toEqual([])
    expect(dueOf(entry(5, { at: ago(70) }), fresh)).toMatchObject([{ createdAt: ago(5), at: ago(70) }])
  })

  it('is due where its date has yet to come, without haste', () => {
    expect(dueOf(fresh, entry(-9))).toMatchObject([{ reason: 'Its date has yet to come.', overdue: false }])
    expect(dueOf(fresh, entry(3, { at: ago(-9) }))).toMatchObject([{ reason: 'Its date has yet to come.' }])
    expect(dueOf(fresh, entry(-9, { at: ago(3) }))).toEqual([])
  })
})

describe('an archive that was tried', () => {
  it('is due again where it could not be read, and overdue by its age', () => {
    expect(dueOf(entry(5, was('not-verified', 2, 'The line was down.')), fresh)).toMatchObject([
      { overdue: false, reason: `It was tried at ${ago(2)} and could not be read: The line was down.` },
    ])
    expect(dueOf(entry(81, was('not-verified', 2)), fresh)).toMatchObject([
      { overdue: true, reason: `It was tried at ${ago(2)} and could not be read: nobody knows why` },
    ])
  })

  it('is due again where its verdict can’t be read', () => {
    expect(dueOf(entry(5, was('unreadable', undefined, 'It is no JSON.')), fresh)).toMatchObject([
      { reason: 'It is no JSON.', overdue: false },
    ])
    expect(dueOf(entry(81, was('unreadable')), fresh)).toMatchObject([
      { reason: "Its verdict can't be read.", overdue: true },
    ])
  })

  it('and refused is told and not read again', () => {
    const refused = entry(5, was('failed', 2, 'It is cut.'))
    expect(found(refused, fresh)).toEqual({
      due: [],
      unread: [
        {
          folder: refused.folder,
          site: 'hq',
          why: 'refused-earlier',
          reason: `It was refused at ${ago(2)}: It is cut.`,
          overdue: false,
        },
      ],
    })
    expect(found(entry(5, was('failed', 2)), fresh).unread[0]?.reason).toMatch(/: see verification\.json$/)
  })
})

describe('an archive that isn’t whole', () => {
  it('is told, with its reason or its state, and stands for nothing', () => {
    const { due, unread } = found(
      entry(3),
      entry(2, { state: 'damaged', reason: 'A file is gone.' }),
      entry(1, { state: 'incomplete' }),
    )
    expect(due).toMatchObject([{ createdAt: ago(3), firstOfGuest: true }])
    expect(unread).toMatchObject([
      { why: 'not-complete', reason: 'A file is gone.', overdue: false },
      { why: 'not-complete', reason: 'It is incomplete.', overdue: false },
    ])
  })
})

describe('a guest', () => {
  it('none of whose archives was ever read is due at once, and overdue as its oldest whole one', () => {
    expect(dueOf(entry(40), entry(1))).toMatchObject([{ createdAt: ago(1), overdue: false, firstOfGuest: true }])
    expect(dueOf(entry(40.01), entry(1))).toMatchObject([{ createdAt: ago(1), overdue: true, firstOfGuest: true }])
    expect(dueOf(entry(50, { state: 'damaged' }), entry(39), entry(1))).toMatchObject([
      { createdAt: ago(1), overdue: false },
    ])
  })

  it('is due from three quarters of its time after the latest reading, and overdue after all of it', () => {
    const read = (days: number) => dueOf(entry(70, was('verified', days)), entry(69, was('verified', 45)), entry(1))
    expect(read(29.99)).toEqual([])
    expect(read(30)).toMatchObject([
      {
        createdAt: ago(1),
        overdue: false,
        firstOfGuest: false,
        reason: "The guest's latest verification is 30 days old; the limit is 40 days.",
      },
    ])
    expect(read(40)).toMatchObject([{ overdue: false }])
    expect(read(40.01)).toMatchObject([{ overdue: true }])
  })

  it('and its archive may both be due: both are told, and the graver counts', () => {
    expect(dueOf(entry(70, was('verified', 35)), entry(65))).toMatchObject([
      {
        createdAt: ago(65),
        overdue: false,
        reason: expect.stringMatching(/^It is 65 days old .* The guest's latest verification is 35 days old/),
      },
    ])
    expect(dueOf(entry(70, was('verified', 45)), entry(65))).toMatchObject([{ createdAt: ago(65), overdue: true }])
  })

  it('is stood for by its newest that can be read, and by none that was refused', () => {
    const cold = { storageClass: 'GLACIER' }
    expect(found(entry(3), entry(2, cold), entry(1, was('failed', 1)))).toMatchObject({
      due: [{ createdAt: ago(3) }],
      unread: [{ why: 'refused-earlier' }],
    })
    // Where all are cold, the newest stands, and says when the guest is overdue.
    const { due, unread } = found(entry(50, cold), entry(2, cold))
    expect(due).toEqual([])
    expect(unread).toMatchObject([{ why: 'too-cold', overdue: true, folder: entry(2).folder }])
    expect(found(entry(30, cold), entry(2, cold)).unread).toMatchObject([{ why: 'too-cold', overdue: false }])
  })

  it('hears each time of a cold archive that is due by itself, which is never overdue by itself', () => {
    const { due, unread } = found(entry(90, { storageClass: 'DEEP_ARCHIVE' }), fresh)
    expect(due).toEqual([])
    expect(unread).toMatchObject([
      { why: 'too-cold', overdue: false, reason: expect.stringContaining('it lies in DEEP_ARCHIVE') },
    ])
    expect(found(entry(90, { storageClass: 'GLACIER_IR' }), fresh).due).toHaveLength(1)
  })

  it('is not proved by a reading that has yet to come', () => {
    expect(dueOf(entry(1, was('verified', -9)))).toMatchObject([
      { firstOfGuest: true, reason: 'No archive of its guest was ever read whole and accepted.' },
    ])
  })
})

describe('what a person asks for', () => {
  const asked = (...entries: CatalogueEntry[]) => askedVerifications({ site: 'hq', guest, entries })

  it('is read, refused and cold ones as well; only what is no archive is left, and that is grave', () => {
    const { facts: _, ...bare } = entry(1, { state: 'incomplete' })
    const { due, unread } = asked(entry(3, was('failed', 1)), entry(2, { storageClass: 'GLACIER' }), bare, {
      ...bare,
      reason: 'No manifest.',
    })
    expect(due).toMatchObject([
      { createdAt: ago(3), reason: 'It was asked for.', overdue: true, firstOfGuest: true },
      { createdAt: ago(2), reason: 'It was asked for.', overdue: true, firstOfGuest: true },
    ])
    expect(unread).toMatchObject([
      { why: 'not-complete', reason: 'It is incomplete.', overdue: true },
      { why: 'not-complete', reason: 'No manifest.', overdue: true },
    ])
    expect(asked(entry(3), fresh).due).toMatchObject([{ firstOfGuest: false }, { firstOfGuest: false }])
  })
})

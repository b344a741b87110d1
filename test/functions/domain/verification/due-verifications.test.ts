import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { VerificationFacts } from '../../../../functions/contracts/catalogue.ts'
import {
  verificationPolicySchema,
  verificationRequestSchema,
} from '../../../../functions/contracts/verification-policy.ts'
import type { CatalogueEntry, GuestArchives } from '../../../../functions/domain/catalogue/catalogue.ts'
import { askedVerifications, dueVerifications } from '../../../../functions/domain/verification/due-verifications.ts'
import { readManifestFacts } from '../../../../functions/domain/catalogue/manifest-facts.ts'
import { moreUrgentFirst, withinRun } from '../../../../functions/domain/verification/verification-room.ts'
import { manifestOf } from '../../../fakes/manifest.ts'

const DAY = 86_400_000
const GIB = 2 ** 30
const now = new Date('2026-11-22T12:00:00.000Z')
const guest = { kind: 'vm', id: '100' } as const
const policy = verificationPolicySchema.parse({})
const ago = (days: number) => new Date(now.getTime() - days * DAY).toISOString()

/** A whole archive made so many days ago. */
function entry(daysAgo: number, changes: Partial<CatalogueEntry> = {}): CatalogueEntry {
  const createdAt = ago(daysAgo)
  const place = { site: 'hq', guest, keyedAt: createdAt }
  const facts = readManifestFacts(JSON.stringify(manifestOf(createdAt, [1000])), place)
  if ('unreadable' in facts) throw new Error(facts.unreadable)
  const folder = `archives/hq/vm-100/${createdAt}/`
  return {
    folder,
    site: 'hq',
    guest,
    createdAt,
    state: 'complete',
    sizeBytes: 1100,
    artifactBytes: 1000,
    facts,
    ...changes,
  }
}

const verified = (daysAgo: number): Partial<CatalogueEntry> => ({
  verification: { state: 'verified', at: ago(daysAgo), tags: [] },
})
const told = (state: VerificationFacts['state'], reason: string): Partial<CatalogueEntry> => ({
  verification: { state, at: ago(1), reason, tags: [] },
})

const guestOf = (entries: CatalogueEntry[]): GuestArchives => ({ site: 'hq', guest, entries })
const judge = (...entries: CatalogueEntry[]) => dueVerifications(guestOf(entries), policy, now)

describe('which archives are due', () => {
  it('is the newest of a guest at once, when none of its archives was ever read', () => {
    const { due, unread } = judge(entry(3), entry(2), entry(1))
    expect(due).toMatchObject([{ createdAt: ago(1), overdue: false, firstOfGuest: true, sizeBytes: 1000 }])
    expect(due[0]?.reason).toBe('No archive of its guest was ever read whole and accepted.')
    expect(unread).toEqual([])
  })

  it('is overdue for a guest that has had archives for longer than its limit, and none was read', () => {
    expect(judge(entry(32), entry(1)).due).toMatchObject([{ createdAt: ago(1), overdue: true }])
    expect(judge(entry(30), entry(1)).due).toMatchObject([{ createdAt: ago(1), overdue: false }])
  })

  it('is the newest again from three quarters of the guest’s limit on, and overdue after it', () => {
    expect(judge(entry(40, verified(23)), entry(1)).due).toEqual([])
    expect(judge(entry(40, verified(24)), entry(1)).due).toMatchObject([{ createdAt: ago(1), overdue: false }])
    const { due } = judge(entry(40, verified(32)), entry(1))
    expect(due).toMatchObject([{ createdAt: ago(1), overdue: true, firstOfGuest: false }])
    expect(due[0]?.reason).toBe("The guest's latest verification is 32 days old; the limit is 31 days.")
  })

  it('is the only archive of a guest again, though it was read before', () => {
    expect(judge(entry(100, verified(24))).due).toMatchObject([{ createdAt: ago(100) }])
  })

  it('is each archive once: from three quarters of its limit on, and overdue after it', () => {
    const newest = entry(1, verified(1))
    expect(judge(entry(67), newest).due).toEqual([])
    expect(judge(entry(68), newest).due).toMatchObject([{ createdAt: ago(68), overdue: false }])
    expect(judge(entry(91), newest).due).toMatchObject([{ createdAt: ago(91), overdue: true }])
    expect(judge(entry(91, verified(90)), newest).due).toEqual([])
  })

  it('is one that could not be read the last time, with what was said then', () => {
    const { due } = judge(entry(2, told('not-verified', 'the line was down')), entry(1, verified(1)))
    expect(due).toMatchObject([
      { createdAt: ago(2), overdue: false, reason: expect.stringContaining('the line was down') },
    ])
    expect(judge(entry(2, told('unreadable', 'It is no JSON.')), entry(1, verified(1))).due).toHaveLength(1)
  })

  it('is one for the guest that has the id: what was read of another one before says nothing of it', () => {
    const of = (name: string, id: string, one: CatalogueEntry): CatalogueEntry => {
      if (one.facts === undefined) throw new Error('no facts')
      return { ...one, facts: { ...one.facts, name, identity: { id } } }
    }
    const payroll = of('payroll-db', 'smbios:1', entry(40, verified(1)))
    const unread = of('payroll-db', 'smbios:1', entry(95))
    const scratch = of('scratch', 'smbios:2', entry(2))
    const { due } = judge(unread, payroll, scratch)
    expect(due).toMatchObject([
      // The last copies of a guest that is gone are read as any archive is.
      { createdAt: ago(95), overdue: true, firstOfGuest: false },
      { createdAt: ago(2), overdue: false, firstOfGuest: true },
    ])
    expect(judge(of('payroll-db', 'smbios:1', entry(40, verified(39))), { ...scratch, ...verified(1) }).due).toEqual([])
  })

  it('goes by the time that can be trusted, and by no reading that has yet to come', () => {
    const stopped = { ...entry(4000), at: ago(2) }
    expect(judge(stopped, entry(1, verified(1))).due).toEqual([])
    expect(judge(entry(1, verified(-400))).due).toMatchObject([{ createdAt: ago(1), firstOfGuest: true }])
  })

  it('is none that was refused: it stays so and is told, and an older one stands for the guest', () => {
    const { due, unread } = judge(entry(2), entry(1, told('failed', 'a bit flipped')))
    expect(due).toMatchObject([{ createdAt: ago(2), firstOfGuest: true }])
    expect(unread).toMatchObject([
      { why: 'refused-earlier', overdue: false, reason: expect.stringContaining('a bit flipped') },
    ])
  })

  it('is none that is not complete: it is told, and does not count as its guest’s newest', () => {
    const broken = entry(1, { state: 'damaged', reason: 'disk.vma is gone.' })
    const { due, unread } = judge(entry(2), broken)
    expect(due).toMatchObject([{ createdAt: ago(2) }])
    expect(unread).toMatchObject([
      { folder: broken.folder, why: 'not-complete', reason: 'disk.vma is gone.', overdue: false },
    ])
  })

  it.each(['GLACIER', 'DEEP_ARCHIVE'])('is told and not read in %s, and only when it is due', (storageClass) => {
    const newest = entry(1, verified(1))
    expect(judge(entry(60, { storageClass }), newest).unread).toEqual([])
    const { due, unread } = judge(entry(95, { storageClass }), newest)
    expect(due).toEqual([])
    // Nothing that another run could change; its guest is well.
    expect(unread).toMatchObject([{ why: 'too-cold', overdue: false }])
    expect(unread[0]?.reason).toMatch(
      new RegExp(`^not verified: it lies in ${storageClass}, which gives nothing without`),
    )
    // Another class that answers at once is read as ever.
    expect(judge(entry(95, { storageClass: 'GLACIER_IR' }), newest).due).toHaveLength(1)
  })

  it('lets an older archive that can be read stand for a guest whose newest cannot', () => {
    expect(judge(entry(2), entry(1, { storageClass: 'DEEP_ARCHIVE' })).due).toMatchObject([{ createdAt: ago(2) }])
    expect(judge(entry(1, { storageClass: 'DEEP_ARCHIVE' })).unread).toMatchObject([
      { why: 'too-cold', overdue: false },
    ])
    // A guest of which nothing was ever read, and nothing can be, has to be told.
    expect(judge(entry(40, { storageClass: 'DEEP_ARCHIVE' })).unread).toMatchObject([
      { why: 'too-cold', overdue: true },
    ])
  })

  it('is every archive that a person asks for, refused and cold ones too', () => {
    const asked = askedVerifications(
      guestOf([entry(3, verified(1)), entry(2, told('failed', 'bad')), entry(1, { storageClass: 'GLACIER' })]),
    )
    expect(asked.due.map(({ createdAt, overdue }) => [createdAt, overdue])).toEqual([
      [ago(3), true],
      [ago(2), true],
      [ago(1), true],
    ])
    const { facts: _, ...unfinished } = entry(1, { state: 'incomplete', reason: 'There is no manifest.' })
    expect(askedVerifications(guestOf([unfinished]))).toMatchObject({
      due: [],
      unread: [{ why: 'not-complete', overdue: true }],
    })
  })
})

const anyVerification = fc.option(
  fc.record({
    state: fc.constantFrom('verified' as const, 'failed' as const, 'not-verified' as const),
    at: fc.double({ min: 0, max: 200, noNaN: true }).map(ago),
    tags: fc.constant<string[]>([]),
  }),
  { nil: undefined },
)
const anyEntry = fc
  .record({
    days: fc.double({ min: 0, max: 200, noNaN: true }),
    state: fc.constantFrom('complete' as const, 'complete' as const, 'incomplete' as const, 'damaged' as const),
    storageClass: fc.constantFrom(undefined, undefined, 'STANDARD_IA', 'DEEP_ARCHIVE'),
    verification: anyVerification,
    artifactBytes: fc.integer({ min: 1, max: 900 }).map((gib) => gib * GIB),
  })
  .map(({ days, storageClass, verification, ...rest }) =>
    entry(days, {
      ...rest,
      ...(storageClass === undefined ? {} : { storageClass }),
      ...(verification === undefined ? {} : { verification }),
    }),
  )
const anyEntries = fc
  .array(anyEntry, { maxLength: 12 })
  .map((entries) => entries.toSorted((one, other) => (one.createdAt < other.createdAt ? -1 : 1)))
  .map((entries) => entries.map((each, index) => ({ ...each, folder: `${each.folder}${index}/` })))

describe('the policy, whatever lies in the bucket', () => {
  it('leaves no archive unread that is past its limit, without saying so', () => {
    fc.assert(
      fc.property(anyEntries, (entries) => {
        const { due, unread } = judge(...entries)
        const said = new Set([...due, ...unread].map(({ folder }) => folder))
        const late = entries.filter(
          ({ createdAt, verification }) =>
            now.getTime() - Date.parse(createdAt) > policy.archiveWithinDays * DAY &&
            verification?.state !== 'verified',
        )
        expect(late.filter(({ folder }) => !said.has(folder))).toEqual([])
      }),
    )
  })

  it('leaves no guest with a whole archive unread for longer than its limit, without saying so', () => {
    fc.assert(
      fc.property(anyEntries, (entries) => {
        const { due, unread } = judge(...entries)
        const limit = ago(policy.guestWithinDays)
        const fresh = entries.some(
          ({ verification }) => verification?.state === 'verified' && (verification.at ?? '') >= limit,
        )
        const whole = entries.some(
          ({ state, verification }) => state === 'complete' && verification?.state !== 'failed',
        )
        expect(fresh || !whole || due.length + unread.length > 0).toBe(true)
      }),
    )
  })

  it('reads only what is whole, answers at once and was not refused, each archive once', () => {
    fc.assert(
      fc.property(anyEntries, (entries) => {
        const { due, unread } = judge(...entries)
        const byFolder = new Map(entries.map((each) => [each.folder, each]))
        for (const { folder } of due) {
          const { state, storageClass, verification } = byFolder.get(folder) ?? {}
          expect([state, storageClass === 'DEEP_ARCHIVE', verification?.state === 'failed']).toEqual([
            'complete',
            false,
            false,
          ])
        }
        const all = [...due, ...unread].map(({ folder }) => folder)
        expect(new Set(all).size).toBe(all.length)
      }),
    )
  })

  it('plans no more than a run may read, drops nothing, and plans what is most urgent first', () => {
    fc.assert(
      fc.property(anyEntries, fc.integer({ min: 1, max: 2000 }), (entries, mostGiB) => {
        const { due } = judge(...entries)
        const { planned, unread } = withinRun(due, mostGiB)
        expect(planned.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)).toBeLessThanOrEqual(mostGiB * GIB)
        expect(planned.length + unread.length).toBe(due.length)
        expect(planned).toEqual(planned.toSorted(moreUrgentFirst))
        const first = due.toSorted(moreUrgentFirst)[0]
        const fits = first !== undefined && first.sizeBytes <= mostGiB * GIB
        expect(fits ? planned[0] : first).toEqual(first)
      }),
    )
  })
})

describe('a request', () => {
  it('means the policy’s defaults where it says nothing', () => {
    expect(verificationRequestSchema.parse({})).toEqual({
      policy: { archiveWithinDays: 90, guestWithinDays: 31, mostGiBPerRun: 1024 },
      mostGiBInFunction: 32,
    })
  })

  it.each([{ archive: 'archives/' }, { archives: [] }, { policy: { archiveWithinDays: 0 } }, { site: 'a/b' }])(
    'is refused when it is not one: %j',
    (request) => {
      expect(verificationRequestSchema.safeParse(request).success).toBe(false)
    },
  )
})

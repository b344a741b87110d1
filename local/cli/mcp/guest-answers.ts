/** What an agent is told of one guest: the product's verdicts, with the keys and times that they rest on. */
import type { CoverageReport } from '../../../functions/contracts/coverage.ts'
import type { Destination } from '../../../functions/contracts/prices.ts'
import { lastCoverageKey, manifestKey, verificationKey } from '../../../functions/domain/books/object-keys.ts'
import type { CatalogueEntry } from '../../../functions/domain/catalogue/catalogue.ts'
import { chooseArchive } from '../../../functions/domain/catalogue/choose-archive.ts'
import { coverageOf, summariseGuest } from '../../../functions/domain/coverage/coverage.ts'
import { timeOf } from '../../../functions/domain/time/archive-time.ts'
import { listPrices } from '../../../functions/domain/prices/list-prices.ts'
import { archiveRestorePrice } from '../../../functions/domain/prices/restore-price.ts'
import { findGuests } from '../../../functions/operations/catalogue/find-archive.ts'
import { coverageReportShape } from '../../../functions/operations/books/shapes.ts'
import { readRecord, unlessUnreadable } from '../../../functions/operations/books/stored-json.ts'
import { readRehearsed } from '../../../functions/operations/coverage/rehearsed-guests.ts'
import type { Ports } from '../../../functions/operations/ports.ts'
import { ownRestoreCommand, restoreCommands } from '../archives/restore-advice.ts'

export interface AnswerNeeds extends Pick<Ports, 'store' | 'keyPrefix' | 'now'> {
  /** Where S3 is, when it isn't AWS. */
  s3: string | undefined
  everyMilliseconds: number
}

export interface GuestQuestion {
  guest: string
  site?: string | undefined
}

/** A check of coverage says nothing of today that is older. */
const RECENT_MILLISECONDS = 2 * 86_400_000
const HOUR_MILLISECONDS = 3_600_000

/**
 * Whether a guest is safe: its newest archive by the rules of coverage, and what the last check of its site saw. `safe`
 * only where both agree, or where there was no check and the bucket alone says it.
 */
export async function guestSafety({ guest: what, site }: GuestQuestion, needs: AnswerNeeds): Promise<object> {
  const { now } = needs
  const { address, guests } = await findGuests(what, { site }, needs)
  const present = guests.filter(({ former }) => address.meansFormer || !former)
  const [guest, ...others] = present
  if (guest === undefined || others.length > 0) {
    const refused = chooseArchive(address, guests)
    const reason = 'refused' in refused ? refused.refused : ''
    return { ...asked(needs), verdict: 'unknown', safe: false, reasons: [reason] }
  }
  const check = await lastCheck(guest.site, needs)
  const inCheck = check.report?.guests.find(
    ({ guest: { kind, id } }) => kind === guest.guest.kind && id === guest.guest.id,
  )
  const { rehearsed, unread } = await readRehearsed([guest.site], needs, false)
  const summary = rehearsed(summariseGuest(guest, guest.identity))
  const judged = coverageOf(summary, 'unknown', rulesOf(check.report, inCheck, needs), now())
  const newest = guest.entries.findLast(({ state }) => state === 'complete')
  const isRecent =
    check.report !== undefined && now().getTime() - Date.parse(check.report.judgedAt) < RECENT_MILLISECONDS
  // What was archived since then may have mended it.
  const isSince = newest !== undefined && timeOf(newest) > Date.parse(check.report?.judgedAt ?? '')
  const seenBad = isRecent && !isSince && inCheck !== undefined && inCheck.state !== 'covered'
  const doubts = [
    ...(newest?.verification?.state === 'verified'
      ? []
      : ['The newest archive was never read back whole: "archived, checksum matches" is all that is proved.']),
    ...(judged.rehearsal?.lastPassed === undefined
      ? ['No rehearsal of a restore of this guest is known to have passed.']
      : []),
    ...(isRecent
      ? []
      : [
          'No check of coverage of the last two days is known: whether the site still has this guest, and its schedule, was not asked.',
        ]),
    ...check.troubles,
    ...unread,
  ]
  return {
    ...asked(needs),
    guest: { site: guest.site, ...guest.guest, name: judged.name },
    verdict: seenBad ? inCheck.state : judged.state,
    safe: judged.state === 'covered' && !seenBad,
    reasons: [...judged.reasons, ...(seenBad ? inCheck.reasons : [])],
    doubts,
    evidence: {
      newestArchive: newest === undefined ? null : archiveAnswer(newest),
      rehearsal: judged.rehearsal ?? null,
      coverageCheck:
        check.report === undefined
          ? null
          : {
              key: check.key,
              judgedAt: check.report.judgedAt,
              state: inCheck?.state ?? 'not in it',
              reasons: inCheck?.reasons ?? [],
            },
      archives: judged.archives,
    },
  }
}

/** What restoring the newest whole archive of a guest would cost and take, and the commands. Nothing is restored. */
export async function restoreCost(
  { guest: what, site, destination }: GuestQuestion & { destination: Destination },
  needs: AnswerNeeds,
): Promise<object> {
  const { address, guests } = await findGuests(what, { site }, needs)
  const chosen = chooseArchive(address, guests)
  if ('refused' in chosen) return { ...asked(needs), restorable: false, reasons: [chosen.refused] }
  const { entry, passedOver } = chosen
  const { bucket } = needs.store
  const where = { bucket, ...(needs.s3 === undefined ? {} : { s3: needs.s3 }), prefix: needs.keyPrefix }
  return {
    ...asked(needs),
    restorable: true,
    archive: archiveAnswer(entry),
    passedOver: passedOver.map(archiveAnswer),
    price: archiveRestorePrice({ ...entry, artifacts: entry.facts?.artifacts ?? [] }, destination, listPrices),
    priceIs: 'In dollars, by list prices of AWS. For a store that is not AWS they say nothing.',
    byGuestlift: ownRestoreCommand(entry, where) ?? null,
    byStandardTools: restoreCommands(entry, bucket, needs.s3) ?? null,
  }
}

/** Of which bucket, and when. */
export function asked({ store, keyPrefix, now }: AnswerNeeds): { bucket: string; keyPrefix: string; askedAt: string } {
  return { bucket: store.bucket, keyPrefix, askedAt: now().toISOString() }
}

/** An archive with what is proved of it. */
export function archiveAnswer(entry: CatalogueEntry): object {
  const { folder, site, guest, createdAt, at, state, reason, sizeBytes, storageClass, facts, verification } = entry
  return {
    folder,
    site,
    ...guest,
    name: facts?.name ?? '',
    createdAt,
    trustedTime: at ?? null,
    state,
    ...(reason === undefined ? {} : { reason }),
    sizeBytes,
    storageClass: storageClass ?? 'STANDARD',
    manifestKey: facts === undefined ? null : manifestKey(folder),
    checksums: facts?.artifacts.map(({ fileName, checksum }) => ({ fileName, checksum })) ?? [],
    grade: facts?.grade ?? null,
    verdict: facts?.verdict ?? null,
    verification:
      verification === undefined
        ? { state: 'never read back' }
        : {
            state: verification.state,
            at: verification.at ?? null,
            reason: verification.reason ?? null,
            key: verificationKey(folder),
          },
  }
}

export interface LastCheck {
  key: string
  report: CoverageReport | undefined
  /** Why it isn't known, a sentence. */
  troubles: string[]
}

/** The last check of a site's coverage: what it says holds for its time alone. */
export async function lastCheck(site: string, { store, keyPrefix }: AnswerNeeds): Promise<LastCheck> {
  const key = lastCoverageKey(keyPrefix, site)
  const report = await unlessUnreadable(readRecord(store, key, coverageReportShape))
  if (report === 'unreadable')
    return { key, report: undefined, troubles: [`The last check of coverage (${key}) can't be read.`] }
  return { key, report, troubles: [] }
}

function rulesOf(
  report: CoverageReport | undefined,
  guest: CoverageReport['guests'][number] | undefined,
  { everyMilliseconds }: AnswerNeeds,
) {
  const hours = (report?.schedules ?? []).flatMap(({ name, everyHours }) =>
    everyHours !== undefined && guest?.chosenBy?.includes(name) === true ? [everyHours] : [],
  )
  const usual = report?.rules
  const every = hours.length > 0 ? Math.min(...hours) : usual?.everyHours
  return {
    everyMilliseconds: every === undefined ? everyMilliseconds : every * HOUR_MILLISECONDS,
    graceMilliseconds: usual === undefined ? everyMilliseconds / 4 : usual.graceHours * HOUR_MILLISECONDS,
    shrunkBelow: usual?.shrunkBelow ?? 0.5,
    parkedTags: [],
    parkedIds: usual?.parkedIds ?? [],
    rehearsedMilliseconds:
      usual?.rehearsedDays === undefined ? undefined : usual.rehearsedDays * 24 * HOUR_MILLISECONDS,
  }
}

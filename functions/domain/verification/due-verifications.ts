/** Which archives are to be read back now, and why; and which can't be, and why. */
import type { VerificationPolicy } from '../../contracts/verification-policy.ts'
import type { UnreadArchive, VerificationItem } from '../../contracts/verification-report.ts'
import { type CatalogueEntry, type GuestArchives, isCold } from '../catalogue/catalogue.ts'
import { type Dated, timeOf } from '../time/archive-time.ts'
import { isToCome } from '../time/clock-trouble.ts'
import { duration } from '../time/duration.ts'
import { guestsOfId } from '../identity/guests-of-id.ts'

const DAY_MILLISECONDS = 86_400_000

/** From this share of its time on, an archive or guest is due. */
const DUE_FROM = 0.75

/** An archive to be read, before it is known whether the run has room for it. */
export interface DueArchive extends Omit<VerificationItem, 'mostBytesInFunction'>, Dated {
  /** None of its guest's archives was ever read to its end and accepted. */
  firstOfGuest: boolean
}

export interface GuestDue {
  due: DueArchive[]
  unread: UnreadArchive[]
}

/** Why something is due. */
interface Cause {
  reason: string
  overdue: boolean
}

/**
 * What of the archives under an id is due by the policy. Each by itself, and one for the guest that has the id: a guest
 * that had it before makes no more archives, and has none that would have to stand for it again and again.
 */
export function dueVerifications(archives: GuestArchives, policy: VerificationPolicy, now: Date): GuestDue {
  const { entries } = archives
  const present = guestsOfId(entries, undefined).guests.find(({ standing }) => standing === 'current')?.archives ?? []
  const latest = latestSuccess(present, now)
  const ofGuest = guestCause(present, latest, policy, now)
  const stands = newestReadable(present)
  const found: GuestDue = { due: [], unread: [] }
  for (const entry of entries) {
    const { verification, state } = entry
    if (state !== 'complete') {
      found.unread.push(unreadOf(entry, 'not-complete', entry.reason ?? `It is ${state}.`, false))
      continue
    }
    if (verification?.state === 'failed') {
      const reason = `It was refused at ${verification.at}: ${verification.reason ?? 'see verification.json'}`
      found.unread.push(unreadOf(entry, 'refused-earlier', reason, false))
      continue
    }
    const own = archiveCause(entry, policy, now)
    const forGuest = entry === stands ? ofGuest : undefined
    if (own === undefined && forGuest === undefined) continue
    if (isCold(entry)) found.unread.push(tooCold(entry, forGuest))
    else found.due.push(dueOf(entry, together(own, forGuest), latest === undefined && present.includes(entry)))
  }
  return found
}

/** The same for archives that a person named: all of them, whatever is known of them. Only what is no archive is left. */
export function askedVerifications({ entries }: GuestArchives): GuestDue {
  const found: GuestDue = { due: [], unread: [] }
  const firstOfGuest = latestSuccess(entries, undefined) === undefined
  for (const entry of entries) {
    if (entry.facts === undefined) {
      found.unread.push(unreadOf(entry, 'not-complete', entry.reason ?? `It is ${entry.state}.`, true))
    } else {
      found.due.push(dueOf(entry, { reason: 'It was asked for.', overdue: true }, firstOfGuest))
    }
  }
  return found
}

function together(...causes: (Cause | undefined)[]): Cause {
  const given = causes.filter((cause) => cause !== undefined)
  return { reason: given.map(({ reason }) => reason).join(' '), overdue: given.some(({ overdue }) => overdue) }
}

/**
 * Told each time, and overdue only where its guest is: no run can read it without a restore that somebody pays for, and a
 * notice that comes every night hides the one that matters.
 */
function tooCold(entry: CatalogueEntry, ofGuest: Cause | undefined): UnreadArchive {
  const reason =
    `not verified: it lies in ${entry.storageClass}, which gives nothing without a restore. Restore it and ask for it by ` +
    'name; archives are read in time where their class changes later than they are due.'
  return unreadOf(entry, 'too-cold', reason, ofGuest?.overdue === true)
}

/** Has this archive been read, and if not, is it time to? */
function archiveCause(entry: CatalogueEntry, policy: VerificationPolicy, now: Date): Cause | undefined {
  const { verification } = entry
  const within = policy.archiveWithinDays * DAY_MILLISECONDS
  const age = now.getTime() - timeOf(entry)
  const overdue = age > within
  if (verification?.state === 'verified') return undefined
  if (verification?.state === 'not-verified') {
    const why = verification.reason ?? 'nobody knows why'
    return { reason: `It was tried at ${verification.at} and could not be read: ${why}`, overdue }
  }
  if (verification?.state === 'unreadable')
    return { reason: verification.reason ?? "Its verdict can't be read.", overdue }
  if (isToCome(entry.at ?? entry.createdAt, now)) return { reason: 'Its date has yet to come.', overdue: false }
  if (age < within * DUE_FROM) return undefined
  return { reason: `It is ${duration(age)} old and was never read; the limit is ${duration(within)}.`, overdue }
}

/** Has any archive of the guest been read lately? */
function guestCause(
  entries: readonly CatalogueEntry[],
  latest: string | undefined,
  policy: VerificationPolicy,
  now: Date,
): Cause | undefined {
  const within = policy.guestWithinDays * DAY_MILLISECONDS
  const oldest = entries.find(({ state }) => state === 'complete')
  const since = latest === undefined ? (oldest === undefined ? now.getTime() : timeOf(oldest)) : Date.parse(latest)
  const age = now.getTime() - since
  const overdue = age > within
  if (latest === undefined) return { reason: 'No archive of its guest was ever read whole and accepted.', overdue }
  if (age < within * DUE_FROM) return undefined
  return {
    reason: `The guest's latest verification is ${duration(age)} old; the limit is ${duration(within)}.`,
    overdue,
  }
}

/** A reading that has yet to come proves nothing: the clock of the machine that did it is wrong. */
function latestSuccess(entries: readonly CatalogueEntry[], now: Date | undefined): string | undefined {
  return entries
    .flatMap(({ verification }) => (verification?.state === 'verified' ? (verification.at ?? []) : []))
    .filter((at) => now === undefined || !isToCome(at, now))
    .sort()
    .at(-1)
}

/** The archive that stands for its guest: the newest that isn't refused, among those that can be read if there is one. */
function newestReadable(entries: readonly CatalogueEntry[]): CatalogueEntry | undefined {
  const whole = entries.filter(({ state, verification }) => state === 'complete' && verification?.state !== 'failed')
  return whole.findLast((entry) => !isCold(entry)) ?? whole.at(-1)
}

function dueOf(entry: CatalogueEntry, { reason, overdue }: Cause, firstOfGuest: boolean): DueArchive {
  const { folder, site, guest, createdAt, at = createdAt, artifactBytes: sizeBytes } = entry
  const { kind, id } = guest
  return { folder, site, guest: { kind, id }, createdAt, at, sizeBytes, reason, overdue, firstOfGuest }
}

function unreadOf(
  { folder, site }: CatalogueEntry,
  why: UnreadArchive['why'],
  reason: string,
  overdue: boolean,
): UnreadArchive {
  return { folder, site, why, reason, overdue }
}

import { InvalidJob } from '../../contracts/errors.ts'
import type { TaskInput, TaskOutput } from '../../contracts/tasks.ts'
import { type VerificationRequest, verificationRequestSchema } from '../../contracts/verification-policy.ts'
import type { UnreadRecord, VerificationItem } from '../../contracts/verification-report.ts'
import { askedVerifications, dueVerifications } from '../../domain/verification/due-verifications.ts'
import { archivesPrefix, planKey, unreadKey, verificationPrefix } from '../../domain/books/object-keys.ts'
import { validationMessage } from '../../domain/words/validation-message.ts'
import { withinRun } from '../../domain/verification/verification-room.ts'
import { unreadShape, verificationPlanShape } from '../books/shapes.ts'
import { writeRecord } from '../books/stored-json.ts'
import { DueFindings } from './due-findings.ts'
import { requireKnownSite } from '../catalogue/known-sites.ts'
import type { GuestArchives } from '../../domain/catalogue/catalogue.ts'
import { findArchive } from '../catalogue/find-archive.ts'
import type { CatalogueFilter } from '../catalogue/list-archives.ts'
import type { Ports } from '../ports.ts'
import { readCatalogue } from '../catalogue/read-catalogue.ts'
import { readAtLength } from './verifications-under-way.ts'

type Needs = Pick<Ports, 'store' | 'keyPrefix' | 'now' | 'log'>

const GIB = 2 ** 30

/**
 * Look through the catalogue, a guest at a time, for archives that are due, or for those that a person named; write the
 * plan, and beside it what is left out and why.
 * @throws InvalidJob when the request is malformed or names no archive; ArchiveUnknown for an address; UnknownSite for a site that the bucket lacks
 */
export async function planVerification(
  input: TaskInput<'PlanVerification'>,
  ports: Needs,
): Promise<TaskOutput<'PlanVerification'>> {
  const { verificationId: id, startedAt } = input
  const { store, keyPrefix, log } = ports
  const request = parseRequest(input.request)
  const run = { id, startedAt, prefix: verificationPrefix(keyPrefix, id, startedAt) }

  const found = new DueFindings()
  if (request.archives === undefined) await findDue(request, run.prefix, startedAt, found, ports)
  else await findAsked(request.archives, request.site, found, ports)

  const most = request.archives === undefined ? request.policy.mostGiBPerRun : Number.POSITIVE_INFINITY
  const { planned, unread } = withinRun(found.mostUrgent(), most)
  for (const archive of unread) found.leave(archive)
  const mostBytesInFunction = Math.floor(request.mostGiBInFunction * GIB)
  const plan = planned.map(
    ({ folder, site, guest, createdAt, sizeBytes, reason, overdue }): VerificationItem => ({
      folder,
      site,
      guest,
      createdAt,
      sizeBytes,
      mostBytesInFunction,
      reason,
      overdue,
    }),
  )
  const record: UnreadRecord = { policy: request.policy, sites: [...found.sites].sort(), ...found.record() }
  await writeRecord(store, unreadKey(run.prefix), unreadShape, record)
  await writeRecord(store, planKey(run.prefix), verificationPlanShape, plan)
  log('verification-planned', { prefix: run.prefix, archives: plan.length, unread: record.unread.length })
  return { run, planKey: planKey(run.prefix), archiveCount: plan.length }
}

function parseRequest(request: unknown): VerificationRequest {
  const parsed = verificationRequestSchema.safeParse(request)
  if (parsed.success) return parsed.data
  throw new InvalidJob(`The verification's input can't be used: ${validationMessage(parsed.error)}.`)
}

async function findDue(
  { site, policy }: VerificationRequest,
  ownPrefix: string,
  startedAt: string,
  found: DueFindings,
  ports: Needs,
): Promise<void> {
  if (site !== undefined) await requireKnownSite(site, ports)
  const underWay = await readAtLength(ownPrefix, startedAt, ports)
  for await (const guest of readCatalogue(site === undefined ? {} : { site }, ports)) {
    found.sites.add(guest.site)
    const { due, unread } = dueVerifications(guest, policy, ports.now())
    for (const archive of unread) found.leave(archive)
    for (const archive of due) {
      const since = underWay.get(archive.folder)
      if (since === undefined) found.take(archive)
      else {
        const { folder, site } = archive
        const reason = `not verified: a run that was planned at ${since} may still be reading it.`
        // That run reports what becomes of it.
        found.leave({ folder, site, why: 'being-read', reason, overdue: false })
      }
    }
  }
}

/** Archives below keys, and the newest of each guest that is named. */
async function findAsked(
  asked: readonly string[],
  site: string | undefined,
  found: DueFindings,
  ports: Needs,
): Promise<void> {
  const taken = new Set<string>()
  for (const text of asked) {
    const isKey = text.startsWith(archivesPrefix(ports.keyPrefix))
    const guests = isKey ? await archivesBelow(text, ports) : [await newestOf(text, site, ports)]
    for (const guest of guests) {
      found.sites.add(guest.site)
      const fresh = guest.entries.filter(({ folder }) => !taken.has(folder))
      for (const { folder } of fresh) taken.add(folder)
      const { due, unread } = askedVerifications({ ...guest, entries: fresh })
      for (const archive of due) found.take(archive)
      for (const archive of unread) found.leave(archive)
    }
  }
}

/** @throws InvalidJob when there are none */
async function archivesBelow(prefix: string, ports: Needs): Promise<GuestArchives[]> {
  const guests: GuestArchives[] = []
  for await (const { site, guest, entries } of readCatalogue(filterOf(prefix, ports), ports)) {
    const its = entries.filter(({ folder }) => folder.startsWith(prefix) || prefix.startsWith(folder))
    if (its.length > 0) guests.push({ site, guest, entries: its })
  }
  if (guests.length === 0) throw new InvalidJob(`There is no archive below s3://${ports.store.bucket}/${prefix}.`)
  return guests
}

/** With newer ones that aren't whole: an older archive must not pass for the newest. @throws ArchiveUnknown */
async function newestOf(address: string, site: string | undefined, ports: Needs): Promise<GuestArchives> {
  const { guest, entry, passedOver } = await findArchive(address, { site }, ports)
  return { site: guest.site, guest: guest.guest, entries: [entry, ...passedOver] }
}

/** The narrowest part of the catalogue that holds a prefix of keys: site and guest, where they are whole. */
function filterOf(prefix: string, { keyPrefix }: Needs): CatalogueFilter {
  const all = archivesPrefix(keyPrefix)
  // What stands behind the last slash may be half a name.
  const [site, guest] = prefix.slice(all.length).split('/').slice(0, -1)
  const guestId = /^(?:vm|container)-(.+)$/.exec(guest ?? '')?.[1]
  return { ...(site === undefined ? {} : { site }), ...(guestId === undefined ? {} : { guestId }) }
}

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
import type { CatalogueFilter } from '../catalogue/list-archives.ts'
import type { Ports } from '../ports.ts'
import { readCatalogue } from '../catalogue/read-catalogue.ts'
import { readAtLength } from './verifications-under-way.ts'

type Needs = Pick<Ports, 'store' | 'keyPrefix' | 'now' | 'log'>

const GIB = 2 ** 30

/**
 * Look through the catalogue, a guest at a time, for archives that are due, or for those that a person named; write the
 * plan, and beside it what is left out and why.
 * @throws InvalidJob when the request is malformed or names no archive; UnknownSite for a site that the bucket lacks
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
  else await findAsked(request.archives, found, ports)

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

async function findAsked(prefixes: readonly string[], found: DueFindings, ports: Needs): Promise<void> {
  const taken = new Set<string>()
  for (const prefix of prefixes) {
    let any = false
    for await (const guest of readCatalogue(filterOf(prefix, ports), ports)) {
      const entries = guest.entries.filter(({ folder }) => folder.startsWith(prefix) || prefix.startsWith(folder))
      if (entries.length === 0) continue
      any = true
      found.sites.add(guest.site)
      const fresh = entries.filter(({ folder }) => !taken.has(folder))
      for (const { folder } of fresh) taken.add(folder)
      const { due, unread } = askedVerifications({ ...guest, entries: fresh })
      for (const archive of due) found.take(archive)
      for (const archive of unread) found.leave(archive)
    }
    if (!any) throw new InvalidJob(`There is no archive below s3://${ports.store.bucket}/${prefix}.`)
  }
}

/** The narrowest part of the catalogue that holds a prefix of keys: site and guest, where they are whole. */
function filterOf(prefix: string, { keyPrefix }: Needs): CatalogueFilter {
  const all = archivesPrefix(keyPrefix)
  if (!prefix.startsWith(all)) throw new InvalidJob(`${prefix} is no key of an archive: those begin with ${all}.`)
  // What stands behind the last slash may be half a name.
  const [site, guest] = prefix.slice(all.length).split('/').slice(0, -1)
  const guestId = /^(?:vm|container)-(.+)$/.exec(guest ?? '')?.[1]
  return { ...(site === undefined ? {} : { site }), ...(guestId === undefined ? {} : { guestId }) }
}

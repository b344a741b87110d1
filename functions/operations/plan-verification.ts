import * as z from 'zod'
import { InvalidJob } from '../contracts/errors.ts'
import type { TaskInput, TaskOutput } from '../contracts/tasks.ts'
import { type VerificationRequest, verificationRequestSchema } from '../contracts/verification-policy.ts'
import {
  type UnreadArchive,
  type UnreadRecord,
  type VerificationItem,
  verificationItemSchema,
} from '../contracts/verification-report.ts'
import {
  askedVerifications,
  type DueArchive,
  dueVerifications,
  moreUrgentFirst,
  withinRun,
} from '../domain/due-verifications.ts'
import {
  archivesPrefix,
  planKey,
  reportKey,
  unreadKey,
  verificationPrefix,
  verificationsOfDayPrefix,
} from '../domain/object-keys.ts'
import { validationMessage } from '../domain/validation-message.ts'
import type { CatalogueFilter } from './list-archives.ts'
import type { Ports } from './ports.ts'
import { readCatalogue } from './read-catalogue.ts'

type Needs = Pick<Ports, 'store' | 'keyPrefix' | 'now' | 'log'>

const GIB = 2 ** 30
const HOUR_MILLISECONDS = 3_600_000

/** A run reads no more archives; those left are the least urgent. Keeps memory bounded, whatever the bucket holds. */
const MOST_PLANNED = 5_000
/** Of those overdue and of the others that the record lists; the rest are counted. */
const MOST_TOLD = 1_000
/** The larger runner's longest, and its queue. An earlier run that says nothing after that is dead. */
const LONGEST_HOURS = 46

/**
 * Look through the catalogue, a guest at a time, for archives that are due, or for those that a person named; write the
 * plan, and beside it what is left out and why.
 * @throws InvalidJob when the request is malformed or names no archive
 */
export async function planVerification(
  input: TaskInput<'PlanVerification'>,
  ports: Needs,
): Promise<TaskOutput<'PlanVerification'>> {
  const { verificationId: id, startedAt } = input
  const { store, keyPrefix, log } = ports
  const request = parseRequest(input.request)
  const run = { id, startedAt, prefix: verificationPrefix(keyPrefix, id, startedAt) }

  const found = new Findings()
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
  const contentType = 'application/json'
  await store.writeText(unreadKey(run.prefix), `${JSON.stringify(record, undefined, 2)}\n`, { contentType })
  await store.writeText(planKey(run.prefix), `${JSON.stringify(plan)}\n`, { contentType })
  log('verification-planned', { prefix: run.prefix, archives: plan.length, unread: record.unread.length })
  return { run, planKey: planKey(run.prefix), archiveCount: plan.length }
}

function parseRequest(request: unknown): VerificationRequest {
  const parsed = verificationRequestSchema.safeParse(request)
  if (parsed.success) return parsed.data
  throw new InvalidJob(`The verification's input can't be used: ${validationMessage(parsed.error)}.`)
}

/** What was found so far, in bounded memory: the most urgent archives, and a list of those left out with its tally. */
class Findings {
  readonly sites = new Set<string>()
  private due: DueArchive[] = []
  private readonly unread: Record<'overdue' | 'other', UnreadArchive[]> = { overdue: [], other: [] }
  private further = 0
  private furtherOverdue = 0

  take(archive: DueArchive): void {
    this.due.push(archive)
    if (this.due.length >= 2 * MOST_PLANNED) this.cut()
  }

  leave(archive: UnreadArchive): void {
    const list = this.unread[archive.overdue ? 'overdue' : 'other']
    if (list.length < MOST_TOLD) list.push(archive)
    else this.count(archive.overdue)
  }

  mostUrgent(): DueArchive[] {
    this.cut()
    return this.due
  }

  record(): Pick<UnreadRecord, 'unread' | 'further' | 'furtherOverdue'> {
    const { further, furtherOverdue } = this
    return { unread: [...this.unread.overdue, ...this.unread.other], further, furtherOverdue }
  }

  private cut(): void {
    this.due.sort(moreUrgentFirst)
    for (const { overdue } of this.due.splice(MOST_PLANNED)) this.count(overdue)
  }

  private count(overdue: boolean): void {
    this.further += 1
    if (overdue) this.furtherOverdue += 1
  }
}

async function findDue(
  { site, policy }: VerificationRequest,
  ownPrefix: string,
  startedAt: string,
  found: Findings,
  ports: Needs,
): Promise<void> {
  const underWay = await readAtLength(ownPrefix, startedAt, ports)
  for await (const guest of readCatalogue(site === undefined ? {} : { site }, ports)) {
    found.sites.add(guest.site)
    const { due, unread } = dueVerifications(guest, policy, ports.now())
    for (const archive of unread) found.leave(archive)
    for (const archive of due) {
      const since = underWay.get(archive.folder)
      const { folder, overdue } = archive
      if (since === undefined) found.take(archive)
      else {
        const reason = `not verified: a run that was planned at ${since} may still be reading it.`
        found.leave({ folder, site: guest.site, why: 'being-read', reason, overdue })
      }
    }
  }
}

async function findAsked(prefixes: readonly string[], found: Findings, ports: Needs): Promise<void> {
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

const itemsSchema = z.array(verificationItemSchema)

/**
 * Archives that don't fit a function and that an earlier run without a report has planned: the larger runner may take
 * longer than a day, and reading an archive of terabytes twice at once costs money. By folder, since when.
 */
async function readAtLength(
  ownPrefix: string,
  startedAt: string,
  { store, keyPrefix, now }: Needs,
): Promise<Map<string, string>> {
  const underWay = new Map<string, string>()
  for (const daysBefore of [0, 1, 2]) {
    const day = new Date(Date.parse(startedAt) - daysBefore * 24 * HOUR_MILLISECONDS).toISOString()
    const keys = await store.listDatedKeys(verificationsOfDayPrefix(keyPrefix, day))
    const there = new Set(keys.map(({ key }) => key))
    for (const { key, writtenAt } of keys) {
      const prefix = key.slice(0, key.lastIndexOf('/') + 1)
      if (key !== planKey(prefix) || prefix === ownPrefix || there.has(reportKey(prefix))) continue
      if (now().getTime() - Date.parse(writtenAt) > LONGEST_HOURS * HOUR_MILLISECONDS) continue
      const plan = itemsSchema.safeParse(JSON.parse((await store.readText(key))?.text ?? '[]'))
      for (const { folder, sizeBytes, mostBytesInFunction } of plan.data ?? []) {
        if (sizeBytes > mostBytesInFunction) underWay.set(folder, writtenAt)
      }
    }
  }
  return underWay
}

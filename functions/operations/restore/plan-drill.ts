import { type DrillPlan, type DrillRequest, drillRequestSchema, type RehearsalBook } from '../../contracts/drill.ts'
import { GuestNotFound, InternalFault, RestoreRefused } from '../../contracts/errors.ts'
import type { RestoreRequest } from '../../contracts/restore-request.ts'
import { MAX_LANES } from '../../contracts/drill-tasks.ts'
import { parseIdRange } from '../../contracts/selection.ts'
import type { TaskInput, TaskOutput } from '../../contracts/tasks.ts'
import { drillPrefix, planKey } from '../../domain/books/object-keys.ts'
import type { GuestArchives } from '../../domain/catalogue/catalogue.ts'
import { type ChosenGuest, type DueDrill, drillDue, inLanes, placeDrills } from '../../domain/restore/due-drills.ts'
import { guestKey } from '../../domain/selection/schedule-choice.ts'
import { parseRequest } from '../../domain/selection/parse-request.ts'
import { readRehearsals } from '../books/rehearsals.ts'
import { drillPlanShape } from '../books/shapes.ts'
import { readRecord, writeRecord } from '../books/stored-json.ts'
import { readCatalogue } from '../catalogue/read-catalogue.ts'
import type { Ports } from '../ports.ts'
import { chooseGuests } from '../selection/choose-guests.ts'
import { restoresUnderWay } from './restores-under-way.ts'

type Needs = Pick<Ports, 'store' | 'keyPrefix' | 'provider' | 'now' | 'randomToken' | 'log'>

/** An execution's name holds 80 characters (Step Functions). */
const LONGEST_ID_IN_NAME = 40

/**
 * Choose the guests that are due, those first that waited longest, with a free id and a node for each. Asks the site for
 * its guests and changes nothing there.
 * @throws InvalidJob for a malformed request; RestoreRefused for a platform without rehearsals; the site's and the store's errors
 */
export async function planDrill(input: TaskInput<'PlanDrill'>, ports: Needs): Promise<TaskOutput<'PlanDrill'>> {
  const { drillId, startedAt } = input
  const request = parseRequest(drillRequestSchema, input.request, 'request for a drill')
  const range = parseIdRange(request.ids)
  if (range === undefined) throw new InternalFault(`${request.ids} is no range of ids.`)
  const { platform, restores, diskRestores } = await ports.provider(request.site)
  if (restores === undefined && diskRestores !== undefined) {
    throw new RestoreRefused(
      `Site ${request.site}: Guestlift rehearses no restores on ${platform} yet. Restore one with "guestlift restore", run what is made, and look.`,
    )
  }
  const { due, unfit, notes } = await dueGuests(request, ports)
  const underWay = await restoresUnderWay(request.site, ports)
  const present = await (await ports.provider(request.site)).listGuests()
  const taken = new Set([...present.guests.map(({ id }) => id), ...underWay.ids])
  const placing = { most: request.most, node: request.node, range, taken, busyNodes: underWay.drilledNodes }
  const { placed, postponed, notes: more } = placeDrills(due, placing)
  const plan: DrillPlan = {
    version: 1,
    drillId,
    startedAt,
    request,
    rehearsals: placed.map(({ guest, folder, node, scratchId, reason }) => ({
      restoreId: nameOf(guest.id, ports.randomToken()),
      guest,
      folder,
      node,
      scratchId,
      reason,
    })),
    postponed,
    unfit,
    notes: [...notes, ...more],
  }
  return begun(plan, ports)
}

/** A call whose answer was lost has planned already: its plan holds, so that nothing is rehearsed twice. */
async function begun(plan: DrillPlan, { store, keyPrefix, log }: Needs): Promise<TaskOutput<'PlanDrill'>> {
  const key = planKey(drillPrefix(keyPrefix, plan.drillId, plan.startedAt))
  const written = await writeRecord(store, key, drillPlanShape, plan, { onlyIf: { absent: true } })
  const held = written === undefined ? await readRecord(store, key, drillPlanShape) : plan
  if (held === undefined) throw new InternalFault(`s3://${store.bucket}/${key} is gone. Start another drill.`)
  const { request, rehearsals, postponed, unfit } = held
  log('drill-planned', { site: request.site, rehearsals: rehearsals.length, postponed, unfit: unfit.length })
  const lanes = inLanes(rehearsals, MAX_LANES).map((lane) =>
    lane.map((rehearsal) => ({ name: rehearsal.restoreId, request: restoreOf(rehearsal, request) })),
  )
  return { planKey: key, count: rehearsals.length, lanes }
}

async function dueGuests(
  request: DrillRequest,
  ports: Needs,
): Promise<{ due: DueDrill[]; unfit: string[]; notes: string[] }> {
  const from = request.from ?? request.site
  const provider = await ports.provider(from)
  const choice = await chooseGuests(from, request.guests, provider, 'identities')
  const archives = new Map<string, GuestArchives>()
  for await (const { site, guest, entries } of readCatalogue({ site: from }, ports)) {
    archives.set(guestKey(guest), { site, guest, entries })
  }
  const lost = choice.failed.filter(({ error }) => error === GuestNotFound.errorName).map(({ guest }) => guest.id)
  const unfit = choice.failed.filter(({ error }) => error !== GuestNotFound.errorName).map(({ reason }) => reason)
  const book: RehearsalBook = await readRehearsals(from, ports)
  const due: DueDrill[] = []
  const notes = [...choice.doubts]
  const named = new Set([...(request.guests.ids ?? []), ...(request.guests.vmids ?? []).map(String)])
  const rules = { everyDays: request.everyDays, until: request.at }
  for (const guest of [...choice.chosen, ...archivedOnly(lost, archives, unfit)]) {
    const found = drillDue(guest, archives.get(guestKey(guest)), book, rules, ports.now())
    if (found === 'not-due') continue
    if ('unfit' in found) unfit.push(found.unfit)
    // Who names a guest wants it rehearsed; one of many that has no archive is for the coverage check to report.
    else if ('without' in found) (named.has(guest.id) ? unfit : notes).push(found.without)
    else due.push(found)
  }
  return { due, unfit, notes }
}

/** Guests that were named and that the site doesn't know: their archives are all that there is of them. */
function archivedOnly(
  ids: readonly string[],
  archives: ReadonlyMap<string, GuestArchives>,
  unfit: string[],
): ChosenGuest[] {
  return ids.flatMap((id) => {
    const found = [...archives.values()].filter(({ guest }) => guest.id === id)
    if (found.length === 0) unfit.push(`Guest ${id} is not on the site, and has no archive.`)
    return found.map(({ guest }) => ({ ...guest, name: '' }))
  })
}

function nameOf(guestId: string, token: string): string {
  return `drill-${token}-${guestId.replaceAll(/[^A-Za-z0-9_-]/g, '-').slice(0, LONGEST_ID_IN_NAME)}`
}

/** The rehearsal as Restore guest takes it. */
function restoreOf(
  { folder, node, scratchId }: DrillPlan['rehearsals'][number],
  request: DrillRequest,
): Partial<RestoreRequest> {
  const { site, storage, deliveryStorage, pool, bridges, limitKiBPerSecond, ids, probes } = request
  return {
    archive: folder,
    site,
    node,
    id: scratchId,
    ...(storage === undefined ? {} : { storage }),
    ...(deliveryStorage === undefined ? {} : { deliveryStorage }),
    ...(pool === undefined ? {} : { pool }),
    ...(bridges === undefined ? {} : { bridges }),
    ...(limitKiBPerSecond === undefined ? {} : { limitKiBPerSecond }),
    drill: { ids, probes },
    confirm: true,
  }
}

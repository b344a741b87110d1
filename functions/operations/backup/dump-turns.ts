import { NoTurnToDump, StorageUnusable } from '../../contracts/errors.ts'
import type { Guest } from '../../contracts/nouns.ts'
import type { PlanItem } from '../../contracts/plan-item.ts'
import {
  type DumpQueue,
  type DumpTurn,
  emptyQueue,
  endTurn,
  heldTurn,
  leave,
  promisedBytes,
  type Queuer,
  renewStaged,
  renewTurn,
  requestTurn,
  settleDoubt,
  type TurnAnswer,
  type TurnRequest,
} from '../../domain/backup/dump-queue.ts'
import { dumpQueueKey } from '../../domain/books/object-keys.ts'
import type { Provider } from '../../providers/provider.ts'
import { dumpQueueShape } from '../books/shapes.ts'
import { type ArchiveStorage, spaceOn, storageFor } from './archive-space.ts'
import type { ClaimedWork } from '../books/claims.ts'
import type { Ports } from '../ports.ts'
import { changeLedger } from '../books/shared-ledger.ts'

type Needs = Pick<Ports, 'store' | 'keyPrefix' | 'now' | 'log' | 'sleep'>

/** A turn with the storage to dump to, or how long to wait and why. */
export type Turn = ArchiveStorage | { waitSeconds: number; reason: string }

/** A place that is limited by number alone. */
const ROOM_FOR_ANY = { freeBytes: Number.MAX_SAFE_INTEGER, bytes: 0, likely: false }
/** Silent holders of one node's turn; each is settled once. */
const MAX_DOUBTS = 10

/**
 * Ask for the turn of the node where the guest is. The storage is only looked at when the node is free, so waiting costs
 * the platform nothing.
 * @throws StorageUnusable when the archive can't fit and nothing there is going to leave
 * @throws NoTurnToDump after days of waiting
 */
export async function askForTurn(work: ClaimedWork, guest: Guest, provider: Provider, ports: Needs): Promise<Turn> {
  const { item } = work
  const me = queuer(work, guest.node)
  let seen: Looked = { request: { space: 'unseen' } }
  for (let rounds = 0; rounds < MAX_DOUBTS; rounds++) {
    const answer = await change(item, ports, (queue) => {
      const asked = requestTurn(queue, { ...me, ...seen.request }, ports.now())
      return { next: asked.queue, result: asked.answer }
    })
    if (answer.answer === 'look') {
      seen = await lookAtPlace(item, guest, provider, ports)
    } else if (answer.answer === 'doubt') {
      const { running } = await provider.check(answer.jobRef)
      ports.log('silent-dump', { site: item.site, guest: answer.guest, jobRef: answer.jobRef, running })
      await change(item, ports, (queue) => {
        const next = settleDoubt(queue, answer.jobRef, running, ports.now())
        return { next, result: undefined }
      })
    } else if (answer.answer === 'granted') {
      const mine = seen.storage ?? (await storageFor(item.site, guest.node, item.backup, () => 0, provider))
      ports.log('dump-turn', {
        site: item.site,
        guest: guest.id,
        node: guest.node,
        ...told(mine),
        space: seen.request.space,
      })
      return mine
    } else return waiting(item, guest, answer, ports)
  }
  return { waitSeconds: 30, reason: `Dumps on node ${guest.node} went silent; looking again.` }
}

/** What a turn is asked for with, and the storage where there is one. */
interface Looked {
  request: Pick<TurnRequest, 'space' | 'maxArchives'>
  storage?: ArchiveStorage
}

async function lookAtPlace(item: PlanItem, guest: Guest, provider: Provider, ports: Needs): Promise<Looked> {
  if (provider.turnOf !== undefined) {
    const { place, most, full } = await provider.turnOf(guest)
    return { request: { space: { place, full, ...ROOM_FOR_ANY }, maxArchives: most } }
  }
  const promised = await change(item, ports, (queue) => ({
    next: queue,
    result: (place: string) => promisedBytes(queue, place),
  }))
  const storage = await storageFor(item.site, guest.node, item.backup, promised, provider)
  const limit = item.deleteSource ? { maxArchives: item.staging.maxArchives } : {}
  return { request: { space: await spaceOn(storage, guest, item.backup, provider), ...limit }, storage }
}

function told({ storage, reason }: ArchiveStorage) {
  return { storage, ...(reason === undefined ? {} : { reason }) }
}

function waiting(
  { site }: PlanItem,
  guest: Guest,
  answer: Extract<TurnAnswer, { answer: 'wait' | 'refused' }>,
  { log }: Needs,
): Turn {
  if (answer.answer === 'wait') {
    log('dump-waits', { site, guest: guest.id, node: guest.node, ...answer })
    return { waitSeconds: answer.waitSeconds, reason: answer.reason }
  }
  const at = `Site ${site}, node ${guest.node}, guest ${guest.id}`
  if (answer.why === 'waited-too-long') {
    throw new NoTurnToDump(`${at}: ${answer.reason} Spread the guests over more runs, or over more nodes.`)
  }
  throw new StorageUnusable(
    `${at}: ${answer.reason} The dump was not begun. Make room there, name another storage, or let archives leave it ` +
      'once they are moved (deleteSource).',
  )
}

/** The dump runs. Written when the turn is about to lapse, or when its end has become known better. */
export async function keepTurn(
  work: ClaimedWork,
  known: { jobRef: string; expectedEndAt?: string | undefined },
  ports: Needs,
): Promise<void> {
  const me = queuer(work, work.item.guest.node)
  await change(work.item, ports, (queue) => {
    const held = queue.turns.find(({ guest, execution }) => guest === me.guest && execution === me.execution)
    const stands = held !== undefined && held.jobRef === known.jobRef
    const fresh = stands && Date.parse(held.until) - ports.now().getTime() > FRESH_SECONDS * 1000
    if (fresh && !isNews(held.expectedEndAt, known.expectedEndAt)) return { next: queue, result: undefined }
    // A guest that moved before its dump began holds the turn of its new node.
    const node = held?.node ?? me.node
    return { next: renewTurn(queue, { ...me, node }, known, ports.now()), result: undefined }
  })
}

/** Two of the longest waits of Check backup. */
const FRESH_SECONDS = 600
const NEWS_SECONDS = 30

function isNews(before: string | undefined, now: string | undefined): boolean {
  if (now === undefined) return false
  return before === undefined || Math.abs(Date.parse(now) - Date.parse(before)) > NEWS_SECONDS * 1000
}

/** The turn that this execution holds, unless other dumps fill the same storage: then nothing can be told from it. */
export function ownTurn(work: ClaimedWork, ports: Needs): Promise<DumpTurn | undefined> {
  return change(work.item, ports, (queue) => {
    const held = heldTurn(queue, queuer(work, work.item.guest.node))
    return { next: queue, result: held?.alone === true ? held.turn : undefined }
  })
}

/** The dump is over: the next guest of its node may begin. */
export async function endDump(work: ClaimedWork, ports: Needs): Promise<void> {
  await change(work.item, ports, (queue) => ({
    next: endTurn(queue, queuer(work, work.item.guest.node), ports.now()),
    result: undefined,
  }))
}

/** The archive still lies on the platform's storage. */
export async function keepStaged(work: ClaimedWork, ports: Needs): Promise<void> {
  await change(work.item, ports, (queue) => ({
    next: renewStaged(queue, queuer(work, work.item.guest.node), ports.now()),
    result: undefined,
  }))
}

/** Nothing of this execution waits, dumps or lies there any more. */
export async function leaveQueue(work: ClaimedWork, ports: Needs): Promise<void> {
  await change(work.item, ports, (queue) => ({
    next: leave(queue, queuer(work, work.item.guest.node)),
    result: undefined,
  }))
}

function queuer({ item, execution }: ClaimedWork, node: string): Queuer {
  return { guest: `${item.guest.kind}-${item.guest.id}`, execution, node }
}

function change<Result>(
  { site }: PlanItem,
  ports: Needs,
  decide: (queue: DumpQueue) => { next: DumpQueue; result: Result },
): Promise<Result> {
  const ledger = { key: dumpQueueKey(ports.keyPrefix, site), shape: dumpQueueShape, empty: emptyQueue }
  return changeLedger(ledger, decide, ports)
}

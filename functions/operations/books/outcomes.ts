import type { GuestOutcome } from '../../contracts/report.ts'
import type { Guest, Run } from '../../contracts/nouns.ts'
import { outcomeKey, outcomesPrefix } from '../../domain/books/object-keys.ts'
import { outcomeShape } from './shapes.ts'
import { readRecord, unlessUnreadable, writeRecord } from './stored-json.ts'
import { inOrder } from './ordered-lookahead.ts'
import type { Ports } from '../ports.ts'

/** Keep a guest's outcome in the run's folder, where Report run finds it. A later attempt replaces an earlier one. */
export async function recordOutcome(run: Run, outcome: GuestOutcome, { store }: Pick<Ports, 'store'>): Promise<void> {
  await writeRecord(store, outcomeKey(run.prefix, outcome.id), outcomeShape, outcome)
}

/** A run may have ten thousand guests, each with a small object of its own, and a function some minutes for all of them. */
export const OUTCOMES_AT_ONCE = 32

/** The outcomes of many guests, with no more of them under way at once than connections to the store. */
export async function recordOutcomes(
  run: Run,
  outcomes: Iterable<GuestOutcome>,
  ports: Pick<Ports, 'store'>,
): Promise<void> {
  const written = inOrder(outcomes, OUTCOMES_AT_ONCE, (outcome) => recordOutcome(run, outcome, ports))
  for await (const _one of written);
}

/** All outcomes in a run's folder, by key; one that can't be read is told as such. */
export async function* allOutcomes(
  prefix: string,
  { store }: Pick<Ports, 'store'>,
): AsyncGenerator<{ key: string; outcome: GuestOutcome | 'unreadable' }, void, void> {
  const read = async (key: string) => ({ key, outcome: await unlessUnreadable(readRecord(store, key, outcomeShape)) })
  for await (const { key, outcome } of inOrder(await store.listKeys(outcomesPrefix(prefix)), OUTCOMES_AT_ONCE, read)) {
    if (outcome !== undefined) yield { key, outcome }
  }
}

export async function readOutcome(
  run: Run,
  guestId: string,
  { store }: Pick<Ports, 'store'>,
): Promise<GuestOutcome | undefined> {
  return readRecord(store, outcomeKey(run.prefix, guestId), outcomeShape)
}

/** The outcome of a guest of which nothing was archived. `guest` holds what is known of it. */
export function emptyOutcome(
  guest: Pick<Guest, 'id'> & Partial<Guest>,
  outcome: 'failed' | 'skipped',
  verdict: string,
  reason: string,
  seconds: number,
): GuestOutcome {
  return {
    id: guest.id,
    name: guest.name ?? '',
    ...(guest.kind === undefined ? {} : { kind: guest.kind }),
    ...(guest.node === undefined ? {} : { node: guest.node }),
    outcome,
    verdict,
    reason,
    artifacts: [],
    bytesSent: 0,
    seconds,
  }
}

import type { GuestOutcome } from '../contracts/report.ts'
import type { Guest, Run } from '../contracts/nouns.ts'
import { outcomeKey } from '../domain/object-keys.ts'
import { outcomeShape } from './books/shapes.ts'
import { readRecord, writeRecord } from './books/stored-json.ts'
import type { Ports } from './ports.ts'

/** Keep a guest's outcome in the run's folder, where Report run finds it. A later attempt replaces an earlier one. */
export async function recordOutcome(run: Run, outcome: GuestOutcome, { store }: Pick<Ports, 'store'>): Promise<void> {
  await writeRecord(store, outcomeKey(run.prefix, outcome.id), outcomeShape, outcome)
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

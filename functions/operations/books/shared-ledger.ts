import { StoreUnavailable } from '../../contracts/errors.ts'
import type { Shape } from '../../domain/books/stored-record.ts'
import { holdRecord, writeRecord } from './stored-json.ts'
import type { Ports } from '../ports.ts'

/** Each try that loses means that somebody else got its answer. */
const MAX_TRIES = 40

/**
 * Change an object that many executions share, by conditional writes. `decide` is asked anew for each try; with the very
 * ledger that it got as `next`, nothing is written. One that can't be read isn't empty: others' turns are in it.
 * @throws StoreUnavailable when others keep changing it; RecordTooNew, RecordUnreadable
 */
export async function changeLedger<Ledger, Result>(
  { key, shape, empty }: { key: string; shape: Shape<Ledger>; empty: () => Ledger },
  decide: (ledger: Ledger) => { next: Ledger; result: Result },
  { store, sleep }: Pick<Ports, 'store' | 'sleep'>,
): Promise<Result> {
  for (let tries = 0; tries < MAX_TRIES; tries++) {
    const found = await holdRecord(store, key, shape)
    const before = found?.value ?? empty()
    const { next, result } = decide(before)
    if (next === before) return result
    const onlyIf = found === undefined ? { absent: true as const } : { etag: found.etag }
    const written = await writeRecord(store, key, shape, next, { onlyIf, held: true })
    if (written !== undefined) return result
    // The winner of this try doesn't take part in the next. A caller that has lost often waits longer.
    await sleep(tries * 10)
  }
  throw new StoreUnavailable(`others keep changing s3://${store.bucket}/${key}; later again`)
}

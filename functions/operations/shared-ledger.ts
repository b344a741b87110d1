import type * as z from 'zod'
import { StoreUnavailable } from '../contracts/errors.ts'
import type { Ports } from './ports.ts'

/** Each try that loses means that somebody else got its answer. */
const MAX_TRIES = 40

/**
 * Change an object that many executions share, by conditional writes. `decide` is asked anew for each try; with the very
 * ledger that it got as `next`, nothing is written. A ledger that can't be read is as good as none: what is in it lapses.
 * @throws StoreUnavailable when others keep changing it
 */
export async function changeLedger<Ledger, Result>(
  { key, schema, empty }: { key: string; schema: z.ZodType<Ledger>; empty: () => Ledger },
  decide: (ledger: Ledger) => { next: Ledger; result: Result },
  { store, log, sleep }: Pick<Ports, 'store' | 'log' | 'sleep'>,
): Promise<Result> {
  for (let tries = 0; tries < MAX_TRIES; tries++) {
    const found = await store.readText(key)
    const ledger = parse(schema, found?.text)
    if (found !== undefined && ledger === undefined) log('ledger-unreadable', { key })
    const before = ledger ?? empty()
    const { next, result } = decide(before)
    if (next === before) return result
    const onlyIf = found === undefined ? { absent: true as const } : { etag: found.etag }
    const written = await store.writeText(key, JSON.stringify(next), { contentType: 'application/json', onlyIf })
    if (written !== undefined) return result
    // The winner of this try is gone with the next; those who lose often give way.
    await sleep(tries * 10)
  }
  throw new StoreUnavailable(`others keep changing s3://${store.bucket}/${key}; later again`)
}

function parse<Ledger>(schema: z.ZodType<Ledger>, text: string | undefined): Ledger | undefined {
  try {
    return text === undefined ? undefined : schema.safeParse(JSON.parse(text)).data
  } catch {
    return undefined
  }
}

import { StoreUnavailable } from '../contracts/errors.ts'
import { streamLedgerKey } from '../domain/object-keys.ts'
import {
  emptyLedger,
  release,
  reserve,
  type StreamAnswer,
  type StreamLedger,
  streamLedgerSchema,
  type StreamLimits,
  type StreamRequest,
} from '../domain/stream-ledger.ts'
import type { Ports } from './ports.ts'

type Needs = Pick<Ports, 'store' | 'keyPrefix' | 'now' | 'log'>

/** Each try that loses means that another transfer of the site got its answer. */
const MAX_TRIES = 20

/** Ask for a share of the site's line and of a node's connections, in place of what the execution held. */
export function reserveStreams(
  site: string,
  request: StreamRequest,
  limits: StreamLimits,
  ports: Needs,
): Promise<StreamAnswer> {
  return change(site, ports, (ledger) => {
    const { ledger: next, granted } = reserve(ledger, request, limits, ports.now())
    return { next, result: granted }
  })
}

/** Give back what an execution holds or waits for. Nothing is written when that is nothing. */
export async function releaseStreams(site: string, execution: string, ports: Needs): Promise<void> {
  await change(site, ports, (ledger) => {
    const next = release(ledger, execution)
    const same =
      next.reservations.length === ledger.reservations.length && next.waiters.length === ledger.waiters.length
    return { next: same ? undefined : next, result: undefined }
  })
}

async function change<Result>(
  site: string,
  { store, keyPrefix, log }: Needs,
  decide: (ledger: StreamLedger) => { next: StreamLedger | undefined; result: Result },
): Promise<Result> {
  const key = streamLedgerKey(keyPrefix, site)
  for (let tries = 0; tries < MAX_TRIES; tries++) {
    const found = await store.readText(key)
    const ledger = parse(found?.text)
    if (found !== undefined && ledger === undefined) log('stream-ledger-unreadable', { site, key })
    const { next, result } = decide(ledger ?? emptyLedger())
    if (next === undefined) return result
    const onlyIf = found === undefined ? { absent: true as const } : { etag: found.etag }
    if ((await store.writeText(key, JSON.stringify(next), { onlyIf })) !== undefined) return result
  }
  throw new StoreUnavailable(`other transfers of site ${site} keep changing s3://${store.bucket}/${key}; later again`)
}

/** A ledger that can't be read is as good as none: reservations are short-lived. */
function parse(text: string | undefined): StreamLedger | undefined {
  try {
    return text === undefined ? undefined : streamLedgerSchema.safeParse(JSON.parse(text)).data
  } catch {
    return undefined
  }
}

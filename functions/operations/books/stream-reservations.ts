import { streamLedgerKey } from '../../domain/books/object-keys.ts'
import {
  emptyLedger,
  release,
  reserve,
  type StreamAnswer,
  type StreamLedger,
  type StreamLimits,
  type StreamRequest,
} from '../../domain/transfer/stream-ledger.ts'
import { streamLedgerShape } from './shapes.ts'
import type { Ports } from '../ports.ts'
import { changeLedger } from './shared-ledger.ts'

type Needs = Pick<Ports, 'store' | 'keyPrefix' | 'now' | 'sleep' | 'log'>

/** Ask for a share of the site's line and of a node's connections, in place of what the execution held. */
export function reserveStreams(
  site: string,
  request: StreamRequest,
  limits: StreamLimits,
  ports: Needs,
): Promise<StreamAnswer> {
  const ask = (ledger: StreamLedger) => {
    const { ledger: next, granted } = reserve(ledger, request, limits, ports.now())
    return { next, result: granted }
  }
  return changeLedger(ledgerOf(site, ports), ask, ports)
}

/** Give back what an execution holds or waits for. Nothing is written when that is nothing. */
export async function releaseStreams(site: string, execution: string, ports: Needs): Promise<void> {
  const giveBack = (ledger: StreamLedger) => {
    const next = release(ledger, execution)
    const same =
      next.reservations.length === ledger.reservations.length && next.waiters.length === ledger.waiters.length
    return { next: same ? ledger : next, result: undefined }
  }
  await changeLedger(ledgerOf(site, ports), giveBack, ports)
}

function ledgerOf(site: string, { keyPrefix }: Needs) {
  return { key: streamLedgerKey(keyPrefix, site), shape: streamLedgerShape, empty: emptyLedger }
}

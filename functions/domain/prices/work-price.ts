import type { PriceItem, PriceTable, StorageClass } from '../../contracts/prices.ts'
import { functionDollars, priceItem, requestDollars, transitionDollars } from './prices.ts'
import { SMALL_CALL, type CountedWork } from './run-work.ts'

/**
 * Work as items: copying, other functions, transitions, requests. The two may differ where the course isn't known; each
 * item lies between them.
 */
export function workItems(
  [one, other]: readonly [CountedWork, CountedWork],
  { storageClass, memoryMiB }: { storageClass: StorageClass; memoryMiB: number },
  table: PriceTable,
): PriceItem[] {
  const between = (
    what: (shown: string) => string,
    count: (work: CountedWork) => number,
    dollars: (work: CountedWork) => number,
  ) => {
    const [least, most] = [count(one), count(other)].toSorted((a, b) => a - b).map(counted)
    return priceItem(what(least === most ? `${most}` : `${least} to ${most}`), dollars(one), dollars(other))
  }
  const copying = ({ copyCalls: calls, copySeconds: seconds }: CountedWork) =>
    functionDollars({ calls, seconds, memoryMiB }, table)
  const small = ({ smallCalls: calls }: CountedWork) =>
    functionDollars({ calls, seconds: calls * SMALL_CALL.seconds, memoryMiB: SMALL_CALL.memoryMiB }, table)
  return [
    between(
      (seconds) => `copy functions: ${seconds} s at ${memoryMiB} MiB`,
      ({ copySeconds }) => copySeconds,
      copying,
    ),
    between(
      (calls) => `other functions: ${calls} calls, estimated at 1 s and 1 GiB`,
      ({ smallCalls }) => smallCalls,
      small,
    ),
    between(
      (transitions) => `${transitions} state transitions`,
      ({ transitions }) => transitions,
      ({ transitions }) => transitionDollars(transitions, table),
    ),
    between(
      (requests) => `${requests} requests to write archives (${storageClass})`,
      ({ parts, puts }) => parts + puts,
      ({ parts, puts }) => requestDollars({ parts, puts }, storageClass, table),
    ),
    between(
      (requests) => `${requests} requests for the run's own books`,
      ({ bookkeeping: { puts, gets, lists } }) => puts + gets + lists,
      ({ bookkeeping }) => requestDollars(bookkeeping, 'STANDARD', table),
    ),
  ]
}

function counted(count: number): string {
  return Math.ceil(count).toLocaleString('en-US')
}

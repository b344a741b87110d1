import { styleText } from 'node:util'
import type { Priced } from '../../../functions/contracts/prices.ts'
import { formatBytes } from '../../../functions/domain/words/byte-size.ts'
import { formatDollarRange, formatDollars } from '../../../functions/domain/prices/prices.ts'
import type { Quote } from '../../../functions/domain/prices/quote.ts'
import type { ArchiveRestorePrice, RestorePrice } from '../../../functions/domain/prices/restore-price.ts'
import type { BucketBill } from '../../../functions/operations/foresight/bill-bucket.ts'
import type { ForeseenRetention } from '../../../functions/operations/foresight/foresee-retention.ts'
import { fittedColumns, plain, textColumns } from './columns.ts'
import { ownDay } from './own-time.ts'
import { terminalWidth } from './terminal.ts'

/** Guests and classes of a bill that are told one by one; `--json` has all. */
const MOST_LINES = 40

const [OWNER, CLASS] = [1, 2]
const [BEFORE, AFTER] = [2, 3]

/** Items with their sum, what isn't in it, and where the prices come from. */
export function pricedLines(title: string, price: Priced, details: boolean): string[] {
  return [
    styleText('bold', `${title}: ${formatDollarRange(price)}`),
    ...textColumns(price.items.map((item) => [`  ${formatDollarRange(item)}`, item.what])).flat(),
    ...footLines(price, details),
  ]
}

export function quoteLines(quote: Quote, details: boolean): string[] {
  const guests = `${quote.guests} ${quote.guests === 1 ? 'guest' : 'guests'}`
  const title = `Price of archiving ${guests} and keeping them ${quote.days} days in ${quote.storageClass}`
  return [...pricedLines(title, quote, details), ...(quote.mostBytes === 0 ? [] : restoreLines(quote.restore, quote))]
}

/** Short, for the end of a report; the items are in the report itself. */
export function receiptLines(receipt: Priced, details: boolean): string[] {
  const about = `not in it: ${receipt.leavesOut.join('; ')}; prices: ${receipt.prices}`
  const line = `Price of the run on AWS: ${formatDollarRange(receipt)}`
  return details ? [line, styleText('dim', `    ${plain(about)}`)] : [line]
}

export function billLines(bill: BucketBill, details: boolean): string[] {
  const shown = bill.lines.slice(0, MOST_LINES)
  const rest = bill.lines.length - shown.length
  return [
    styleText('bold', `${bill.objects} objects, ${formatBytes(bill.sizeBytes)}: ${formatDollarRange(bill)} a month`),
    ...fittedColumns(
      shown.map(({ owner, storageClass, objects, sizeBytes, dollarsPerMonth }) => [
        `  ${formatDollars(dollarsPerMonth)}`,
        plain(owner),
        storageClass,
        `${objects} ${objects === 1 ? 'object' : 'objects'}`,
        formatBytes(sizeBytes),
      ]),
      OWNER,
      terminalWidth(),
      [CLASS],
    ),
    ...(rest > 0 ? [styleText('dim', `  and ${rest} more; --json has them all`)] : []),
    ...bill.restore.flatMap(({ storageClass, sizeBytes, ways }) =>
      restoreLines(ways, { leastBytes: sizeBytes, mostBytes: sizeBytes }, ` of ${storageClass}`),
    ),
    ...footLines(bill, details),
  ]
}

/** What a retention would do to a bill of so many dollars a month. */
export function foreseenRetentionLines(foreseen: ForeseenRetention, billPerMonth: number): string[] {
  const { site, guests, troubled, savedPerMonth, beforePerMonth, afterPerMonth, earlyDeletionDollars } = foreseen
  const shown = guests.filter(({ going, locked, warnings }) => going + locked + warnings.length > 0)
  const rest = shown.length - MOST_LINES
  const all = Math.max(0, billPerMonth - savedPerMonth)
  return [
    styleText(
      'bold',
      `With this retention, site ${plain(site)}: ${formatDollars(beforePerMonth)} a month now, ${formatDollars(afterPerMonth)} after it, ` +
        `${saved(savedPerMonth)} saved; the whole bucket ${formatDollars(all)}`,
    ),
    ...textColumns(
      shown
        .slice(0, MOST_LINES)
        .map(({ owner, archives, going, locked, lockedUntil, effect }) => [
          `  ${plain(owner)}`,
          `${going} of ${archives} archives go`,
          `${formatDollars(effect.beforePerMonth)} now`,
          `${formatDollars(effect.afterPerMonth)} after`,
          `${saved(effect.savedPerMonth)} saved`,
          locked === 0
            ? ''
            : `${locked} locked and stay${lockedUntil === undefined ? '' : ` until ${ownDay(lockedUntil)}`}`,
        ]),
      { spare: [BEFORE, AFTER] },
    ).flat(),
    ...(rest > 0 ? [styleText('dim', `  and ${rest} more; --json has them all`)] : []),
    ...(earlyDeletionDollars > 0
      ? [`  ${formatDollars(earlyDeletionDollars)} billed early for minimum durations, whether they go now or wait`]
      : []),
    ...shown
      .slice(0, MOST_LINES)
      .flatMap(({ owner, warnings }) =>
        warnings.map((warning) => `  ${styleText('yellow', 'warning:')} ${plain(`${owner}: ${warning}`)}`),
      ),
    ...troubled.slice(0, MOST_LINES).map(({ owner, trouble }) => `  ${plain(`${owner}: ${trouble}`)}`),
    ...foreseen.leavesOut.map((what) => styleText('dim', `  not in it: ${plain(what)}`)),
  ]
}

function saved(dollars: number): string {
  return dollars === 0 ? 'nothing' : formatDollars(dollars)
}

/** What restoring one archive costs, with what isn't in it. */
export function archiveRestoreLines(
  { sizeBytes, storageClass, ways, unpriced }: ArchiveRestorePrice,
  details: boolean,
): string[] {
  const [first] = ways
  return [
    ...(unpriced === undefined ? [] : [plain(unpriced)]),
    ...restoreLines(ways, { leastBytes: sizeBytes, mostBytes: sizeBytes }, ` of ${plain(storageClass)}`),
    ...(first === undefined
      ? []
      : footLines({ ...first, leavesOut: [...first.leavesOut, 'log, notes and manifest'] }, details)),
  ]
}

function restoreLines(
  ways: readonly RestorePrice[],
  { leastBytes, mostBytes }: Pick<Quote, 'leastBytes' | 'mostBytes'>,
  ofWhat = '',
): string[] {
  const size = `${leastBytes < mostBytes ? 'up to ' : ''}${formatBytes(mostBytes)}`
  return ways.map(
    (way) =>
      `Restoring ${size}${ofWhat} once to ${way.destination}: ${formatDollarRange(way)}` +
      (way.tier === 'immediate' ? '' : `, readable after ${way.takes} (${way.tier})`),
  )
}

/** What a price leaves out, for who asks; else only that it leaves something out. */
function footLines({ leavesOut, prices }: Priced, details: boolean): string[] {
  if (!details) return [styleText('dim', '  list prices; --details shows what is not in them')]
  return [
    ...leavesOut.map((what) => styleText('dim', `  not in it: ${plain(what)}`)),
    styleText('dim', `  prices: ${plain(prices)}`),
  ]
}

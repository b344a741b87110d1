/**
 * The prices and worked examples that were gathered for this project, read from where they stand, against what quote,
 * receipt, bill and restore make of the same amounts. The examples count a GB as 10^9 bytes where AWS bills 2^30:
 * amounts here are of 1,000 GiB where storage and transfer are billed, and of 10^12 bytes where time and parts are.
 */
import { existsSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import type { Priced, StorageClass } from '../../../../functions/contracts/prices.ts'
import { noCopyWork } from '../../../../functions/domain/transfer/copy-work.ts'
import { listPrices } from '../../../../functions/domain/prices/list-prices.ts'
import { BillCounter } from '../../../../functions/domain/prices/monthly-bill.ts'
import { requestDollars, transitionDollars } from '../../../../functions/domain/prices/prices.ts'
import { quoteRun, type QuoteTerms } from '../../../../functions/domain/prices/quote.ts'
import { receipt } from '../../../../functions/domain/prices/receipt.ts'
import { restorePrices } from '../../../../functions/domain/prices/restore-price.ts'

const file = new URL('../../../../shared/facts/aws.md', import.meta.url)
const absent = !existsSync(file)
const facts = absent ? '' : readFileSync(file, 'utf8')
const [, section = ''] = facts.split(/^## 7\. .*$/m)

const GIB = 2 ** 30
const TB = 1e12

/** The numbers that a pattern captures in the section: `1,769` as 1769, `0.52.` at the end of a sentence as 0.52. */
function figures(pattern: RegExp, text = section): number[] {
  const found = pattern.exec(text)
  if (found === null) throw new Error(`${pattern} is nowhere in section 7`)
  return found.slice(1).map((figure) => Number(figure.replaceAll(/,|\.$/g, '')))
}

/** Rounded as the example is told. */
function told(dollars: number, digits: number): number {
  return Number(dollars.toFixed(digits))
}

function dollarsOf({ items }: Priced, what: RegExp): number {
  return items.find((item) => what.test(item.what))?.mostDollars ?? Number.NaN
}

/** 1 TB whose copying was counted: so many MB/s a function, over parts of 128 MiB. */
function counted(megabytesPerSecond: number, memoryMiB: number, table = listPrices): Priced {
  const copySeconds = TB / (megabytesPerSecond * 1e6)
  const partsSent = Math.ceil(TB / (128 * 2 ** 20))
  const copying = { plans: 30, rounds: 29, copyCalls: Math.ceil(copySeconds / 600), copySeconds, partsSent, memoryMiB }
  const work = { ...noCopyWork, ...copying, backupCalls: 53, retention: false }
  const artifacts = [{ key: 'k', sizeBytes: TB, checksum: 'CRC32:AAAAAA==' }]
  return receipt([{ outcome: 'succeeded', bytesSent: TB, seconds: 4 * 3600, artifacts, work }], table)
}

describe.skipIf(absent)('the gathered prices (skipped without ../shared/facts/aws.md)', () => {
  const { storage, lambda } = listPrices
  const classes: [RegExp, StorageClass[]][] = [
    [
      /Standard ([\d.]+) \(50 TB\), INT-FA ([\d.]+), IA ([\d.]+), 1Z-IA ([\d.]+), GIR ([\d.]+), GLACIER ([\d.]+), DEEP ([\d.]+)/,
      ['STANDARD', 'INTELLIGENT_TIERING', 'STANDARD_IA', 'ONEZONE_IA', 'GLACIER_IR', 'GLACIER', 'DEEP_ARCHIVE'],
    ],
    [
      /PUT\/1,000 \| Std ([\d.]+), IA ([\d.]+), GIR ([\d.]+), GLACIER ([\d.]+) direct\*, DEEP ([\d.]+)/,
      ['STANDARD', 'STANDARD_IA', 'GLACIER_IR', 'GLACIER', 'DEEP_ARCHIVE'],
    ],
    [/GET\/1,000 \| Std ([\d.]+), IA ([\d.]+), GIR ([\d.]+)/, ['STANDARD', 'STANDARD_IA', 'GLACIER_IR']],
  ]
  const fields = ['dollarsPerGiBMonth', 'dollarsPer1000Puts', 'dollarsPer1000Gets'] as const

  it.each(classes.map(([pattern, names], index) => [fields[index] ?? 'dollarsPerGiBMonth', pattern, names] as const))(
    'are the table’s %s',
    (field, pattern, names) => {
      expect(names.map((name) => storage[name][field])).toEqual(figures(pattern))
    },
  )

  it('are the table’s retrieval, class by class and way by way', () => {
    const [ia, gir, standard, expedited, bulk, deepStandard, deepBulk] = figures(
      /IA ([\d.]+), GIR ([\d.]+), GLACIER std ([\d.]+) \/ expedited ([\d.]+) \/ bulk ([\d.]+), DEEP std ([\d.]+) \/ bulk ([\d.]+)/,
    )
    const way = (name: StorageClass, tier: string) =>
      storage[name].retrieval.find((retrieval) => retrieval.tier === tier)?.dollarsPerGiB
    expect([way('STANDARD_IA', 'immediate'), way('GLACIER_IR', 'immediate')]).toEqual([ia, gir])
    expect(['standard', 'expedited', 'bulk'].map((tier) => way('GLACIER', tier))).toEqual([standard, expedited, bulk])
    expect(['standard', 'bulk'].map((tier) => way('DEEP_ARCHIVE', tier))).toEqual([deepStandard, deepBulk])
  })

  it('are the table’s functions, transitions, monitoring and transfer', () => {
    expect([lambda.dollarsPerGiBSecond, lambda.dollarsPerMillionRequests]).toEqual(
      figures(/\$([\d.]+) \/ \$[\d.]+ per GB-s .*\$([\d.]+)\/M req/),
    )
    expect([listPrices.dollarsPer1000Transitions]).toEqual(figures(/\$([\d.]+)\/1,000 transitions/))
    expect([storage.INTELLIGENT_TIERING.dollarsPer1000ObjectMonths]).toEqual(figures(/\$([\d.]+)\/1,000 objects-mo/))
    expect([listPrices.transferOut.internet[0]?.dollarsPerGiB]).toEqual(figures(/out \$([\d.]+)\/GB first 10 TB/))
    expect([listPrices.transferOut['direct-connect'][0]?.dollarsPerGiB]).toEqual(figures(/DX out ~\$([\d.]+)\/GB/))
  })
})

describe.skipIf(absent)('the worked examples (skipped without ../shared/facts/aws.md)', () => {
  const usual: QuoteTerms = { storageClass: 'STANDARD', days: 365 / 12, memoryMiB: 1769, streams: 4 }
  const quote = (sizeBytes: number, terms: Partial<QuoteTerms> = {}) =>
    quoteRun([{ id: '100', expected: { sizeBytes, from: 'archive-in-bucket' } }], { ...usual, ...terms }, listPrices)

  it('of moving 1 TB: time and money of the functions, on arm64 and on x86', () => {
    const [hours, seconds, small, smallX86, memory, usualSize, usualX86, fast, large, dear] = figures(
      /70 MB\/s @1,024 MB → ([\d.]+) h function time, ([\d,]+) GB-s, \*\*\$([\d.]+)\*\* \(x86 \$([\d.]+)\); @([\d,]+) MB → \*\*\$([\d.]+)\*\* \(\$([\d.]+)\); (\d+) MB\/s @([\d,]+) MB \$([\d.]+)/,
    )
    const copying = /^copy functions/
    const [perSecond = Number.NaN] = figures(/\$[\d.]+ \/ \$([\d.]+) per GB-s/)
    const x86 = { ...listPrices, lambda: { ...listPrices.lambda, dollarsPerGiBSecond: perSecond } }
    expect(told(TB / 70e6 / 3600, 2)).toBe(hours)
    expect(Math.round(TB / 70e6)).toBe(seconds)
    expect(told(dollarsOf(counted(70, 1024), copying), 2)).toBe(small)
    expect(told(dollarsOf(counted(70, 1024, x86), copying), 2)).toBe(smallX86)
    expect(told(dollarsOf(counted(70, memory ?? 0), copying), 2)).toBe(usualSize)
    expect(told(dollarsOf(counted(70, memory ?? 0, x86), copying), 2)).toBe(usualX86)
    expect(told(dollarsOf(counted(fast ?? 0, large ?? 0), copying), 2)).toBe(dear)
  })

  it('of its parts, class by class', () => {
    const [parts, standard, ia, gir] = figures(
      /128 MiB parts ([\d,]+) PUT = \$([\d.]+) Std, \$([\d.]+) IA, \$([\d.]+) GIR/,
    )
    const partsOf = (name: StorageClass) => told(requestDollars({ parts: parts ?? 0 }, name, listPrices), 3)
    expect(Math.ceil(TB / (128 * 2 ** 20))).toBe(parts)
    expect([partsOf('STANDARD'), partsOf('STANDARD_IA'), partsOf('GLACIER_IR')]).toEqual([standard, ia, gir])
    // With the opening, the completion, log, notes and manifest.
    expect(told(dollarsOf(counted(70, 1769), /^7,456 requests to write archives/), 3)).toBe(standard)
  })

  it('of polling and map, and of a dump of four hours', () => {
    const [dollars] = figures(/Polling\+map ≈ \$([\d.]+)/)
    expect(told(dollarsOf(counted(70, 1769), /state transitions$/), 2)).toBe(dollars)
    const [polls = 0, polling] = figures(/= (\d+) polls = \*\*\$([\d.]+)\*\*/, facts)
    expect(told(transitionDollars(polls * 3, listPrices), 4)).toBe(polling)
  })

  it('of the whole transfer: what a quote has at best and a receipt in all', () => {
    const [dollars] = figures(/transfer ≈ \$([\d.]+)\/TB/)
    expect(told(counted(70, 1769).mostDollars, 1)).toBe(dollars)
    const best = quote(TB)
    const kept = best.items.at(-1)?.leastDollars ?? Number.NaN
    expect(told(best.leastDollars - kept, 1)).toBe(dollars)
  })

  it('of a slow line, whose functions wait, and of less memory for them', () => {
    const [rate, memory, dollars, less, cheaper] = figures(
      /at (\d+) MB\/s \(100 Mbit\) ([\d,]+) MB costs \$([\d.]+)\/TB → use (\d+) MB when link-bound \(\$([\d.]+)\)/,
    )
    const copying = (memoryMiB: number) => dollarsOf(quote(TB, { memoryMiB }), /^copy functions/)
    expect(rate).toBe(12)
    expect(told(copying(memory ?? 0), 1)).toBe(dollars)
    expect(told(copying(less ?? 0), 2)).toBe(cheaper)
  })

  it('of keeping it a month, in quote and bill', () => {
    const [standard, gir, deep] = figures(/\(\$([\d.]+) Std \/ \$([\d.]+) GIR \/ \$([\d.]+) DA per TB-month\)/)
    const billed = (storageClass: StorageClass) => {
      const counter = new BillCounter(listPrices)
      counter.add({ owner: 'hq/vm-100', storageClass, sizeBytes: 1000 * GIB })
      return told(counter.bill([]).mostDollars, 2)
    }
    expect([billed('STANDARD'), billed('GLACIER_IR'), billed('DEEP_ARCHIVE')]).toEqual([standard, gir, deep])
    expect(told(dollarsOf(quote(1000 * GIB), /in STANDARD for/), 2)).toBe(standard)
    // A class's least days are part of the formula, so a month of these two is billed as three and six.
    const least = (storageClass: StorageClass, days: number) =>
      told(dollarsOf(quote(1000 * GIB, { storageClass, days }), /for .* days/), 2)
    expect(least('GLACIER_IR', 1)).toBe(told(((gir ?? 0) * 90 * 24) / 730, 2))
    expect(least('DEEP_ARCHIVE', 1)).toBe(told(((deep ?? 0) * 180 * 24) / 730, 2))
  })

  it('of restoring it over the internet', () => {
    const [dollars] = figures(/restore of 1 TB over internet\/VPN ≈ \$(\d+)/)
    const archived = { sizeBytes: 1000 * GIB, objects: 1, storageClass: 'STANDARD' } as const
    expect(Math.round(restorePrices(archived, 'internet', listPrices)[0]?.mostDollars ?? 0)).toBe(dollars)
  })

  it('of a NAT gateway are in no figure, and quote and receipt say so', () => {
    expect(section).toMatch(/NAT would add \$45\/TB/)
    expect(quote(TB).leavesOut.join()).toMatch(/NAT/)
    expect(counted(70, 1769).leavesOut.join()).toMatch(/NAT/)
  })
})

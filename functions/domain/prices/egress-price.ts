/** What a platform bills for the bytes that leave it, where it bills them. Pure. */
import type { PriceItem } from '../../contracts/prices.ts'
import { formatBytes } from '../words/byte-size.ts'
import type { ExpectedReading } from './expected-reading.ts'
import { priceItem } from './prices.ts'

/** As providers bill it. */
const GB = 1e9

/** What leaves a platform with the backup of one guest. Nothing is compressed before it has left. */
export interface Egress extends ExpectedReading {
  /** As people call the platform. */
  platform: string
  dollarsPerGB: number
  /** When that price was noted. */
  asOf: string
}

export function egressItems(all: readonly Egress[]): PriceItem[] {
  const [first] = all
  if (first === undefined) return []
  const { platform, asOf } = first
  const bytes = (of: (one: Egress) => number) => all.reduce((sum, one) => sum + of(one), 0)
  const dollars = (of: (one: Egress) => number) => all.reduce((sum, one) => sum + (of(one) / GB) * one.dollarsPerGB, 0)
  const [least, most] = [({ leastBytes }: Egress) => leastBytes, ({ mostBytes }: Egress) => mostBytes]
  const range = bytes(least) === bytes(most) ? '' : `${formatBytes(bytes(least))} to `
  const what = `${range}${formatBytes(bytes(most))} that leave ${platform}, by its list price of ${asOf}`
  return [priceItem(what, dollars(least), dollars(most))]
}

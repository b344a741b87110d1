import type { VersionStore } from '../aws/version-store.ts'
import type { PriceTable } from '../contracts/prices.ts'
import type { Ports } from './ports.ts'

/** What retention reaches outside itself: beside the usual ports, the right to remove versions for good. */
export interface RetentionPorts extends Pick<Ports, 'store' | 'keyPrefix' | 'now' | 'remainingMilliseconds' | 'log'> {
  versions: VersionStore
  prices: PriceTable
}

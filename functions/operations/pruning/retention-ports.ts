import type { VersionStore } from '../../aws/version-store.ts'
import type { PriceTable } from '../../contracts/prices.ts'
import type { LocalProcess } from '../../contracts/process-identity.ts'
import type { Transition } from '../../contracts/transitions.ts'
import type { Ports } from '../ports.ts'

/** What retention reaches outside itself: beside the usual ports, the right to remove versions for good. */
export interface RetentionPorts extends Pick<Ports, 'store' | 'keyPrefix' | 'now' | 'remainingMilliseconds' | 'log'> {
  versions: VersionStore
  prices: PriceTable
  /** When the bucket's own rules move archives; absent where nobody knows. */
  transitions?: readonly Transition[]
  /**
   * Of a pruning that runs in a process of its own on one machine: which it is, and whether another is surely dead. Absent
   * in functions, which may outlive the process whose run they belong to.
   */
  ownProcess?: { identity: LocalProcess; isGone: (process: LocalProcess) => boolean }
}

import type { ClockOffset } from '../../contracts/evidence.ts'
import type { GuestliftError } from '../../contracts/errors.ts'

/** What one address of a site did when it was asked without a login. */
export interface EndpointReport {
  /** A connection came about, whoever is at its end. */
  connected: boolean
  /** Why it can't be used. */
  problem?: GuestliftError
  /** Of what answered, where its answer shows a time. */
  clock?: ClockOffset
}

/** A platform whose site has addresses that are asked one after the other until one answers. */
export interface Endpoints {
  readonly addresses: readonly string[]
  /** Ask one of them something that needs no login. No credential is sent. Throws nothing. */
  probe(address: string): Promise<EndpointReport>
}

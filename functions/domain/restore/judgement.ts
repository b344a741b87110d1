/** What is asked and answered about one key of a restored configuration. */
import type { GuestKind } from '../../contracts/nouns.ts'

/** How the guest was restored: what it may differ in follows from that. */
export interface RestoredHow {
  kind: GuestKind
  /** With hardware addresses and a uuid of its own. */
  unique?: boolean
  /** The name that it was given. */
  name?: string
  /** Bridge in the archive → bridge now. */
  bridges?: Readonly<Record<string, string>>
  /** Its interfaces were unplugged. */
  disconnected?: boolean
}

/** `undefined`: the same. */
export type Judgement = { expected: string } | { difference: string } | undefined

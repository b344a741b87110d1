import type { GuestliftError } from '../../contracts/errors.ts'
import type { Guest } from '../../contracts/nouns.ts'

/** A lock that nobody takes off any more, and how to. */
export interface LeftLock {
  lock: string
  /** A sentence with the command. */
  advice: string
}

/** A platform whose operations lock a guest for each other. */
export interface GuestLocks {
  /**
   * Why the lock that `findGuests` or `listGuests` saw on a guest keeps it from being backed up now, with what to do: an
   * error to throw or to quote, whose group says whether to wait, to skip or to fail. `undefined` without a lock.
   */
  refusal(guest: Guest & { lock?: string }): GuestliftError | undefined

  /** Wait until no backup holds the guest any more. The lock that stays after `timeoutSeconds`, or `undefined`. */
  awaitFreed(guest: Guest, timeoutSeconds: number): Promise<LeftLock | undefined>
}

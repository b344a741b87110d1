/** How a store lets someone else read one range of an object: what is signed, and what the store's answer to it means. */
import type { GuestliftError } from './errors.ts'
import type { PutAnswer } from './signed-put.ts'

/**
 * What an answer means. `again`: the range may be given when it is asked for once more, with a new URL. `slowDown`: the
 * store asked for fewer requests.
 */
export type GetVerdict = { given: true } | { given: false; again: boolean; slowDown: boolean; error: GuestliftError }

/** A GET that is allowed beforehand. The headers are part of the signature and have to be sent as they are. */
export interface SignedGet {
  /** Anyone who has it can read the range: never logged. */
  url: string
  headers: Readonly<Record<string, string>>
  /** The body of an answer that gives the range isn't part of what is judged. */
  judge(answer: PutAnswer): GetVerdict
}

/** How a store lets someone else send one part: what is signed, and what the store's answer to it means. */
import type { GuestliftError } from './errors.ts'

/** Sums over one range of a source, taken where it lies: unsigned CRC-32, and MD5 as base64 of its 16 bytes. */
export interface RangeSums {
  crc32: number
  md5: string
}

/** The store's answer as the sender passed it on. Header names in lower case; only the start of the body. */
export interface PutAnswer {
  status: number
  headers: Readonly<Record<string, string>>
  body: string
}

/**
 * What an answer means. `again`: the same bytes may be taken when they are sent once more, to a new URL. `damaged`: the
 * bytes that arrived weren't those that were summed. `slowDown`: the store asked for fewer requests.
 */
export type PutVerdict =
  | { stored: true }
  | { stored: false; again: boolean; damaged: boolean; slowDown: boolean; error: GuestliftError }

/** A PUT that is allowed beforehand. The headers are part of the signature and have to be sent as they are. */
export interface SignedPut {
  /** Anyone who has it can send the part: never logged. */
  url: string
  headers: Readonly<Record<string, string>>
  judge(answer: PutAnswer): PutVerdict
}

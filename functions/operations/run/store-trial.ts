/** What one test of a store leaves, and what it writes. */
import { crc32 } from 'node:zlib'
import type { StoreStep } from '../../domain/doctor/store-steps.ts'

/** How far the last try got. `failed`: what of it the store didn't do. */
export interface StoreTrial {
  done: Set<StoreStep>
  failed?: StoreStep
}

/** What has been made by now and isn't gone yet. */
export interface Leftovers {
  uploads: { key: string; uploadId: string }[]
  keys: Set<string>
}

export const texts = {
  first: 'Guestlift tests this store and removes this object.',
  second: 'Guestlift tests this store, and has replaced this.',
  never: 'This must not be written: its condition is not met.',
} as const

/** What a try leaves to others: its leftovers to who cleans up, and its trial to who asked. */
export interface Keeping {
  left: Leftovers
  trial: StoreTrial
}

/** The CRC-32 of a text of the test. */
export const sumOf = (text: string): number => crc32(Buffer.from(text))

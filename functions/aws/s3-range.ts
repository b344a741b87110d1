import type { ByteRange } from './archive-store.ts'

/** A range of one object, the one with the ETag. */
export interface RangeToRead extends ByteRange {
  bucket: string
  key: string
}

/** What could be read, or a sentence on why not. */
export type Known<Value> = { value: Value } | { unknown: string }

/** What a bucket is set to, as far as the caller may know. No run needs to. */
export interface BucketSettings {
  versioning: Known<'on' | 'suspended' | 'off'>
  lock: Known<'off' | { mode: string; days?: number }>
  /** Absent where the store has none. */
  region?: Known<string>
}

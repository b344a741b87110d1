/** What could be read, or a sentence on why not. */
export type Known<Value> = { value: Value } | { unknown: string }

/** One rule of a bucket's lifecycle that is switched on, as far as archives go. */
export interface LifecycleRule {
  id: string
  /** Of the keys that it is for; empty for all. */
  prefix: string
  /** Limited by tags or sizes as well. */
  isLimited: boolean
  abandonedUploadDays?: number
  /** It removes objects that are current. */
  removes: boolean
}

/** What is known of a bucket that its owner keeps. */
export interface OwnerSettings {
  rules: Known<readonly LifecycleRule[]>
  /** As S3 has it; `none` where nothing is set. */
  ownership: Known<string>
  /** The policy as JSON; absent where there is none. */
  policy: Known<string | undefined>
}

/** What a bucket is set to, as far as the caller may know. No run needs to. */
export interface BucketSettings {
  versioning: Known<'on' | 'suspended' | 'off'>
  lock: Known<'off' | { mode: string; days?: number }>
  /** Absent where the store has none. */
  region?: Known<string>
  /** Of a bucket that somebody else keeps. */
  owner?: OwnerSettings
}

/** What is said about bringing a guest back: before it is made, and about what was made. */
import * as z from 'zod'

/** Facts about a target; the names are for programs, the messages for people. */
export const RESTORE_FINDINGS = [
  'id-in-use',
  'guest-hidden',
  'guest-of-other-kind',
  'guest-elsewhere',
  'guest-running',
  'guest-protected',
  'guest-locked',
  'node-unknown',
  'node-offline',
  'storage-not-shown',
  'storage-unusable',
  'storage-content',
  'no-space',
  'space-tight',
  'bridge-missing',
  'bind-mount',
  'host-device',
  'custom-options',
  'privileged-container',
  'privilege-missing',
  'platform-older',
  'version-unknown',
  'cluster-changed',
  'cluster-unknown',
  'archive-unfit',
  'configuration-unknown',
  'disk-left-out',
  'archive-frozen',
  'delivery-unfit',
  'command-unknown',
  'import-unfit',
  'option-unfit',
  'place-unfit',
  'key-unfit',
  'licence-lost',
] as const

/**
 * One fact about a restore's target. A `refusal` means that the restore would fail, or would harm something; a `warning`
 * is good to know and keeps nobody from it. The message says what, where and what to do.
 */
export const restoreFindingSchema = z.object({
  name: z.enum(RESTORE_FINDINGS),
  level: z.enum(['refusal', 'warning']),
  message: z.string().min(1),
})
export type RestoreFinding = z.infer<typeof restoreFindingSchema>

/** One key of a configuration that isn't as the archive has it. Absent: the key isn't there. */
export const configurationChangeSchema = z.object({
  key: z.string().min(1),
  archived: z.string().optional(),
  made: z.string().optional(),
  /** A sentence. */
  why: z.string().min(1),
})
export type ConfigurationChange = z.infer<typeof configurationChangeSchema>

/** How a restored guest's configuration compares with the archived one. No `differences`: as it was, but for `expected`. */
export const configurationComparisonSchema = z.object({
  expected: z.array(configurationChangeSchema),
  differences: z.array(configurationChangeSchema),
})
export type ConfigurationComparison = z.infer<typeof configurationComparisonSchema>

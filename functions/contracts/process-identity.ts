import * as z from 'zod'

/**
 * The process of a run on one machine, told apart from every other that has or had its number. Who compares it with what
 * runs can tell whether it is dead; who sees any difference in host, boot or namespace can't.
 */
export const localProcessSchema = z.strictObject({
  host: z.string().min(1),
  /** Linux: `/proc/sys/kernel/random/boot_id`. */
  bootId: z.string().min(1),
  /** Linux: the link `/proc/self/ns/pid`. Containers of one host share its boot and number their processes anew. */
  pidNamespace: z.string().min(1),
  pid: z.int().positive(),
  /** Linux: field 22 of `/proc/<pid>/stat`, clock ticks since the boot. */
  startTicks: z.int().nonnegative(),
})
export type LocalProcess = z.output<typeof localProcessSchema>

/** What a runner on one machine lays into the environment of its functions, as JSON. AWS never sets it. */
export const localEnv = z.object({
  /** Folder for the lock files of the store, where that isn't AWS. */
  STORE_LOCKS: z.string().min(1).optional(),
  LOCAL_PROCESS: z
    .string()
    .transform((text, context): unknown => {
      try {
        return JSON.parse(text)
      } catch {
        context.addIssue('is not JSON')
        return z.NEVER
      }
    })
    .pipe(localProcessSchema)
    .optional(),
})

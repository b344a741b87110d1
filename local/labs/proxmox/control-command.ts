/** What anybody may ask of a running lab from outside: one JSON object, one or more of these verbs in it. */
import * as z from 'zod'
import { SHORTCOMINGS } from './world.ts'

/** Seconds since 1970 that a job's name holds: eight hexadecimal digits. */
const LAST_SECOND = 0xff_ff_ff_ff

const idSchema = z
  .int('an id is a whole number')
  .min(100, 'ids begin at 100')
  .max(999_999_999, 'an id has 9 digits at most')
const nameSchema = z
  .string()
  .regex(/^[A-Za-z0-9]([A-Za-z0-9.-]{0,61}[A-Za-z0-9])?$/, 'a name has 1 to 63 letters, digits, dots and inner hyphens')
const secondsSchema = z.number().min(0, 'a wait is 0 seconds or more').max(86_400, 'a wait is a day at most')

const nextAnswerSchema = z
  .strictObject({
    method: z.enum(['GET', 'POST', 'PUT', 'DELETE']),
    /** End of the path, as `/vzdump`. */
    path: z.string().startsWith('/', 'the end of a path starts with /'),
    fate: z.enum(['lost', 'dropped', 'slow']),
    seconds: secondsSchema.optional(),
  })
  .refine(({ fate, seconds }) => (fate === 'slow') === (seconds !== undefined), {
    error: 'fate "slow" needs "seconds", and no other fate takes them',
  })

export const controlCommandSchema = z
  .strictObject({
    /** The site's clock less this machine's. */
    clockOffsetSeconds: z.int('the offset is whole seconds').optional(),
    addGuest: z
      .strictObject({
        id: idSchema,
        kind: z.enum(['vm', 'container']),
        name: nameSchema,
        node: z.string().min(1).optional(),
        status: z.enum(['running', 'stopped']).optional(),
        /** Data to back up; for a VM rounded up to 64 KiB. */
        sizeBytes: z.int().positive().optional(),
      })
      .optional(),
    /** The guest is removed and its id given again to a new one of the same kind. */
    recreateGuest: z.strictObject({ id: idSchema, name: nameSchema.optional() }).optional(),
    renameGuest: z.strictObject({ id: idSchema, name: nameSchema }).optional(),
    removeGuest: idSchema.optional(),
    /** Exactly these from now on; `[]` for backups without a fault. */
    shortcomings: z.strictObject({ id: idSchema, of: z.array(z.enum(SHORTCOMINGS)) }).optional(),
    /** `null` frees it. */
    lockGuest: z.strictObject({ id: idSchema, lock: z.string().min(1).nullable() }).optional(),
    storage: z
      .strictObject({
        name: z.string().min(1),
        freeBytes: z.int().min(0, 'free space is 0 bytes or more').optional(),
        enabled: z.boolean().optional(),
        type: z.string().min(1).optional(),
      })
      .refine(({ freeBytes, enabled, type }) => [freeBytes, enabled, type].some((given) => given !== undefined), {
        error: 'give at least one of freeBytes, enabled and type',
      })
      .optional(),
    nextAnswer: nextAnswerSchema.optional(),
    /** Another cluster behind the same address, which keeps the certificate that it shows. */
    clusterId: z
      .string()
      .min(1, 'a cluster id is no empty text')
      .max(64, 'a cluster id has 64 letters at most')
      .optional(),
    /** `cluster`: the certificate that the cluster's own authority gave its node; `first`: the one from the start. */
    certificate: z.enum(['cluster', 'first']).optional(),
    renameNode: z.strictObject({ from: z.string().min(1), to: nameSchema }).optional(),
    /** Ids of all guests that no account but root@pam sees from now on; `[]` shows all again. */
    hidden: z.array(idSchema).optional(),
  })
  .refine((command) => Object.values(command).some((given) => given !== undefined), { error: 'there is no verb in it' })

export type ControlCommand = z.infer<typeof controlCommandSchema>

/** The site's clock has to stay where the platform's own names of times can hold it. */
export function clockComplaint(nowMs: number, offsetSeconds: number): string | undefined {
  const seconds = nowMs / 1000 + offsetSeconds
  return seconds < 0 || seconds > LAST_SECOND
    ? `clockOffsetSeconds: ${offsetSeconds} would move the clock before 1970 or past 2106`
    : undefined
}

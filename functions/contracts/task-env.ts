/** What tasks read from their environment. */
import * as z from 'zod'
import { siteNameSchema } from './nouns.ts'
import { lockModeSchema, type LockOrder } from './object-lock.ts'

/** Environment variables by need. `KEY_PREFIX` ends with `/` or is empty. */
export const storeEnv = z.object({
  ARCHIVE_BUCKET: z.string().min(1),
  KEY_PREFIX: z
    .string()
    .regex(/^$|\/$/)
    .default(''),
  /** The account that has to own the bucket, 12 digits: S3 refuses each request where another one does. */
  BUCKET_OWNER: z
    .string()
    .regex(/^\d{12}$/)
    .optional(),
  /** Sent with each object that is made. */
  OBJECT_ACL: z.literal('bucket-owner-full-control').optional(),
})
/** Of tasks that price what they remove: `bucket.transitions` of the deployment, as JSON. */
export const retentionEnv = storeEnv.extend({ TRANSITIONS: z.string().optional() })

export type StoreEnv = z.output<typeof storeEnv>
/** A site's secret is named `<SITE_SECRET_PREFIX><site>`. `DEFAULT_SITE` serves jobs of the older shape, which name none. */
export const siteEnv = z.object({ SITE_SECRET_PREFIX: z.string().min(1), DEFAULT_SITE: siteNameSchema.optional() })

/** The lock that the deployment demands of each archive, as `compliance:30`: mode and days. Absent or empty: none. */
export const lockEnv = z.object({
  REQUIRED_LOCK: z
    .string()
    .regex(/^((governance|compliance):[1-9]\d{0,4})?$/, 'a required lock reads compliance:30')
    .optional(),
})

/** What `lockEnv` says. */
export function requiredLockOf(text: string | undefined): LockOrder | undefined {
  const [mode, days] = (text ?? '').split(':')
  const known = lockModeSchema.safeParse(mode)
  return known.success ? { mode: known.data, days: Number(days) } : undefined
}

/** The deployment's name, a dimension of every metric: two deployments of an account may have a site of the same name. */
export const metricsEnv = z.object({ DEPLOYMENT: z.string().min(1) })

/** What Lambda itself sets. Nothing depends on it: elsewhere it is absent. */
export const lambdaEnv = z.object({
  AWS_LAMBDA_FUNCTION_MEMORY_SIZE: z.coerce.number().int().positive().optional().catch(undefined),
})

/** Answers about guests: tolerant, as those in `schemas.ts`. A field of a type nobody expects counts as absent, not the row. */
import * as z from 'zod'
import { count, filledText, flag, rows, text, unixTime, word } from './schemas.ts'

const amount = z
  .union([
    z.number(),
    z
      .string()
      .regex(/^\d+(?:\.\d+)?$/)
      .transform(Number),
  ])
  .pipe(z.number().nonnegative())
  .optional()
  .catch(undefined)

/**
 * GET /cluster/resources?type=vm, whole. Of a guest whose node is silent there are only id, type, node and what its
 * configuration file tells the cluster (tags, lock, pool); `template` is 0 or 1 when the node reports.
 */
export const guestRecordRowsSchema = rows(
  z.object({
    vmid: text.pipe(z.string().regex(/^[1-9]\d{2,8}$/)),
    type: z.enum(['qemu', 'lxc']),
    node: filledText,
    name: word,
    // One of the platform's own words, which no number is.
    status: z.string().min(1).optional().catch(undefined),
    lock: word,
    hastate: word,
    template: z
      .union([z.boolean(), count.transform((value) => value !== 0)])
      .optional()
      .catch(undefined),
    // A list in versions to come, perhaps: read as no tags at all, it would undo an exclusion.
    tags: z
      .union([text, z.array(text).transform((all) => all.join(';'))])
      .optional()
      .catch(undefined),
    pool: word,
    maxcpu: amount,
    maxmem: amount,
    maxdisk: amount,
    uptime: amount,
  }),
)
export type GuestRecordRow = z.output<typeof guestRecordRowsSchema>[number]

/** GET /cluster/ha/resources: `vm:100`, `ct:101`, and what the administrator asked for. */
export const haResourceRowsSchema = rows(z.object({ sid: text, state: text.default('started') }))

/** GET /cluster/replication */
export const replicationRowsSchema = rows(z.object({ guest: text, target: filledText, disable: flag }))

/** GET /nodes/{n}/replication?guest=… */
export const replicationStateRowsSchema = rows(
  z.object({
    guest: text,
    target: filledText,
    schedule: text.default('*/15'),
    disable: flag,
    last_sync: unixTime.optional().catch(undefined),
    error: word,
  }),
)

/** GET /nodes/{n}/qemu|lxc/{vmid}/config: key to value, numbers and texts alike. */
export const guestConfigSchema = z
  .record(z.string(), z.unknown())
  .transform((config) =>
    Object.fromEntries(
      Object.entries(config).flatMap(([key, value]) =>
        typeof value === 'string' || typeof value === 'number' ? [[key, String(value)] as const] : [],
      ),
    ),
  )
export type GuestConfig = z.output<typeof guestConfigSchema>

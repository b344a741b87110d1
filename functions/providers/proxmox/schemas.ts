/**
 * What is read from Proxmox's answers, and nothing more. Tolerant: numbers may come as strings (Perl), rows may have any
 * further fields, and a row of a list that isn't understood is left out rather than failing the whole list.
 */
import * as z from 'zod'

/** A whole number from 0 on, as number or text. */
export const count = z.union([z.number(), z.string().regex(/^\d+$/).transform(Number)]).pipe(z.int().nonnegative())

/** Unix seconds within what a Date can hold. */
export const unixTime = count.pipe(z.number().max(8.64e12))

/** Identifiers like vmids come as number or text. */
export const idText = z.union([z.string(), z.int().transform(String)])

/** A list of rows, without those that aren't of the shape. */
export function rows<Row>(row: z.ZodType<Row>): z.ZodType<Row[]> {
  return z.array(z.unknown()).transform((all) =>
    all.flatMap((one) => {
      const parsed = row.safeParse(one)
      return parsed.success ? [parsed.data] : []
    }),
  )
}

export const envelopeSchema = z.object({ data: z.unknown(), total: count.optional().catch(undefined) })

/** The body of an error: `message` exists since pve-http-server 5.2.0, `errors` with 400 only. */
export const errorBodySchema = z.object({
  message: z.string().optional().catch(undefined),
  errors: z.record(z.string(), z.coerce.string()).optional().catch(undefined),
})

/** GET /version */
export const versionSchema = z.object({ version: z.string().min(1) })

/** GET /access/domains, which anyone may ask for. Types: pam, pve, ldap, ad, openid. */
export const realmRowsSchema = rows(z.object({ realm: z.string().min(1), type: z.string() }))

/** GET /access/permissions: path → privilege → whether it reaches the paths below. */
export const permissionsSchema = z.record(
  z.string(),
  z.record(z.string(), z.union([z.number(), z.string(), z.boolean()])),
)

/** GET /cluster/resources?type=node */
export const nodeRowsSchema = rows(z.object({ node: z.string().min(1), status: z.string().optional() }))

/** GET /nodes/{n}/certificates/info */
export const certificateRowsSchema = rows(z.object({ filename: z.string(), fingerprint: z.string().min(1) }))

/** GET /nodes/{n}/tasks. A running task has no end; its status, if any, is `RUNNING`. Strict: an overlooked row could start a second backup. */
export const taskRowsSchema = z.array(
  z.object({ upid: z.string(), status: z.string().optional(), endtime: z.unknown().optional() }),
)

/** GET /nodes/{n}/tasks/{upid}/status */
export const taskStatusSchema = z.object({ status: z.enum(['running', 'stopped']), exitstatus: z.string().optional() })

/** GET /nodes/{n}/tasks/{upid}/log. Strict for the same reason that a verdict needs the whole log. */
export const logLinesSchema = z.array(z.object({ t: z.string() }).transform(({ t }) => t))

/** GET /nodes/{n}/storage/{s}/content. `size` is exact here; that of a single volume is rounded up to 512 bytes. */
export const volumeRowsSchema = rows(z.object({ volid: z.string(), size: count, ctime: unixTime }))

/** GET /nodes/{n}/storage/{s}/content/{volume} */
export const volumeSchema = z.object({ path: z.string().startsWith('/'), notes: z.string().optional() })

/** A yes or no as Perl writes it: 0, 1, "1", or left out for no. */
export const flag = z.union([z.boolean(), count.transform((value) => value !== 0)]).default(false)

/**
 * GET /nodes/{n}/storage/{s}/content, with what tells archives apart. `subtype` is `unknown` and the vmid text or absent
 * for renamed files; `verification` and `encrypted` come from a Proxmox Backup Server alone; `notes` is their first line.
 */
export const archiveRowsSchema = rows(
  z.object({
    volid: z.string().min(1),
    size: count,
    ctime: unixTime,
    format: z.string().default(''),
    subtype: z.string().optional(),
    vmid: idText.optional(),
    notes: z.string().default(''),
    protected: flag,
    encrypted: z.string().optional(),
    verification: z.object({ state: z.string() }).optional().catch(undefined),
  }),
)

/** GET /nodes/{n}/storage/{s}/content/{volume}: what people may change. The path of a backup server's is no file. */
export const archiveMarksSchema = z.object({ notes: z.string().default(''), protected: flag })

/** GET /nodes/{n}/storage/{s}/prunebackups. Strict: an overlooked row would be an archive whose removal isn't told. */
export const pruneRowsSchema = z.array(
  z.object({
    volid: z.string().min(1),
    ctime: unixTime,
    type: z.string().optional(),
    vmid: idText.optional(),
    mark: z.enum(['keep', 'remove', 'protected', 'renamed']),
  }),
)

/** GET /cluster/resources?type=storage: a row for each node that a storage is on. */
export const storageRowsSchema = rows(
  z.object({ storage: z.string().min(1), node: z.string().min(1), content: z.string().default(''), shared: flag }),
)

/** GET /nodes/{n}/{kind}/{vmid}/status/current: live, where /cluster/resources may be some seconds behind. */
export const guestStatusSchema = z.object({
  status: z.enum(['running', 'stopped']),
  lock: z.string().min(1).optional(),
  /** Of VMs: `paused`, `prelaunch`, … */
  qmpstatus: z.string().optional(),
  uptime: count.default(0),
  template: flag,
  ha: z.object({ managed: flag }).optional().catch(undefined),
})

/** GET /nodes/{n}/tasks, with what people want to know of each. */
export const ownTaskRowsSchema = rows(
  z.object({ upid: z.string(), status: z.string().optional(), endtime: unixTime.optional() }),
)

/** POST vzdump, DELETE content: a task's id, or the text OK, or nothing. */
export const taskIdSchema = z.string().nullable()

/**
 * What is read from Proxmox's answers, and nothing more. Tolerant: numbers may come as strings (Perl), rows may have any
 * further fields, and a row of a list that isn't understood is left out rather than failing the whole list.
 */
import * as z from 'zod'

/** A whole number from 0 on, as number or text. */
export const count = z.union([z.number(), z.string().regex(/^\d+$/).transform(Number)]).pipe(z.int().nonnegative())

/** Unix seconds within what a Date can hold. */
export const unixTime = count.pipe(z.number().max(8.64e12))

/**
 * A text, which Perl writes as a number once somebody has counted with it: a vmid, or a tag, a pool, a name like `2024`.
 * How the number was spelled is lost then: `1.0` comes as `1`.
 */
export const text = z.union([z.string(), z.number().transform(String)])

/** A text that isn't empty. */
export const filledText = text.pipe(z.string().min(1))

/** The same where it may be absent; of a type nobody expects, it counts as absent. */
export const word = filledText.optional().catch(undefined)

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
  message: text.optional().catch(undefined),
  errors: z.record(z.string(), z.coerce.string()).optional().catch(undefined),
})

/** GET /version */
export const versionSchema = z.object({ version: filledText })

/** GET /access/domains, which anyone may ask for. Types: pam, pve, ldap, ad, openid. */
export const realmRowsSchema = rows(z.object({ realm: filledText, type: text }))

/** GET /access/permissions: path → privilege → whether it reaches the paths below. */
export const permissionsSchema = z.record(
  z.string(),
  z.record(z.string(), z.union([z.number(), z.string(), z.boolean()])),
)

/** GET /cluster/resources?type=node */
export const nodeRowsSchema = rows(z.object({ node: filledText, status: text.optional() }))

/** GET /nodes/{n}/certificates/info */
export const certificateRowsSchema = rows(z.object({ filename: text, fingerprint: filledText }))

/** GET /nodes/{n}/tasks. A running task has no end; its status, if any, is `RUNNING`. Strict: an overlooked row could start a second backup. */
export const taskRowsSchema = z.array(
  z.object({ upid: z.string(), status: text.optional(), endtime: z.unknown().optional() }),
)

/** GET /nodes/{n}/tasks/{upid}/status */
export const taskStatusSchema = z.object({ status: z.enum(['running', 'stopped']), exitstatus: text.optional() })

/** GET /nodes/{n}/tasks/{upid}/log. Strict for the same reason that a verdict needs the whole log. */
export const logLinesSchema = z.array(z.object({ t: text }).transform(({ t }) => t))

/** GET /nodes/{n}/storage/{s}/content. `size` is exact here; that of a single volume is rounded up to 512 bytes. */
export const volumeRowsSchema = rows(z.object({ volid: z.string(), size: count, ctime: unixTime }))

/** GET /nodes/{n}/storage/{s}/content/{volume} */
export const volumeSchema = z.object({ path: z.string().startsWith('/'), notes: text.optional() })

/** A yes or no as Perl writes it: 0, 1, "1", or left out for no. */
export const flag = z.union([z.boolean(), count.transform((value) => value !== 0)]).default(false)

/**
 * GET /nodes/{n}/storage/{s}/content, with what tells archives apart. `subtype` is `unknown` and the vmid text or absent
 * for renamed files; `verification` and `encrypted` come from a Proxmox Backup Server alone; `notes` is their first line.
 */
export const archiveRowsSchema = rows(
  z.object({
    volid: filledText,
    size: count,
    ctime: unixTime,
    format: text.default(''),
    subtype: text.optional(),
    vmid: text.optional(),
    notes: text.default(''),
    protected: flag,
    encrypted: text.optional(),
    verification: z.object({ state: text }).optional().catch(undefined),
  }),
)

/** GET /nodes/{n}/storage/{s}/content/{volume}: what people may change. The path of a backup server's is no file. */
export const archiveMarksSchema = z.object({ notes: text.default(''), protected: flag })

/** GET /nodes/{n}/storage/{s}/prunebackups. Strict: an overlooked row would be an archive whose removal isn't told. */
export const pruneRowsSchema = z.array(
  z.object({
    volid: filledText,
    ctime: unixTime,
    type: text.optional(),
    vmid: text.optional(),
    mark: z.enum(['keep', 'remove', 'protected', 'renamed']),
  }),
)

/** GET /cluster/resources?type=storage: a row for each node that a storage is on. */
export const storageRowsSchema = rows(
  z.object({ storage: filledText, node: filledText, content: text.default(''), shared: flag }),
)

/** GET /nodes/{n}/{kind}/{vmid}/status/current: live, where /cluster/resources may be some seconds behind. */
export const guestStatusSchema = z.object({
  status: z.enum(['running', 'stopped']),
  lock: word,
  /** Of VMs: `paused`, `prelaunch`, … */
  qmpstatus: text.optional(),
  uptime: count.default(0),
  template: flag,
  ha: z.object({ managed: flag }).optional().catch(undefined),
})

/** GET /nodes/{n}/tasks, with what people want to know of each. */
export const ownTaskRowsSchema = rows(
  z.object({ upid: z.string(), status: text.optional(), endtime: unixTime.optional() }),
)

/** POST vzdump, DELETE content: a task's id, or the text OK, or nothing. */
export const taskIdSchema = z.string().nullable()

/** Rows, or one object, as they come: what is kept of a site's configuration is nobody's business here. */
const anyRow = z.record(z.string(), z.unknown())
export const configurationSchema = z.union([z.array(anyRow), anyRow, z.null()])

/** What a restore is started with. */
import * as z from 'zod'
import { drillSchema } from './drill.ts'
import { dayOrInstantSchema, guestIdSchema, siteNameSchema } from './nouns.ts'
import { parseIdRange } from './selection.ts'

/** How fast S3 is to thaw an object. What a tier costs and takes is in docs/prices.md. */
export const thawSchema = z.strictObject({
  tier: z.enum(['expedited', 'standard', 'bulk']).describe('How fast, and at what price, S3 is to thaw the archive.'),
  days: z.int().min(1).max(30).default(7).describe('How long the thawed copy stays. It outlives the restore.'),
})
export type Thaw = z.output<typeof thawSchema>

/** A name of a storage, pool or bridge, in the platform's own words. */
const nameSchema = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/, 'a name of letters, digits, dots, hyphens')

/** Names on a vCenter may hold blanks, brackets and any letters. */
const inventoryPathSchema = z
  .string()
  .regex(/^\/[^/]+(\/[^/]+)*$/, 'an inventory path starts with a slash, as /DC1/vm/Web')

/** What a person or a program starts a restore with: the input of the workflow `restore-guest`. */
export const restoreRequestSchema = z
  .strictObject({
    archive: z
      .string()
      .min(1)
      .describe('The guest or archive: `100`, `vm-100`, `hq/vm-100`, a name, a key or an `s3://` address.'),
    at: dayOrInstantSchema
      .optional()
      .describe('A day (`2026-11-24`, to its end in UTC) or an instant: the newest archive on or before it.'),
    from: siteNameSchema.optional().describe('The site that the archive is of, where its address names none.'),
    site: siteNameSchema.describe('The site that the guest is restored on.'),
    node: z.string().min(1).optional().describe('The node. Without it, the one that the guest was archived on.'),
    id: guestIdSchema.optional().describe('The id of the restored guest. Without it, the archived one.'),
    storage: nameSchema.optional().describe('Where its disks go. Without it, where the archive had them.'),
    deliveryStorage: nameSchema
      .optional()
      .describe("The storage that takes the archive's file. Without it, the one with most room."),
    pool: nameSchema.optional().describe('The pool that the guest joins.'),
    name: z.string().min(1).max(63).optional().describe('Another name for the guest.'),
    bridges: z.record(nameSchema, nameSchema).optional().describe('Archived bridge to the bridge in its place.'),
    limitKiBPerSecond: z.int().min(1).optional().describe('Limit for the platform while it writes the disks.'),
    to: z
      .enum(['image', 'volume'])
      .optional()
      .describe(
        "Of an archive of EC2: an image that instances are run from, or volumes in the node's zone. `image` unless given.",
      ),
    kmsKey: z
      .string()
      .regex(
        /^arn:aws[a-z-]*:kms:[a-z0-9-]+:\d{12}:key\/\S+$/,
        'a key has an ARN like arn:aws:kms:eu-central-1:111122223333:key/…',
      )
      .optional()
      .describe('Of an archive of EC2: the KMS key, as an ARN, that its disks are encrypted with.'),
    datastore: z
      .string()
      .min(1)
      .max(255)
      .optional()
      .describe(
        "Of an archive of vSphere: the datastore. Without it, the site's for restores, or where the guest was.",
      ),
    folder: inventoryPathSchema
      .optional()
      .describe('Of an archive of vSphere: the folder of the guest, as `/DC1/vm/Web`. Without it, as for `datastore`.'),
    resourcePool: inventoryPathSchema
      .optional()
      .describe(
        'Of an archive of vSphere: its pool, as `/DC1/host/Cluster1/Resources`. Without it, as for `datastore`.',
      ),
    unique: z.boolean().default(false).describe('Give it hardware addresses and a uuid of its own.'),
    replace: z.boolean().default(false).describe('Take the place of the stopped guest that has the id, which is lost.'),
    start: z.boolean().default(false).describe('Start the guest once it was compared.'),
    template: z.boolean().optional().describe('Make a template of the guest once it was compared. Not with `start`.'),
    keepFailed: z.boolean().default(false).describe('Leave a half-made guest for a look, in place of removing it.'),
    despiteRefused: z.boolean().default(false).describe('Restore an archive that its verification refused.'),
    thaw: thawSchema.optional().describe('For an archive in Glacier: how to thaw it.'),
    drill: drillSchema
      .optional()
      .describe(
        'A rehearsal: restored without network, started, looked at, and removed again. What it showed is kept.',
      ),
    confirm: z
      .boolean()
      .default(false)
      .describe('Without it, nothing is changed: a dry run that reports what it would do.'),
  })
  .check(({ value, issues }) => {
    const refuse = (field: string, message: string) =>
      issues.push({ code: 'custom', path: [field], message, input: value })
    if (value.start && value.template === true) {
      refuse('template', "a template can't be started: give start or template, not both")
    }
    if (value.drill === undefined) return
    if (value.template === true) refuse('template', 'a drill starts the guest, which no template does')
    if (value.replace) refuse('replace', 'a drill never takes the place of a guest')
    if (value.keepFailed) refuse('keepFailed', 'what a drill makes is always removed')
    const range = parseIdRange(value.drill.ids)
    const id = /^\d+$/.test(value.id ?? '') ? Number(value.id) : undefined
    if (id === undefined || range === undefined || id < range.first || id > range.last) {
      refuse('id', `a drill takes a free id of its own range ${value.drill.ids}, and no other`)
    }
  })
export type RestoreRequest = z.output<typeof restoreRequestSchema>

/** What a person writes to describe a vCenter or an ESXi host: a file for local runs, the secret's content when deployed. */
import * as z from 'zod'
import { siteLimitsSchema } from '../../contracts/limits.ts'
import { siteNameSchema } from '../../contracts/nouns.ts'
import {
  vsphereAuthSchema,
  vsphereEndpointSchema,
  vsphereTlsSchema,
  vsphereTransportSchema,
} from '../../contracts/vsphere-access.ts'
import { CLOCK_TOLERANCE_SECONDS, CLOCK_WARNING_SECONDS } from '../../domain/time/clock-offset.ts'
import { quiesceSchema } from './options.ts'

/** Names on a vCenter may hold blanks, brackets and any letters. */
const inventoryPathSchema = z
  .string()
  .regex(/^\/[^/]+(\/[^/]+)*$/, 'an inventory path starts with a slash, as /DC1/vm/guestlift')
const datastoreNameSchema = z.string().min(1).max(255)

const snapshotSettingsSchema = z.strictObject({
  quiesce: quiesceSchema
    .default('prefer')
    .describe(
      "Whether the guest's file systems are made quiet. `require`: no archive without; `prefer`: a warning without; `never`.",
    ),
  maxHours: z
    .int()
    .min(1)
    .max(240)
    .default(24)
    .describe('How long our snapshot may stay on a guest. Then its copy is given up and the snapshot removed.'),
  perDatastore: z
    .int()
    .min(1)
    .max(32)
    .default(1)
    .describe('How many guests of a datastore may have a snapshot of ours at a time, over all runs.'),
  minFreePercent: z
    .number()
    .min(0)
    .max(90)
    .default(10)
    .describe('Free space that the datastore must have: what a guest writes while it is copied grows there.'),
})

/** One vCenter, or one ESXi host. */
export const vsphereSiteSchema = z
  .strictObject({
    provider: z.literal('vsphere').describe('The platform: VMware vSphere.'),
    name: siteNameSchema
      .optional()
      .describe('What jobs and keys call the site. Where an option or the job names it too, they have to agree.'),
    endpoint: vsphereEndpointSchema,
    tls: vsphereTlsSchema,
    auth: vsphereAuthSchema.describe('Who we are.'),
    transport: vsphereTransportSchema,
    mode: z
      .enum(['auto', 'direct', 'clone'])
      .default('auto')
      .describe(
        "`direct`: the frozen files of the guest are read. `clone`: a clone of the snapshot is. `auto`: `clone` where the files can't be read, as on vSAN.",
      ),
    staging: z
      .strictObject({
        datastore: datastoreNameSchema.describe('Where clones lie: a VMFS or NFS datastore.'),
        folder: inventoryPathSchema.describe('Folder of virtual machines for clones, as `/DC1/vm/guestlift`.'),
        resourcePool: inventoryPathSchema.describe('Resource pool for clones, as `/DC1/host/Cluster1/Resources`.'),
      })
      .optional()
      .describe('Where clones are made. Only needed where files are read from clones.'),
    restore: z
      .strictObject({
        auth: vsphereAuthSchema.describe('Who the functions that restore are: an account of its own.'),
        datastore: datastoreNameSchema.optional().describe('Where restored guests lie. Without it, where they were.'),
        folder: inventoryPathSchema.optional().describe('Their folder, as `/DC1/vm/Restored`. Without it, as it was.'),
        resourcePool: inventoryPathSchema
          .optional()
          .describe('Their resource pool, as `/DC1/host/Cluster1/Resources`. Without it, as it was.'),
      })
      .optional()
      .describe('The account that brings guests back. Only the functions that restore read it.'),
    snapshot: snapshotSettingsSchema.prefault({}).describe('How snapshots are made, and how long they may stay.'),
    limits: siteLimitsSchema.prefault({}).describe('Bandwidth and connections of this site, over all runs together.'),
    clockToleranceSeconds: z
      .int()
      .min(CLOCK_WARNING_SECONDS)
      .default(CLOCK_TOLERANCE_SECONDS)
      .describe('How far the clock of the vCenter may be off, in seconds. Beyond it, guests fail.'),
  })
  .refine(({ mode, staging }) => mode !== 'clone' || staging !== undefined, {
    error: 'mode clone needs staging: where the clones are made',
    path: ['staging'],
  })
export type VsphereSite = z.infer<typeof vsphereSiteSchema>

/** How each guest is backed up on the platform, as a person asks for it. What a platform makes of it is the provider's. */
import * as z from 'zod'
import { keepRulesSchema } from './retention.ts'

/** How consistent the backup is and what it costs the guest. Proxmox: vzdump's `mode`. */
export const backupModeSchema = z.enum(['snapshot', 'suspend', 'stop'])
export type BackupMode = z.infer<typeof backupModeSchema>
export const compressSchema = z.enum(['zstd', 'gzip', 'lzo', 'none'])

/** In place of a storage's name: the one with most free space among those of the guest's node that take backups. */
export const AUTO_STORAGE = 'auto'

const storageIdSchema = z.string().regex(/^[A-Za-z][A-Za-z0-9._-]*[A-Za-z0-9]$/, 'a storage id starts with a letter')

/** Threads of a compressor. 0: half of the node's cores. */
const threadsSchema = z.int().min(0).max(1024)

const minutesSchema = z.int().nonnegative().max(10_080, 'at most a week')

/** Rules that let something be removed; keeping all is what happens without any. */
const pruneRulesSchema = keepRulesSchema.refine(
  (rules) => Object.values(rules).some((value) => typeof value === 'number' && value > 0),
  { error: 'pruneSource needs a rule, as {"keep-last": 3}; leave it out to keep everything' },
)

/** What is left out stays as the node has it (vzdump.conf), except pruning: nothing on the platform is pruned unasked. */
export const backupOptionsSchema = z
  .strictObject({
    mode: backupModeSchema.default('snapshot'),
    compress: compressSchema.default('zstd'),
    /** The storage that receives the archive before it is moved; it must allow backups. Or `auto`. */
    storage: storageIdSchema.default('local'),
    /** One line of text kept with the archive. Proxmox fills in {{cluster}}, {{guestname}}, {{node}} and {{vmid}}. */
    notes: z
      .string()
      .max(900)
      .regex(/^[^\r\n]*$/, 'notes are one line')
      .optional(),
    /** Keep the archive on the platform from being removed or pruned. */
    protected: z.boolean().optional(),
    /** Of reading the guest's disks, in KiB/s. 0: none, whatever the node's own default. */
    bwlimitKiBps: z.int().nonnegative().optional(),
    /** 0 (first) to 7, 8: only when the disk is idle. Containers, and VMs as far as their scheduler heeds it. */
    ionice: z.int().min(0).max(8).optional(),
    zstdThreads: threadsSchema.optional(),
    /** Compress gzip with pigz. 1: half of the node's cores; 0: plain gzip. */
    pigzThreads: threadsSchema.optional(),
    /** VMs alone: what the guest overwrites during the backup goes to a local storage first, so that slow targets don't stall it. */
    fleecing: z.strictObject({ enabled: z.boolean().default(true), storage: storageIdSchema }).optional(),
    performance: z
      .strictObject({
        /** VMs: requests of the backup in flight. */
        maxWorkers: z.int().min(1).max(256).optional(),
        /** Containers to a backup server: entries of a directory held in memory. */
        pbsEntriesMax: z.int().min(1).optional(),
      })
      .refine((settings) => Object.values(settings).some((value) => value !== undefined), {
        error: 'performance needs maxWorkers or pbsEntriesMax',
      })
      .optional(),
    /** Containers alone: shell patterns of what is left out, besides temporary files. From `/` on, else anywhere. */
    excludePaths: z
      .array(
        z
          .string()
          .min(1)
          .max(1024)
          // oxlint-disable-next-line no-control-regex -- what would end a parameter's value early
          .regex(/^[^\u0000-\u001F\u007F]*$/, 'a path holds no control characters'),
      )
      .min(1)
      .max(100)
      .optional(),
    /** How long the platform lets our backup wait behind another one on the node. 0: not at all. */
    lockWaitMinutes: minutesSchema.optional(),
    /** Mode `stop`: how long the guest may take to shut down. */
    stopWaitMinutes: minutesSchema.optional(),
    /** Prune older archives of the guest on the platform after the backup, by these rules. Left out: keep them all. */
    pruneSource: pruneRulesSchema.optional(),
  })
  .refine(({ compress, zstdThreads }) => zstdThreads === undefined || compress === 'zstd', {
    error: 'zstdThreads goes with compress "zstd"',
    path: ['zstdThreads'],
  })
  .refine(({ compress, pigzThreads }) => pigzThreads === undefined || compress === 'gzip', {
    error: 'pigzThreads goes with compress "gzip"',
    path: ['pigzThreads'],
  })
export type BackupOptions = z.infer<typeof backupOptionsSchema>

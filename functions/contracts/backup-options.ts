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

/** Threads of a compressor. */
const threadsSchema = z.int().min(0).max(1024)

const minutesSchema = z.int().nonnegative().max(10_080, 'at most a week')

/** Rules that let something be removed; keeping all is what happens without any. */
const pruneRulesSchema = keepRulesSchema.refine(
  (rules) => Object.values(rules).some((value) => typeof value === 'number' && value > 0),
  { error: 'pruneSource needs a rule, as {"keep-last": 3}; leave it out to keep everything' },
)

/**
 * Options of all platforms: `notes` and `skipDisks`. The others are Proxmox VE's, which were there first and stand beside
 * them, here and in records; `own` holds those of any other platform. What is left out stays as the node has it (vzdump.conf), except pruning: nothing on the platform is pruned
 * unasked.
 */
export const backupOptionsSchema = z
  .strictObject({
    mode: backupModeSchema
      .default('snapshot')
      .describe('Whether the guest keeps running (`snapshot`), is suspended, or is shut down (`stop`).'),
    compress: compressSchema.default('zstd').describe('How the platform compresses the archive.'),
    storage: storageIdSchema
      .default('local')
      .describe(
        "The storage that receives the archive before it is moved. `auto` takes the one with the most free space on the guest's node.",
      ),
    notes: z
      .string()
      .max(900)
      .regex(/^[^\r\n]*$/, 'notes are one line')
      .optional()
      .describe('One line of text that is kept with the archive, with placeholders such as `{{guestname}}`.'),
    skipDisks: z
      .array(z.string().min(1).max(128))
      .min(1)
      .max(100)
      .optional()
      .describe(
        'Disks to leave out, as the platform names them. On Proxmox VE, the guest itself says which: `backup=0`.',
      ),
    protected: z
      .boolean()
      .optional()
      .describe('Protect the archive on the platform from being removed or pruned there.'),
    bwlimitKiBps: z
      .int()
      .nonnegative()
      .optional()
      .describe("Limit for reading the guest's disks, in KiB per second. 0 means no limit, even if the node has one."),
    ionice: z
      .int()
      .min(0)
      .max(8)
      .optional()
      .describe('Priority of disk access from 0 (first) to 7. With 8, only when the disk is idle.'),
    zstdThreads: threadsSchema
      .optional()
      .describe("Threads of zstd. 0 means half of the node's cores. Only with `compress` `zstd`."),
    pigzThreads: threadsSchema
      .optional()
      .describe("Threads of pigz. 1 means half of the node's cores, 0 plain gzip. Only with `compress` `gzip`."),
    fleecing: z
      .strictObject({
        enabled: z.boolean().default(true).describe('Whether fleecing is used.'),
        storage: storageIdSchema.describe('A fast storage of the node.'),
      })
      .optional()
      .describe('VMs only: what the guest overwrites during the backup goes to another storage first.'),
    performance: z
      .strictObject({
        maxWorkers: z.int().min(1).max(256).optional().describe('VMs only: how many requests run at the same time.'),
        pbsEntriesMax: z
          .int()
          .min(1)
          .optional()
          .describe('Containers to a backup server only: entries of a directory that are held in memory.'),
      })
      .refine((settings) => Object.values(settings).some((value) => value !== undefined), {
        error: 'performance needs maxWorkers or pbsEntriesMax',
      })
      .optional()
      .describe('How much work the backup does at a time.'),
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
      .optional()
      .describe(
        'Containers only: shell patterns of files to leave out. One that starts with `/` counts from the root, another one anywhere.',
      ),
    lockWaitMinutes: minutesSchema
      .optional()
      .describe('How long our backup waits on the platform behind another one of the node. 0 means not at all.'),
    stopWaitMinutes: minutesSchema.optional().describe('Mode `stop`: how long the guest may take to shut down.'),
    pruneSource: pruneRulesSchema
      .optional()
      .describe(
        'Prune older archives of the guest on the platform after the backup. Without it, all of them stay there.',
      ),
    own: z
      .record(z.string(), z.record(z.string(), z.unknown()))
      .optional()
      .describe("Options of the site's platform alone, by its name, as that platform reads them."),
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

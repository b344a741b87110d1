/**
 * What is kept about a disk that is archived as `<name>.raw.zst`: independent zstd frames in parts of fixed ranges of the
 * disk (docs/disk-archives.md). All positions and lengths are bytes, all CRC-32s unsigned numbers unless said otherwise.
 */
import * as z from 'zod'

/** S3 takes parts 1 to 10,000; the last is the seek table's. */
export const MAX_DISK_PARTS = 9_999

const countSchema = z.int().nonnegative()
const crc32NumberSchema = z.int().min(0).max(0xffffffff)

/** How the bytes of an object follow from those of its source. `none`: they are the same. */
export const encodingSchema = z.enum(['none', 'raw-disk'])
export type Encoding = z.infer<typeof encodingSchema>

/**
 * `<name>.map.json`: the blocks of a disk that its platform says were ever written. Runs are first block and count,
 * ascending, and don't overlap. The last block may be cut short by the disk's end.
 */
export const allocationMapSchema = z.strictObject({
  version: z.literal(1),
  sizeBytes: z.int().positive(),
  blockBytes: z.int().positive(),
  runs: z.array(z.tuple([countSchema, z.int().positive()])),
})
export type AllocationMap = z.infer<typeof allocationMapSchema>

/** `<name>.parts.json`: which range of the disk each part stands for. It doesn't change while the upload lives. */
export const diskPlanSchema = z.strictObject({
  version: z.literal(1),
  encoding: z.literal('raw-disk'),
  /** The very state of the source, as a snapshot's id or an ETag: another one is another upload. */
  sourceRef: z.string().min(1),
  sizeBytes: z.int().positive(),
  allocatedBytes: countSchema,
  /** Of the map that the plan was made from, by `mapSum`. Absent where the platform gave no map. */
  mapSum: crc32NumberSchema.optional(),
  /** Most bytes of the disk in a data frame; frames are cut at multiples of it. */
  frameBytes: z.int().positive(),
  /** zstd's. */
  level: z.int().min(1).max(19),
  /** Part n stands for the disk from `bounds[n - 1]` up to `bounds[n]`. */
  bounds: z
    .array(countSchema)
    .min(2)
    .max(MAX_DISK_PARTS + 1),
})
export type DiskPlan = z.infer<typeof diskPlanSchema>

/**
 * A frame: stored bytes, bytes of the disk (0: a pad), the frame's own content checksum (low word of XXH64; 0 for a pad),
 * the CRC-32 of the stored frame, and how often it comes in a row.
 */
export const frameEntrySchema = z.tuple([
  z.int().positive(),
  countSchema,
  crc32NumberSchema,
  crc32NumberSchema,
  z.int().positive(),
])
export type FrameEntry = z.infer<typeof frameEntrySchema>

/**
 * One part as its maker says it is. S3's list has size and CRC-32 of a part and doesn't know what they stand for. Written
 * before the part is sent; believed while S3 has a part of that size and sum.
 */
export const partRecordSchema = z.strictObject({
  version: z.literal(1),
  part: z.int().positive(),
  from: countSchema,
  to: z.int().positive(),
  /** Of the disk's bytes. */
  rawCrc32: crc32NumberSchema,
  storedBytes: z.int().positive(),
  storedCrc32: crc32NumberSchema,
  allocatedBytes: countSchema,
  frames: z.array(frameEntrySchema).min(1),
  /** CRC-32 over all the numbers above, by `recordSum`: a record with a flipped digit is not believed. */
  sum: crc32NumberSchema,
})
export type PartRecord = z.infer<typeof partRecordSchema>

/** `<name>.frames.json`: all frames in the object's order, but for the seek table. For archives made from this one. */
export const frameListSchema = z.strictObject({
  version: z.literal(1),
  frames: z.array(frameEntrySchema).min(1),
})
export type FrameList = z.infer<typeof frameListSchema>

/** What the manifest says of the disk in an object. */
export const diskContentSchema = z.strictObject({
  format: z.literal('raw-disk'),
  compression: z.literal('zstd'),
  seekable: z.literal(true),
  sizeBytes: z.int().positive(),
  /** By the platform's map; all of the disk where there was none. */
  allocatedBytes: countSchema,
  /** In frames that were made without reading. */
  holeBytes: countSchema,
  /** `CRC32:` and the base64 value over the whole disk. */
  crc32: z.string().regex(/^CRC32:[A-Za-z0-9+/]{6}==$/),
  /** As `zstd --list` counts them: pads and seek table are none. */
  frames: z.int().positive(),
  frameBytes: z.int().positive(),
  blockBytes: z.int().positive().optional(),
})
export type DiskContent = z.infer<typeof diskContentSchema>

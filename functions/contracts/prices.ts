/** A dated table of prices. A default ships with Guestlift (`domain/list-prices.ts`); anyone may put their own in its place. */
import * as z from 'zod'

/** As S3 names them in its API. */
export const storageClassSchema = z.enum([
  'STANDARD',
  'INTELLIGENT_TIERING',
  'STANDARD_IA',
  'ONEZONE_IA',
  'GLACIER_IR',
  'GLACIER',
  'DEEP_ARCHIVE',
])
export type StorageClass = z.output<typeof storageClassSchema>

/** Of which an ordinary request reads: archives are read back where they are written. */
export const readableClassSchema = z.enum(
  ['STANDARD', 'INTELLIGENT_TIERING', 'STANDARD_IA', 'ONEZONE_IA', 'GLACIER_IR'],
  {
    error: ({ input }) =>
      storageClassSchema.safeParse(input).success
        ? `archives are read back, which ${String(input)} allows only after a restore: take GLACIER_IR, or have the bucket move them later (bucket.transitions of the deployment)`
        : `a storage class that can be read at once: ${readableNames()}`,
  },
)
export type ReadableClass = z.output<typeof readableClassSchema>

const readableNames = (): string => readableClassSchema.options.join(', ')

/** Where restored bytes go. */
export const destinationSchema = z.enum(['internet', 'direct-connect', 'other-region', 'same-region'])
export type Destination = z.output<typeof destinationSchema>

const dollarsSchema = z.number().nonnegative()
const bytesSchema = z.int().nonnegative()

/** One way to get objects of a class back. */
export const retrievalSchema = z.strictObject({
  /** `immediate`: an ordinary GET. The others begin with a request to restore, and are read hours later. */
  tier: z.enum(['immediate', 'expedited', 'standard', 'bulk']),
  dollarsPerGiB: dollarsSchema,
  dollarsPer1000Requests: dollarsSchema,
  /** Until the first byte can be read, as `3 to 5 hours`. */
  takes: z.string().min(1),
})
export type Retrieval = z.output<typeof retrievalSchema>

export const classPricesSchema = z.strictObject({
  dollarsPerGiBMonth: dollarsSchema,
  /** An object that is deleted earlier is billed until then. 0: none. */
  minimumDays: z.int().nonnegative(),
  /** A smaller object is billed as this large. 0: none. */
  minimumObjectBytes: bytesSchema,
  /** Billed on top of each object: so much at this class, so much at STANDARD. */
  overheadBytes: bytesSchema,
  overheadStandardBytes: bytesSchema,
  /** PUT, COPY, POST, and the completion of a multipart upload. */
  dollarsPer1000Puts: dollarsSchema,
  /** Opening a multipart upload, and each part of it. */
  dollarsPer1000Parts: dollarsSchema,
  dollarsPer1000Gets: dollarsSchema,
  /** Monitoring of each object, where the class has it. */
  dollarsPer1000ObjectMonths: dollarsSchema,
  retrieval: z.array(retrievalSchema).min(1),
})
export type ClassPrices = z.output<typeof classPricesSchema>

/** Ascending; each tier holds for what lies above the one before. The last has no end. */
const tiersSchema = z
  .array(z.strictObject({ upToGiB: z.number().positive().optional(), dollarsPerGiB: dollarsSchema }))
  .min(1)
  .refine(
    (tiers) =>
      tiers.every(({ upToGiB = Number.POSITIVE_INFINITY }, index) =>
        index === tiers.length - 1
          ? upToGiB === Number.POSITIVE_INFINITY
          : upToGiB > (tiers[index - 1]?.upToGiB ?? 0) && upToGiB !== Number.POSITIVE_INFINITY,
      ),
    { error: 'tiers ascend by upToGiB, and the last has none' },
  )

export const priceTableSchema = z.strictObject({
  version: z.literal(1),
  region: z.string().min(1),
  /** Every figure is told in dollars. */
  currency: z.literal('USD'),
  /** When these prices held. */
  asOf: z.iso.date(),
  /** Where they come from. */
  source: z.string().min(1),
  storage: z.record(storageClassSchema, classPricesSchema),
  /** LIST is billed like a PUT to STANDARD, whatever is listed. */
  dollarsPer1000Lists: dollarsSchema,
  lambda: z.strictObject({
    /** Of arm64. AWS's GB of memory has 1,024 MB. */
    dollarsPerGiBSecond: dollarsSchema,
    dollarsPerMillionRequests: dollarsSchema,
  }),
  dollarsPer1000Transitions: dollarsSchema,
  /** Disks that are read and written block by block, over snapshots. A table without them prices none of it. */
  blocks: z
    .strictObject({
      /** What is billed as one. */
      blockBytes: z.int().positive(),
      dollarsPer1000Reads: dollarsSchema,
      dollarsPer1000Writes: dollarsSchema,
      dollarsPerGiBMonthOfSnapshots: dollarsSchema,
    })
    .optional(),
  /** Out of S3's region, in one month. */
  transferOut: z.record(destinationSchema, tiersSchema),
})
export type PriceTable = z.output<typeof priceTableSchema>

/** One line of a quote, receipt or bill. Both dollars are the same where nothing is uncertain. */
export const priceItemSchema = z.strictObject({
  what: z.string(),
  leastDollars: dollarsSchema,
  mostDollars: dollarsSchema,
})
export type PriceItem = z.output<typeof priceItemSchema>

/** Items and their sum, with what isn't in it. Rounded to millionths of a dollar, the sum from the rounded items. */
export const pricedSchema = z.strictObject({
  items: z.array(priceItemSchema),
  leastDollars: dollarsSchema,
  mostDollars: dollarsSchema,
  /** Sentences for people. */
  leavesOut: z.array(z.string()),
  /** Region, date and source of the table. */
  prices: z.string(),
})
export type Priced = z.output<typeof pricedSchema>

/** What reading an archive back once costs: one price for each way that its class has, or why nobody can say. */
export const archiveRestorePriceSchema = z.strictObject({
  /** S3's word. */
  storageClass: z.string(),
  sizeBytes: bytesSchema,
  objects: z.int().nonnegative(),
  ways: z.array(
    pricedSchema.extend({ destination: destinationSchema, tier: retrievalSchema.shape.tier, takes: z.string() }),
  ),
  /** A sentence, where there are no ways. */
  unpriced: z.string().optional(),
})

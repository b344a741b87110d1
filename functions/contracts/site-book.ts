/** `sites/<site>.json`: which cluster a site's archives come from, and which of its guests its lists have lacked since when. */
import * as z from 'zod'
import { guestIdentitySchema, guestKindSchema, instantSchema, siteNameSchema } from './nouns.ts'

/** A cluster that answered for the site. `id` is opaque: it compares, and says nothing else. */
const pinnedClusterSchema = z.strictObject({ id: z.string().min(1), pinnedAt: instantSchema })

/** A guest that has archives. What a later version knows more of it is kept. */
export const bookedGuestSchema = z.strictObject({
  kind: guestKindSchema,
  id: z.string().min(1),
  /** Whole lists that had it: the last one's time, and who it was then. */
  seenAt: instantSchema.optional(),
  identity: guestIdentitySchema.optional(),
  /** Whole lists that lacked it, without one that had it in between. */
  absent: z
    .strictObject({
      since: instantSchema,
      /** Lists that count: each a good while after the one before. */
      lists: z.int().min(1),
      /** When the last of these was made. */
      countedAt: instantSchema,
    })
    .optional(),
  /** When a person took note of its absence, or a pruning first treated it as gone. Absent while it is on the site. */
  settledAt: instantSchema.optional(),
})
export type BookedGuest = z.output<typeof bookedGuestSchema>

export const siteBookSchema = z.strictObject({
  version: z.literal(1),
  site: siteNameSchema,
  /** The cluster whose guests are archived under this site's name. Absent where the platform doesn't tell. */
  cluster: pinnedClusterSchema.optional(),
  /** Those before it, oldest first, until a person accepted the next. */
  earlierClusters: z.array(pinnedClusterSchema).optional(),
  /** When the last whole list was recorded. */
  listedAt: instantSchema.optional(),
  guests: z.array(bookedGuestSchema),
})
export type SiteBook = z.output<typeof siteBookSchema>

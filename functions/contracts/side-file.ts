/** Small files that travel with an archive's evidence and lie beside it, as the platform's log or a guest's firmware variables. */
import * as z from 'zod'

/**
 * The path of a file within an archive's folder: one or more names with slashes between, unique within the archive. No
 * name may lead out of the folder or stand for one of Guestlift's own files.
 */
export const archivePathSchema = z
  .string()
  .min(1)
  .max(512)
  .refine((path) => path.split('/').every((name) => name !== '' && name !== '.' && name !== '..'), {
    error: 'not a path within a folder: a part of it is empty, . or ..',
  })
  // oxlint-disable-next-line no-control-regex -- control characters are what is refused
  .refine((path) => !/[\u0000-\u001F\u007F\\]/.test(path), { error: 'holds a control character or a backslash' })
  .refine((path) => !/^(manifest|verification)\.json$/.test(path), {
    error: "is the name of one of Guestlift's own files",
  })

/**
 * Only such names may be written beside an archive: a log, notes, the guest's description, and all else in a folder `side`.
 * The function that writes them has rights on nothing else there.
 */
const sideFileNameSchema = archivePathSchema.refine((path) => /(?:\.log|\.notes|^guest\.json)$|^side\//.test(path), {
  error: 'a side file ends in .log or .notes, is guest.json, or lies in side/',
})

const named = { name: sideFileNameSchema }
/** Text as UTF-8, other bytes as base64. */
export const sideFileSchema = z.union([
  z.strictObject({ ...named, text: z.string() }),
  z.strictObject({ ...named, base64: z.base64() }),
])
export type SideFile = z.infer<typeof sideFileSchema>

/**
 * The options of a backup as a person writes them: common ones, and a block with the name of the platform for its own.
 * Proxmox VE's own may also stand beside the common ones, as in jobs from before there were blocks: both mean the same.
 */
import * as z from 'zod'
import { type BackupOptions, backupOptionsSchema } from './backup-options.ts'

/** By the platform's name, what its block may say. Nothing has a default there: what is missing has to be seen. */
export type OptionBlocks = Readonly<Record<string, z.ZodObject>>

export interface PlatformOptions<Blocks extends OptionBlocks = OptionBlocks> {
  blocks: Blocks
  /** The platform whose options may stand beside the common ones. */
  beside: string
}

const { notes, skipDisks, own: _own, ...beside } = backupOptionsSchema.shape
const common = { notes, skipDisks }

type Unfilled<Field extends z.ZodType> = Field extends z.ZodDefault<infer Inner> ? z.ZodOptional<Inner> : Field
type AllUnfilled<Fields extends Record<string, z.ZodType>> = { [Name in keyof Fields]: Unfilled<Fields[Name]> }

/** Fields without their defaults, which a JSON Schema still shows: whether a person wrote one has to be seen. */
function unfilled<Fields extends Record<string, z.ZodType>>(fields: Fields): AllUnfilled<Fields> {
  return Object.fromEntries(
    Object.entries(fields).map(([name, field]) => [
      name,
      field instanceof z.ZodDefault
        ? z.optional(field.unwrap()).meta({ ...field.meta(), default: field.def.defaultValue })
        : field,
    ]),
  ) as AllUnfilled<Fields>
}

/** The options that records have beside the common ones, as a block of their own. */
export const besideBlock = z.strictObject(unfilled(beside))

type WrittenBackup<Blocks extends OptionBlocks> = z.input<typeof besideBlock> &
  z.input<z.ZodObject<typeof common>> & { [Name in keyof Blocks]?: z.input<Blocks[Name]> | undefined }

/**
 * What a person may write as `backup`. Comes out as `backupOptionsSchema` has it, and that may be read again: a schedule
 * keeps a job that was read.
 */
export function writtenBackup<Blocks extends OptionBlocks>(
  platforms: PlatformOptions<Blocks>,
): z.ZodType<BackupOptions, WrittenBackup<Blocks>> {
  const blocks = Object.fromEntries(
    Object.entries(platforms.blocks).map(([name, block]) => [
      name,
      block.optional().describe(`Options of the platform ${name} alone.`),
    ]),
  )
  const written = z.strictObject({ ...common, ...besideBlock.shape, ...blocks })
  const merged = written.transform((value, context) => {
    const { options, complaints } = merge(value, platforms)
    for (const { path, message } of complaints) context.addIssue({ code: 'custom', path, message, input: value })
    return complaints.length > 0 ? z.NEVER : options
  })
  return z.preprocess(withBlocksBeside, merged.pipe(backupOptionsSchema)) as unknown as z.ZodType<
    BackupOptions,
    WrittenBackup<Blocks>
  >
}

/** Blocks stand in `own` in a job that was read before. */
function withBlocksBeside(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || !('own' in value)) return value
  const { own, ...rest } = value
  if (typeof own !== 'object' || own === null || Object.keys(own).some((name) => name in rest)) return value
  return { ...rest, ...own }
}

/** What stands in a job that was read before and asked for nothing. */
const unasked: Record<string, unknown> = backupOptionsSchema.parse({})

interface Merged {
  options: z.input<typeof backupOptionsSchema>
  complaints: { path: string[]; message: string }[]
}

function merge(written: Record<string, unknown>, platforms: PlatformOptions): Merged {
  const named = Object.keys(platforms.blocks).filter((name) => written[name] !== undefined)
  const [first, second] = named
  const flat = Object.fromEntries(Object.entries(written).filter(([name]) => !named.includes(name)))
  if (first === undefined) return { options: flat, complaints: [] }
  if (second !== undefined) {
    const message = `a job is for one site, so for one platform: keep ${named.join(' or ')}`
    return { options: flat, complaints: [{ path: [second], message }] }
  }
  const block = written[first] as Record<string, unknown>
  if (first === platforms.beside) {
    const twice = Object.keys(block).filter((name) => flat[name] !== undefined && !isSame(flat[name], block[name]))
    const complaints = twice.map((name) => ({
      path: [first, name],
      message: `backup.${name} says ${JSON.stringify(flat[name])}, and this ${JSON.stringify(block[name])}: keep one of them`,
    }))
    return { options: { ...flat, ...block }, complaints }
  }
  const foreign = Object.keys(flat).filter((name) => !(name in common) && !isSame(flat[name], unasked[name]))
  const message = `is an option of the platform ${platforms.beside}, and there is a block for ${first}: leave it out`
  return {
    options: { ...flat, own: { [first]: block } },
    complaints: foreign.map((name) => ({ path: [name], message })),
  }
}

/** Both were read by the same schema, so their keys are in one order. */
function isSame(one: unknown, other: unknown): boolean {
  return JSON.stringify(one) === JSON.stringify(other)
}

/** What the text of a stored record says, read tolerantly. Pure: where it lies and who asks for it is elsewhere. */
import * as z from 'zod'
import { parseJson } from '../words/parse-json.ts'
import { tolerant, type Unknown } from './tolerant-schema.ts'
import { validationMessage } from '../words/validation-message.ts'

/** One kind of record: a promise that what was written once stays readable. */
export interface Shape<Value> {
  /** What people call it: `claim`, `plan of the run`. */
  name: string
  /** Strict: writing goes by it. */
  schema: z.ZodType<Value>
  /** The version that is written, and the newest that is understood. */
  version: number
  /** What a person can do about one that can't be read: whole sentences. */
  remedy: string
  /** People read it: one field a line. */
  pretty: boolean
}

export type ReadText<Value> =
  | { value: Value }
  /** Something newer wrote it, and what it means isn't known here. */
  | { newerVersion: number; writtenBy?: string }
  /** Why, without a full stop. */
  | { unreadable: string }

/** Something else altogether breaks every rule of a shape; a few of them say so. */
const COMPLAINTS = 3

/** Fields that name the version of what wrote a record, where a shape has one. */
const writerSchema = z.looseObject({ writtenBy: z.string().optional(), tool: z.string().optional() })
const versionSchema = z.looseObject({ version: z.number() })

/** Read a record's text. A higher version isn't looked at further: what its fields mean isn't known here. */
export function readText<Value>(
  { schema, version }: Pick<Shape<Value>, 'schema' | 'version'>,
  text: string,
  unknown: Unknown = 'left-out',
): ReadText<Value> {
  const json = parseJson(text)
  if (json === undefined)
    return { unreadable: text.trim() === '' ? 'it is empty' : "it isn't JSON, or it is cut short" }
  const told = versionSchema.safeParse(json).data?.version
  if (told !== undefined && told > version) {
    const { writtenBy, tool } = writerSchema.safeParse(json).data ?? {}
    const writer = writtenBy ?? tool
    return { newerVersion: told, ...(writer === undefined ? {} : { writtenBy: writer }) }
  }
  const parsed = tolerant(schema, unknown).safeParse(json)
  if (parsed.success) return { value: parsed.data }
  return { unreadable: validationMessage(new z.ZodError(parsed.error.issues.slice(0, COMPLAINTS))) }
}

/** What a newer record asks of people: whole sentences. */
export function newerAdvice({ newerVersion, writtenBy }: { newerVersion: number; writtenBy?: string }): string {
  const who = writtenBy === undefined ? '' : `, written by ${writtenBy}`
  return `It has version ${newerVersion}${who}, which this version can't read. Update Guestlift (functions and command line).`
}

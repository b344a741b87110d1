/**
 * The one place where operations read and write stored JSON. Written strictly, read tolerantly; what a newer version
 * wrote beside is kept by those who write a record back; a higher version is refused; what can't be read is never taken
 * for empty.
 */
import type { ArchiveStore } from '../../aws/archive-store.ts'
import { InternalFault, RecordTooNew, RecordUnreadable } from '../../contracts/errors.ts'
import type { DatedLock } from '../../contracts/object-lock.ts'
import { newerAdvice, type ReadText, readText, type Shape } from '../../domain/books/stored-record.ts'
import { tolerant, type Unknown } from '../../domain/books/tolerant-schema.ts'
import { validationMessage } from '../../domain/words/validation-message.ts'

type Reads = Pick<ArchiveStore, 'bucket' | 'readText'>
type Writes = Pick<ArchiveStore, 'bucket' | 'writeText'>

/** A record to be changed: with the fields that its writer knew and we don't, and the tag that writing it back needs. */
export interface Held<Value> {
  value: Value
  etag: string
}

/**
 * A record as far as this version knows it; `undefined` when there is none.
 * @throws RecordTooNew, RecordUnreadable
 */
export async function readRecord<Value>(store: Reads, key: string, shape: Shape<Value>): Promise<Value | undefined> {
  return (await read(store, key, shape, 'left-out'))?.value
}

/** A record to be written back, whole. @throws RecordTooNew, RecordUnreadable */
export function holdRecord<Value>(store: Reads, key: string, shape: Shape<Value>): Promise<Held<Value> | undefined> {
  return read(store, key, shape, 'kept')
}

/** Of a text that was read elsewhere, for those who report what is wrong and go on. */
export function recordIn<Value>(
  shape: Pick<Shape<Value>, 'schema' | 'version'>,
  text: string,
  unknown: Unknown = 'left-out',
): ReadText<Value> {
  return readText(shape, text, unknown)
}

/** The value of a text that was read elsewhere. @throws RecordTooNew, RecordUnreadable */
export function requireRecord<Value>(
  { bucket }: Pick<ArchiveStore, 'bucket'>,
  key: string,
  shape: Shape<Value>,
  text: string,
  unknown: Unknown = 'left-out',
): Value {
  const found = readText(shape, text, unknown)
  if ('value' in found) return found.value
  const what = `The ${shape.name} s3://${bucket}/${key}`
  if ('newerVersion' in found) throw new RecordTooNew(`${what} was left as it is. ${newerAdvice(found)}`)
  throw new RecordUnreadable(`${what} can't be read: ${found.unreadable}. It was left as it is. ${shape.remedy}`)
}

/** For those who report a record that nobody can read and go on without touching what it is about. */
export async function unlessUnreadable<Value>(reading: Promise<Value>): Promise<Value | 'unreadable'> {
  try {
    return await reading
  } catch (error) {
    if (error instanceof RecordUnreadable || error instanceof RecordTooNew) return 'unreadable'
    throw error
  }
}

export interface WriteOptions {
  /** Of the object; without it, the bucket's default. */
  lock?: DatedLock
  onlyIf?: { absent: true } | { etag: string }
  /** It was held before: fields that this version doesn't know are its writer's, and go back. */
  held?: boolean
}

/** The text of a record. @throws InternalFault for one that isn't of its shape: nothing is written then */
export function recordText<Value>(shape: Shape<Value>, value: Value, held = false): string {
  const schema = held ? tolerant(shape.schema, 'kept') : shape.schema
  const { error } = schema.safeParse(value)
  if (error !== undefined) {
    throw new InternalFault(`A ${shape.name} was not written, since it breaks its shape: ${validationMessage(error)}.`)
  }
  return shape.pretty ? `${JSON.stringify(value, undefined, 2)}\n` : `${JSON.stringify(value)}\n`
}

/** Write a record. Returns its tag, or `undefined` when the condition didn't hold and nothing was written. */
export function writeRecord<Value>(
  store: Writes,
  key: string,
  shape: Shape<Value>,
  value: Value,
  { onlyIf, lock, held = false }: WriteOptions = {},
): Promise<string | undefined> {
  const conditions = { ...(onlyIf === undefined ? {} : { onlyIf }), ...(lock === undefined ? {} : { lock }) }
  const options = { contentType: 'application/json', ...conditions }
  return store.writeText(key, recordText(shape, value, held), options)
}

async function read<Value>(
  store: Reads,
  key: string,
  shape: Shape<Value>,
  unknown: Unknown,
): Promise<Held<Value> | undefined> {
  const found = await store.readText(key)
  if (found === undefined) return undefined
  return { value: requireRecord(store, key, shape, found.text, unknown), etag: found.etag }
}

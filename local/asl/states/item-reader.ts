import { parseCsv } from '../csv.ts'
import type { ItemReader, ReaderFormat } from '../definition.ts'
import { evaluationFailure, StateFailure } from '../errors.ts'
import { unexpectedType } from '../expressions.ts'
import { isJsonObject, isObject, type Json } from '../json.ts'
import type { Visit } from '../visit.ts'

/** Reads a distributed Map's items from S3. Throws `States.ItemReaderFailed` when the object can't be read or isn't what the reader says. */
export async function readItems(reader: ItemReader, visit: Visit): Promise<readonly Json[]> {
  const place = await objectPlace(reader, visit)
  const limit = await maxItems(reader, visit)
  const { clock, store } = visit.run.world
  const where = `s3://${place.bucket}/${place.key}`
  if (store === undefined) throw readerFailed(`There is no S3 to read ${where} from`)
  try {
    const body = await clock.during(async () => store.getObject(place.bucket, place.key), visit.frame.signal)
    visit.frame.signal.throwIfAborted()
    const text = typeof body === 'string' ? body : new TextDecoder('utf-8').decode(body)
    const items = parseItems(text.replace(/^\uFEFF/, ''), reader.format)
    return limit === undefined ? items : items.slice(0, limit)
  } catch (error) {
    visit.frame.signal.throwIfAborted()
    if (error instanceof StateFailure) throw error
    const { name, message } = error instanceof Error ? error : { name: 'Error', message: String(error) }
    throw readerFailed(`${where} can't be read: ${name}: ${message}`)
  }
}

/** Splits an object's text into items. Throws `States.ItemReaderFailed`, or SyntaxError for text that isn't of the format. */
export function parseItems(text: string, format: ReaderFormat): readonly Json[] {
  switch (format.type) {
    case 'JSON': {
      const value: Json = JSON.parse(text)
      const items = format.pointer === undefined ? value : resolvePointer(value, format.pointer)
      if (!Array.isArray(items)) throw readerFailed('Attempting to map over non-iterable node.')
      return items
    }
    case 'JSONL': {
      const lines = text.split(/\r?\n/).filter((line) => line.trim() !== '')
      return lines.map((line): Json => JSON.parse(line))
    }
    case 'CSV':
    default: {
      const rows = parseCsv(text, format.delimiter)
      const headers = format.headers ?? rows.shift() ?? []
      // Every cell is text; a short row has empty cells, cells beyond the headers have no name to go by.
      return rows.map((row) => Object.fromEntries(headers.map((header, index) => [header, row[index] ?? ''])))
    }
  }
}

/** RFC 6901. Undefined when the pointer leads nowhere. */
function resolvePointer(value: Json, pointer: string): Json | undefined {
  let found: Json | undefined = value
  for (const token of pointer.split('/').slice(1)) {
    const key = token.replaceAll('~1', '/').replaceAll('~0', '~')
    if (Array.isArray(found)) found = /^(0|[1-9]\d*)$/.test(key) ? found[Number(key)] : undefined
    else if (isJsonObject(found) && Object.hasOwn(found, key)) found = found[key]
    else return undefined
  }
  return found
}

async function objectPlace(reader: ItemReader, visit: Visit): Promise<{ bucket: string; key: string }> {
  const args = await visit.evaluate(reader.arguments)
  if (isObject(args)) {
    const { Bucket: bucket, Key: key } = args
    if (typeof bucket === 'string' && typeof key === 'string') return { bucket, key }
  }
  throw evaluationFailure('ItemReader/Arguments must give Bucket and Key as strings.', 'ItemReader/Arguments')
}

async function maxItems(reader: ItemReader, visit: Visit): Promise<number | undefined> {
  if (reader.maxItems === undefined) return undefined
  const limit = await visit.evaluate(reader.maxItems)
  if (typeof limit !== 'number') throw unexpectedType(reader.maxItems, 'number', limit)
  if (!Number.isInteger(limit) || limit < 1) {
    throw evaluationFailure(`The MaxItems field must be a positive integer but was: ${limit}`, reader.maxItems.location)
  }
  return limit
}

function readerFailed(cause: string): StateFailure {
  return new StateFailure('States.ItemReaderFailed', cause)
}

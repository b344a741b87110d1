import { createHash } from 'node:crypto'
import jsonata from 'jsonata'
import { type Json, messageOf } from './json.ts'

/** Where the functions get the time and chance from: both are the caller's. */
export interface Surroundings {
  /** Milliseconds since the epoch, read once per evaluation. */
  readonly now: () => number
  /** A number in [0, 1). */
  readonly random: () => number
}

/** AWS allows `$range(1, 360145, 1)` and refuses one element more. */
const LONGEST_RANGE = 360_145

const HASHES: ReadonlyMap<unknown, string> = new Map([
  ['MD5', 'md5'],
  ['SHA-1', 'sha1'],
  ['SHA-256', 'sha256'],
  ['SHA-384', 'sha384'],
  ['SHA-512', 'sha512'],
])

const formatMillis = jsonata('$fromMillis($milliseconds, $picture, $timezone)')

/**
 * The bindings that make JSONata 2.0.6 the dialect of Step Functions: `$partition`, `$range`, `$hash`, `$random`, `$uuid` and `$parse` added, `$eval` taken
 * away (a call fails with JSONata's T1006, as on AWS), `$now`, `$millis` and `$shuffle` on the given clock and chance.
 * Source: developer guide, "JSONata functions provided by Step Functions"; the undefined results are AWS's own observed behaviour.
 */
export function awsFunctions(surroundings: Surroundings): Record<string, unknown> {
  const now = surroundings.now()
  return {
    eval: undefined,
    partition,
    range,
    hash,
    parse,
    random: (seed?: unknown) =>
      seed === undefined ? surroundings.random() : seededRandom(wholeNumber('random', 1, seed)),
    uuid: () => uuid(surroundings.random),
    millis: () => now,
    now: async (picture?: unknown, timezone?: unknown): Promise<unknown> =>
      formatMillis.evaluate(undefined, { milliseconds: now, picture, timezone }),
    shuffle: (list?: unknown) => shuffle(list, surroundings.random),
  }
}

/** The way JSONata itself throws: a code and a message. */
function jsonataError(code: string, message: string): Error {
  return Object.assign(new Error(message), { code })
}

/** Arguments that should be whole numbers are rounded towards zero. */
function wholeNumber(name: string, index: number, value: unknown): number {
  if (typeof value !== 'number' || !Number.isFinite(value)) {
    throw jsonataError('T0410', `Argument ${index} of function "${name}" does not match function signature`)
  }
  return Math.trunc(value)
}

function partition(list?: unknown, size?: unknown): unknown {
  if (list === undefined || size === undefined) return undefined
  const items = Array.isArray(list) ? list : [list]
  const length = wholeNumber('partition', 2, size)
  if (length < 0) throw jsonataError('D3137', 'The chunk size of $partition must not be negative')
  if (length === 0 || items.length === 0) return undefined
  return Array.from({ length: Math.ceil(items.length / length) }, (_, index) =>
    items.slice(index * length, (index + 1) * length),
  )
}

/** From first to last inclusive. By JSONata's sequence rules one element is the bare number, and none is undefined. */
function range(first?: unknown, last?: unknown, step?: unknown): unknown {
  if (first === undefined || last === undefined || step === undefined) return undefined
  const from = wholeNumber('range', 1, first)
  const to = wholeNumber('range', 2, last)
  const by = wholeNumber('range', 3, step)
  if (by === 0) return undefined
  const length = Math.floor((to - from) / by) + 1
  if (length > LONGEST_RANGE) throw jsonataError('D2014', 'Expression evaluation memory limit exceeded')
  if (length <= 0) return undefined
  if (length === 1) return from
  return Array.from({ length }, (_, index) => from + index * by)
}

function hash(text?: unknown, algorithm?: unknown): unknown {
  if (text === undefined || algorithm === undefined) return undefined
  if (typeof text !== 'string') {
    throw jsonataError('T0410', 'Argument 1 of function "hash" does not match function signature')
  }
  const name = HASHES.get(algorithm)
  if (name === undefined) {
    throw jsonataError(
      'D3137',
      `The hashing algorithm ${JSON.stringify(algorithm)} is not supported: use one of ${[...HASHES.keys()].join(', ')}`,
    )
  }
  return createHash(name).update(text, 'utf8').digest('hex')
}

function parse(text?: unknown): unknown {
  if (text === undefined) return undefined
  if (typeof text !== 'string') {
    throw jsonataError('T0410', 'Argument 1 of function "parse" does not match function signature')
  }
  try {
    const value: Json = JSON.parse(text)
    return value
  } catch (error) {
    throw jsonataError('D3137', `$parse() was given text that is not JSON: ${messageOf(error)}`)
  }
}

/** mulberry32: the same seed gives the same number, as AWS promises; the number itself is ours. */
function seededRandom(seed: number): number {
  let state = (seed | 0) + 0x6d2b79f5
  state = Math.imul(state ^ (state >>> 15), state | 1)
  state ^= state + Math.imul(state ^ (state >>> 7), state | 61)
  return ((state ^ (state >>> 14)) >>> 0) / 4_294_967_296
}

/** A version 4 UUID from the given source of chance. */
export function uuid(random: () => number): string {
  const bytes = Array.from({ length: 16 }, () => Math.floor(random() * 256))
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x40
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80
  return Buffer.from(bytes)
    .toString('hex')
    .replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
}

function shuffle(list: unknown, random: () => number): unknown {
  if (list === undefined) return undefined
  const result: unknown[] = Array.isArray(list) ? [...list] : [list]
  if (result.length === 1) return list
  for (let index = result.length - 1; index > 0; index--) {
    const other = Math.floor(random() * (index + 1))
    const moved = result[index]
    result[index] = result[other]
    result[other] = moved
  }
  return result
}

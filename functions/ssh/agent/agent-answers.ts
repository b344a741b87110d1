/** What the agent on the node says (see `agent-program.ts`). Everything from a node is read with suspicion. */
import * as z from 'zod'

/** Why the agent couldn't do what it was asked: about the file, about the store, or about itself. */
export const failureKindSchema = z.enum([
  'missing',
  'denied',
  'irregular',
  'foreign',
  'full',
  'disk',
  'short',
  'dns',
  'connect',
  'tls',
  'no-tls',
  'stall',
  'cut',
  'garbled',
  'bug',
])
export type FailureKind = z.infer<typeof failureKindSchema>

const failureSchema = z.object({ fail: failureKindSchema, text: z.string() })
export type AgentFailure = z.infer<typeof failureSchema>

const identity = { sizeBytes: z.int().nonnegative(), modifiedMilliseconds: z.int().nonnegative() }

const crc32Schema = z.int().min(0).max(0xffffffff)
/** What the store said, passed on; only the start of the body. */
const httpAnswer = {
  status: z.int().min(200).max(599),
  headers: z.record(z.string(), z.string()),
  body: z.string(),
}
const flag = z.literal([0, 1]).transform((value) => value === 1)
/** What lies under a name, links not followed. `own`: the account's own. */
const foundSchema = z.object({
  sizeBytes: z.int().nonnegative(),
  allocatedBytes: z.int().nonnegative(),
  regular: flag,
  own: flag,
})

const answerSchemas = {
  probe: z.object({ ok: z.literal('probe'), perl: z.string(), tls: z.string() }),
  open: z.object({ ok: z.literal('open'), ...identity }),
  stat: z.object({ ok: z.literal('stat'), ...identity }),
  sum: z.object({
    ok: z.literal('sum'),
    crc32: crc32Schema,
    md5: z.string().regex(/^[A-Za-z0-9+/]{22}==$/),
  }),
  read: z.object({ ok: z.literal('read') }),
  put: z.object({ ok: z.literal('put'), ...httpAnswer }),
  look: z.object({
    ok: z.literal('look'),
    temporary: foundSchema.optional(),
    final: foundSchema.optional(),
    freeBytes: z.int().nonnegative().optional(),
  }),
  crc: z.object({ ok: z.literal('crc'), crc32: crc32Schema, sizeBytes: z.int().nonnegative() }),
  create: z.object({ ok: z.literal('create') }),
  fetch: z.object({
    ok: z.literal('fetch'),
    ...httpAnswer,
    // Of the bytes as they came, and of those that lie in the file then.
    sums: z.object({ arrived: crc32Schema, written: crc32Schema }).optional(),
  }),
  finish: z.object({
    ok: z.literal('finish'),
    state: z.enum(['made', 'gone', 'taken', 'size']),
    sizeBytes: z.int().nonnegative().optional(),
  }),
  discard: z.object({ ok: z.literal('discard') }),
} as const
type Answers = { [Verb in keyof typeof answerSchemas]: z.infer<(typeof answerSchemas)[Verb]> }

interface Range {
  positionBytes: number
  sizeBytes: number
}

/** What the agent may be asked. */
export interface Requests {
  /** Can the agent enter a folder, and reach the store that a URL leads to? */
  probe: { path?: string; url?: string }
  open: { path: string }
  stat: { path: string }
  sum: Range
  read: Range
  put: Range & { url: string; headers: Readonly<Record<string, string>> }
  /** What lies in a folder that is to be written to, under up to two names in it. */
  look: { folder: string; temporary?: string; final?: string }
  /** Sum up a range of a file, and tell the whole file's size. */
  crc: Range & { path: string }
  /** Make the file, empty, unless it is there. */
  create: { path: string }
  /** Write a range from the store into the file, and sum up what came and what lies there: only where the store gave it. */
  fetch: Range & { path: string; url: string; headers: Readonly<Record<string, string>> }
  /** `made`: the file has its name. `gone`: no temporary file. `taken`: another has the name. `size`: not this one. */
  finish: { folder: string; temporary: string; final: string; sizeBytes: number }
  discard: { path: string }
}
export type Verb = keyof Requests
export type Answer<V extends Verb> = Answers[V]

/** One line of the agent's. */
export type AgentLine<V extends Verb> =
  | { kind: 'working' }
  | { kind: 'data'; sizeBytes: number }
  | { kind: 'failure'; failure: AgentFailure }
  | { kind: 'answer'; answer: Answer<V> }

const workingSchema = z.object({ working: z.literal(1) })
const dataSchema = z.object({ data: z.int().positive() })

/** `undefined` for a line that is none of what may come after `verb` was asked. */
export function parseAgentLine<V extends Verb>(verb: V, line: string): AgentLine<V> | undefined {
  let value: unknown
  try {
    value = JSON.parse(line)
  } catch {
    return undefined
  }
  if (workingSchema.safeParse(value).success) return { kind: 'working' }
  const data = dataSchema.safeParse(value)
  if (data.success) return { kind: 'data', sizeBytes: data.data.data }
  const failure = failureSchema.safeParse(value)
  if (failure.success) return { kind: 'failure', failure: failure.data }
  const answer = answerSchemas[verb].safeParse(value)
  // The schema is the verb's own; TypeScript doesn't follow the index from the map of schemas to that of answers.
  return answer.success ? { kind: 'answer', answer: answer.data as Answer<V> } : undefined
}

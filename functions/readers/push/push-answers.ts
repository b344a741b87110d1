/** What the agent on the node says (see `push-agent.ts`). Everything from a node is read with suspicion. */
import * as z from 'zod'

/** Why the agent couldn't do what it was asked: about the file, about the store, or about itself. */
export const failureKindSchema = z.enum([
  'missing',
  'denied',
  'irregular',
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

const answerSchemas = {
  probe: z.object({ ok: z.literal('probe'), perl: z.string(), tls: z.string() }),
  open: z.object({ ok: z.literal('open'), ...identity }),
  stat: z.object({ ok: z.literal('stat'), ...identity }),
  sum: z.object({
    ok: z.literal('sum'),
    crc32: z.int().min(0).max(0xffffffff),
    md5: z.string().regex(/^[A-Za-z0-9+/]{22}==$/),
  }),
  read: z.object({ ok: z.literal('read') }),
  put: z.object({
    ok: z.literal('put'),
    status: z.int().min(200).max(599),
    headers: z.record(z.string(), z.string()),
    body: z.string(),
  }),
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

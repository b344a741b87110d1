/**
 * The lab's control address: plain HTTP on loopback, for people and scripts that play a bad night from outside. `GET`
 * shows the state, `POST` of one JSON object changes it and shows the state afterwards. Anyone who reaches this machine's
 * loopback rules the lab; pages in a browser must not, so a foreign `Host` and any `Origin` are refused.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type * as z from 'zod'
import { closeAtOnce, listenOnLoopback } from './loopback.ts'

/** A command that can't be carried out; the message is a sentence for anyone who sent it. */
export class Refused extends Error {
  readonly status: number
  constructor(message: string, status = 400) {
    super(message)
    this.status = status
  }
}

/** What a lab lets be done from outside: one JSON object, one or more verbs in it. */
export interface Controlled<Shape extends z.ZodRawShape> {
  /** Of its commands; what it names are the verbs. */
  schema: z.ZodObject<Shape>
  /** What such a command looks like, for those who send none. */
  example: string
  state(): unknown
  /** @throws Refused when it can't be carried out; then nothing of it was done */
  apply(command: z.infer<z.ZodObject<Shape>>): unknown
}

const MOST_BYTES = 64 * 1024
const LOOPBACK = /^(127(?:\.\d{1,3}){3}|localhost|\[::1\])(:\d+)?$/i

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length
    if (bytes > MOST_BYTES) throw new Refused(`A command has at most ${MOST_BYTES} bytes.`, 413)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}

function commandOf<S extends z.ZodRawShape>({ schema, example }: Controlled<S>, text: string): z.infer<z.ZodObject<S>> {
  let given: unknown
  try {
    given = JSON.parse(text)
  } catch {
    throw new Refused(`The body is no JSON. Send one object, as ${example}.`)
  }
  const parsed = schema.safeParse(given)
  if (parsed.success) return parsed.data
  const told = parsed.error.issues.map(({ path, message }) =>
    path.length === 0 ? message : `${path.join('.')}: ${message}`,
  )
  const verbs = Object.keys(schema.shape).join(', ')
  throw new Refused(`The lab can't take this command: ${told.join('; ')}. Verbs: ${verbs}.`)
}

async function answer<S extends z.ZodRawShape>(request: IncomingMessage, control: Controlled<S>): Promise<unknown> {
  if (!LOOPBACK.test(request.headers.host ?? '')) {
    throw new Refused('The Host header names no loopback address. Use http://127.0.0.1 with the port as printed.', 403)
  }
  if (request.headers.origin !== undefined) throw new Refused('Pages in a browser may not control the lab.', 403)
  if (request.url !== '/') throw new Refused('The control address has one path: /.', 404)
  if (request.method === 'GET') return control.state()
  if (request.method !== 'POST') throw new Refused('The control address takes GET and POST.', 405)
  return control.apply(commandOf(control, await bodyOf(request)))
}

async function serve<S extends z.ZodRawShape>(
  request: IncomingMessage,
  response: ServerResponse,
  control: Controlled<S>,
): Promise<void> {
  let status = 200
  let body: unknown
  try {
    body = await answer(request, control)
  } catch (error) {
    status = error instanceof Refused ? error.status : 500
    body = { error: error instanceof Error ? error.message : String(error) }
  }
  response.writeHead(status, { 'content-type': 'application/json', connection: 'close' })
  response.end(`${JSON.stringify(body)}\n`)
}

/** Listen on 127.0.0.1. `port` 0 takes any free one. */
export async function startControlServer<S extends z.ZodRawShape>(
  port: number,
  control: Controlled<S>,
): Promise<{ url: string; close(): Promise<void> }> {
  const server = createServer((request, response) => void serve(request, response, control))
  const listening = await listenOnLoopback(server, port)
  return {
    url: `http://127.0.0.1:${listening}/`,
    close: () => closeAtOnce(server),
  }
}

/** Recorded exchanges with a real server: one scenario a file, as `{scenario, exchanges: [{request, response}]}`. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import * as z from 'zod'
import type { Reply } from './byte-server.ts'

const headersSchema = z.array(z.tuple([z.string(), z.string()])).default([])

/** Only what is needed to make the call again and to answer it; an answer may be missing or cut off. */
export const exchangeSchema = z.object({
  request: z.object({
    method: z.string(),
    path: z.string(),
    headers: headersSchema.nullish().transform((headers) => headers ?? []),
    body: z.string().nullish(),
  }),
  response: z.object({
    statusLine: z.string().nullish(),
    status: z.number().nullish(),
    headers: headersSchema.nullish().transform((headers) => headers ?? []),
    body: z.string().nullish(),
    /** Bytes that aren't text, such as compressed ones. */
    bodyBase64: z.string().nullish(),
    connectionAfter: z.string().nullish(),
  }),
})
export type Exchange = z.infer<typeof exchangeSchema>

const fileSchema = z.object({ exchanges: z.array(z.unknown()) })

/** A file's exchanges in order; in place of one that can't be read, or of the whole file, what is wrong with it. */
export type Recorded = { exchange: Exchange } | { complaint: string }

export function recordingFiles(directory: string): string[] {
  return readdirSync(directory, { withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.json'))
    .map((entry) => entry.name)
    .toSorted()
}

export function readRecording(directory: string, file: string): Recorded[] | { complaint: string } {
  let content: unknown
  try {
    content = JSON.parse(readFileSync(join(directory, file), 'utf8'))
  } catch (error) {
    return { complaint: `not readable as JSON: ${error instanceof Error ? error.message : String(error)}` }
  }
  const parsed = fileSchema.safeParse(content)
  if (!parsed.success) return { complaint: 'no list of "exchanges" in it' }
  return parsed.data.exchanges.map((one) => {
    const exchange = exchangeSchema.safeParse(one)
    if (exchange.success) return { exchange: exchange.data }
    const [issue] = exchange.error.issues
    return { complaint: `${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'not an exchange'}` }
  })
}

/** The very bytes: status line with its reason, headers in their order and number, body. No status line: nothing came. */
export function recordedReply({ response }: Exchange): Reply {
  const body =
    response.bodyBase64 == null ? Buffer.from(response.body ?? '', 'utf8') : Buffer.from(response.bodyBase64, 'base64')
  if (response.statusLine == null || response.statusLine === '') return { bytes: body, after: 'close' }
  const head = [response.statusLine, ...response.headers.map(([name, value]) => `${name}: ${value}`)].join('\r\n')
  return {
    bytes: Buffer.concat([Buffer.from(`${head}\r\n\r\n`, 'latin1'), body]),
    after: (response.connectionAfter ?? '').startsWith('closed') ? 'close' : 'keep',
  }
}

/** Recorded exchanges with a real Proxmox VE server, and a script that answers with them byte for byte. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { z } from 'zod'
import type { Reply, Script, SeenRequest } from './scripted-server.ts'

const folder = new URL('../../../../../shared/pve-transcripts/', import.meta.url)

/** The recordings lie beside the project, not in it. */
export const recordingsPresent = existsSync(folder)

const exchangeSchema = z.object({
  request: z.object({ method: z.string(), path: z.string(), body: z.string().nullish() }),
  response: z.object({
    statusLine: z.string(),
    status: z.number(),
    headers: z.array(z.tuple([z.string(), z.string()])),
    body: z.string().nullish(),
    bodyBase64: z.string().optional(),
    connectionAfter: z.string(),
  }),
})
export type Exchange = z.infer<typeof exchangeSchema>

export function recordingNames(): string[] {
  return readdirSync(folder)
    .filter((name) => name.endsWith('.json'))
    .map((name) => name.slice(0, -'.json'.length))
}

export function recording(name: string): Exchange[] {
  const file: unknown = JSON.parse(readFileSync(new URL(`${name}.json`, folder), 'utf8'))
  return z.object({ exchanges: z.array(exchangeSchema) }).parse(file).exchanges
}

/** The very bytes: status line with its reason, headers in their order and number, body. */
function bytesOf({ response }: Exchange): Reply {
  const head = [response.statusLine, ...response.headers.map(([name, value]) => `${name}: ${value}`)].join('\r\n')
  const body =
    response.bodyBase64 === undefined
      ? Buffer.from(response.body ?? '', 'utf8')
      : Buffer.from(response.bodyBase64, 'base64')
  return {
    bytes: Buffer.concat([Buffer.from(`${head}\r\n\r\n`, 'latin1'), body]),
    after: response.connectionAfter.startsWith('closed') ? 'close' : 'keep',
  }
}

/** What a request is answered by: the same method and path, with the same parameters if there is one, in recorded order. */
function keyOf({ method, path }: { method: string; path: string }, withQuery: boolean): string {
  const [bare = '', query = ''] = path.split('?')
  let decoded = bare
  try {
    decoded = decodeURIComponent(bare)
  } catch {
    // Recorded malformed paths stay as they are.
  }
  return withQuery && query !== '' ? `${method} ${decoded}?${query}` : `${method} ${decoded}`
}

/** Answer with the recorded exchanges; the last of several for the same request is repeated. `others` answers the rest. */
export function replay(exchanges: readonly Exchange[], others: (request: SeenRequest) => Reply | undefined): Script {
  const queues = new Map<string, Exchange[]>()
  for (const exchange of exchanges) {
    for (const key of new Set([keyOf(exchange.request, true), keyOf(exchange.request, false)])) {
      queues.set(key, [...(queues.get(key) ?? []), exchange])
    }
  }
  return (request) => {
    const queue = queues.get(keyOf(request, true)) ?? queues.get(keyOf(request, false)) ?? []
    const exchange = queue.length > 1 ? queue.shift() : queue[0]
    if (exchange !== undefined) return bytesOf(exchange)
    return others(request) ?? { bytes: 'HTTP/1.1 501 not recorded\r\nContent-Length: 0\r\n\r\n', after: 'close' }
  }
}

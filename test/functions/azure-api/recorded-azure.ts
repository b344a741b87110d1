/** Recordings of Microsoft's own clients, and a server that answers as it was recorded and notes what it was asked. */
import { existsSync, readFileSync } from 'node:fs'
import type { IncomingMessage } from 'node:http'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { text as textOf } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import * as z from 'zod'
import { createIdentity } from '../../../local/labs/shared/certificate.ts'

const directory = fileURLToPath(new URL('../../../../shared/azure-transcripts/', import.meta.url))

/** The recordings lie beside the project, not in it. */
export const recordingsPresent = existsSync(directory)

const exchangeSchema = z.object({
  request: z.object({
    method: z.string(),
    path: z.string(),
    query: z.record(z.string(), z.string()),
    headers: z.record(z.string(), z.string()),
    json: z.unknown().optional(),
    form: z.record(z.string(), z.string()).optional(),
  }),
  response: z.object({ status: z.number(), headers: z.record(z.string(), z.string()), body: z.string() }),
})
export type Exchange = z.infer<typeof exchangeSchema>

export function recording(name: string): Exchange[] {
  const content: unknown = JSON.parse(readFileSync(`${directory}${name}.json`, 'utf8'))
  return z.object({ exchanges: z.array(exchangeSchema) }).parse(content).exchanges
}

/** What the two clients have to agree in. Headers of tracing and of the connection are each one's own. */
export interface Asked {
  method: string
  path: string
  query: Record<string, string>
  headers: Record<string, string>
  json?: unknown
  form?: Record<string, string>
}

const COMPARED = ['accept', 'content-type', 'x-ms-range', 'x-ms-page-write', 'x-ms-blob-type', 'if-match']

export function asked({ method, path, query, headers, json, form }: Exchange['request']): Asked {
  const compared = Object.entries(headers).filter(([name]) => COMPARED.includes(name))
  return {
    method,
    path,
    query,
    headers: Object.fromEntries(compared),
    ...(json === undefined ? {} : { json }),
    ...(form === undefined ? {} : { form }),
  }
}

export interface RecordedAzure {
  url: string
  ca: string
  seen: Asked[]
  close(): Promise<void>
}

/** Answers tokens by itself, and all else in the order of the recording. */
export async function playRecording(exchanges: readonly Exchange[], withToken = true): Promise<RecordedAzure> {
  const { cert, key, ca } = createIdentity(['localhost', '127.0.0.1'], new Date())
  const left = [...exchanges]
  const seen: Asked[] = []
  const server = createServer({ cert, key }, (request, response) => {
    void requestOf(request).then((its) => {
      if (withToken && its.path.endsWith('/oauth2/v2.0/token')) {
        response.end(JSON.stringify({ access_token: 'dummy-access-token', expires_in: 3599 }))
        return
      }
      seen.push(its)
      const next = left.shift()?.response ?? { status: 500, headers: {}, body: 'nothing more was recorded' }
      for (const [name, value] of Object.entries(next.headers)) {
        response.setHeader(name, value.replaceAll('https://<arm>', url))
      }
      response.statusCode = next.status
      response.end(next.body.replaceAll('https://<arm>', url))
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const url = `https://127.0.0.1:${(server.address() as AddressInfo).port}`
  const close = async (): Promise<void> => {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  }
  return { url, ca, seen, close }
}

async function requestOf(request: IncomingMessage): Promise<Asked> {
  const url = new URL(request.url ?? '/', 'https://azure.invalid')
  const body = await textOf(request)
  const type = request.headers['content-type'] ?? ''
  const headers = Object.fromEntries(
    Object.entries(request.headers).flatMap(([name, value]) => (typeof value === 'string' ? [[name, value]] : [])),
  )
  return asked({
    method: request.method ?? '',
    path: url.pathname,
    query: Object.fromEntries(url.searchParams),
    headers,
    ...(type.includes('json') ? { json: JSON.parse(body) } : {}),
    ...(type.includes('form') ? { form: Object.fromEntries(new URLSearchParams(body)) } : {}),
  })
}

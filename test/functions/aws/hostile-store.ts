import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'

/** What a server that is no S3 answers with. */
export interface HostileAnswer {
  status: number
  headers?: Record<string, string>
  body?: string
}

export interface HostileStore {
  url: string
  /** Requests so far. */
  count: number
  answer: (request: IncomingMessage, sent: string) => HostileAnswer
  close(): Promise<void>
}

/** A server that takes every request whole and answers whatever it is told to: a console, a proxy, a captive portal. */
export async function startHostileStore(answer: HostileStore['answer']): Promise<HostileStore> {
  const server = createServer((request, response) => {
    let sent = ''
    request.setEncoding('utf8')
    request.on('data', (piece: string) => {
      sent += piece
    })
    request.on('end', () => {
      hostile.count += 1
      const { status, headers = {}, body = '' } = hostile.answer(request, sent)
      response.writeHead(status, { 'content-length': Buffer.byteLength(body), ...headers })
      response.end(request.method === 'HEAD' || status === 204 || status === 304 ? undefined : body)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const hostile: HostileStore = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    count: 0,
    answer,
    close: async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
  return hostile
}

const page = (title: string): string =>
  `<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><title>${title}</title></head><body>Hello</body></html>`

/** The page that a console serves for every path and method, ETag and all. */
export const consolePage: HostileAnswer = {
  status: 200,
  headers: { 'content-type': 'text/html; charset=utf-8', server: 'MinIO Console', etag: '"5f-61"' },
  body: page('MinIO Console'),
}

/** Answers of things that stand where S3 should. */
export const strangers: Readonly<Record<string, HostileAnswer>> = {
  'the console of a store': consolePage,
  'a web page without a type': { status: 200, body: page('Welcome') },
  'a login page': {
    status: 302,
    headers: { 'content-type': 'text/html', location: 'https://login.example/' },
    body: page('Sign in'),
  },
  'a proxy that refuses': {
    status: 403,
    headers: { 'content-type': 'text/html', server: 'squid' },
    body: page('ERROR'),
  },
  'a router without a route': {
    status: 404,
    headers: { 'content-type': 'text/plain; charset=utf-8' },
    body: '404 page not found\n',
  },
  'a web server without the page': {
    status: 404,
    headers: { 'content-type': 'text/html', server: 'nginx' },
    body: page('404 Not Found'),
  },
  'an API of something else': {
    status: 200,
    headers: { 'content-type': 'application/json' },
    body: '{"data":[],"etag":""}',
  },
  'another XML document': {
    status: 200,
    headers: { 'content-type': 'application/xml' },
    body: '<?xml version="1.0"?><feed xmlns="http://www.w3.org/2005/Atom"><title>News</title></feed>',
  },
  'an empty 200': { status: 200 },
}

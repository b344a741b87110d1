/** A TCP connection through a proxy (RFC 9110, 9.3.6: CONNECT). */
import { request as httpRequest } from 'node:http'
import { request as httpsRequest } from 'node:https'
import type { Socket } from 'node:net'
import type { Proxy } from './proxy-choice.ts'

const ADVICE: Readonly<Record<number, string>> = {
  403: ' It does not allow this destination: have it allowed, or name the host in NO_PROXY.',
  407: ' It wants a login: http://user:password@host:port.',
}

/**
 * Connect to a host through a proxy, which also looks its name up. Nothing but the host, the port and the proxy's own login
 * is sent.
 * @param hostname as in a URL: IPv6 in brackets
 * @throws Error naming the proxy, never its password; the signal's reason
 */
export function openTunnel(
  { url, name }: Proxy,
  { hostname, port }: { hostname: string; port: number },
  signal: AbortSignal,
): Promise<Socket> {
  const { promise, resolve, reject } = Promise.withResolvers<Socket>()
  const destination = `${hostname}:${port}`
  const login = `${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}`
  const send = url.protocol === 'https:' ? httpsRequest : httpRequest
  const request = send({
    method: 'CONNECT',
    host: url.hostname.replace(/^\[(.*)\]$/, '$1'),
    port: url.port === '' ? (url.protocol === 'https:' ? 443 : 80) : Number(url.port),
    path: destination,
    headers: {
      host: destination,
      ...(login === ':' ? {} : { 'proxy-authorization': `Basic ${Buffer.from(login).toString('base64')}` }),
    },
    agent: false,
    signal,
  })
  request.once('connect', ({ statusCode = 0, statusMessage = '' }, socket: Socket, head: Buffer) => {
    if (statusCode >= 200 && statusCode < 300) {
      if (head.length > 0) socket.unshift(head)
      return resolve(socket)
    }
    socket.destroy()
    const answer = `${statusCode} ${statusMessage}`.trim()
    reject(
      new Error(`the proxy ${name} refused the connection to ${destination}: ${answer}.${ADVICE[statusCode] ?? ''}`),
    )
  })
  request.once('error', (cause: NodeJS.ErrnoException) => {
    if (signal.aborted) return reject(signal.reason)
    const why = cause.message === '' ? (cause.code ?? 'no connection') : cause.message
    reject(new Error(`the proxy ${name} can't be used for the connection to ${destination}: ${why}`, { cause }))
  })
  request.end()
  return promise
}

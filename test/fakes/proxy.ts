import { once } from 'node:events'
import { createServer, request as send } from 'node:http'
import { type AddressInfo, connect, type Socket } from 'node:net'

export interface FakeProxy {
  /** For `HTTPS_PROXY` and `HTTP_PROXY`. */
  url: string
  /** What went through it: `CONNECT host:port`, `GET http://host:port/path`. */
  asked: string[]
  /** Bytes that tunnels carried to the client. */
  carriedBytes: () => number
  close(): Promise<void>
}

/**
 * An HTTP proxy on loopback: tunnels and whole URLs, to whatever port is asked for, as if every name led to this machine.
 * @param login `user:password` that it insists on
 */
export async function startProxy(login?: string): Promise<FakeProxy> {
  const asked: string[] = []
  const sockets = new Set<Socket>()
  let carried = 0
  const refuses = (authorization: string | undefined) =>
    login !== undefined && authorization !== `Basic ${Buffer.from(login).toString('base64')}`
  const server = createServer((incoming, answer) => {
    asked.push(`${incoming.method} ${incoming.url}`)
    const { port, pathname, search } = new URL(incoming.url ?? '')
    const headers = { ...incoming.headers }
    delete headers['proxy-connection']
    const onward = send({ host: '127.0.0.1', port, path: pathname + search, method: incoming.method, headers })
    onward.on('response', (response) => {
      answer.writeHead(response.statusCode ?? 502, response.headers)
      response.pipe(answer)
    })
    onward.on('error', () => answer.writeHead(502).end())
    incoming.pipe(onward)
  })
  server.on('connect', ({ url = '', headers }, client: Socket) => {
    asked.push(`CONNECT ${url}`)
    client.on('error', () => undefined)
    if (refuses(headers['proxy-authorization'])) {
      client.end('HTTP/1.1 407 Proxy Authentication Required\r\n\r\n')
      return
    }
    const onward = connect(Number(url.slice(url.lastIndexOf(':') + 1)), '127.0.0.1')
    sockets.add(onward).add(client)
    onward.on('error', () => client.destroy())
    onward.on('data', (bytes) => (carried += bytes.length))
    onward.once('connect', () => {
      client.write('HTTP/1.1 200 Connection established\r\n\r\n')
      onward.pipe(client).pipe(onward)
    })
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    carriedBytes: () => carried,
    close: async () => {
      for (const socket of sockets) socket.destroy()
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

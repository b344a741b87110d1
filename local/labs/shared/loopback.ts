/** Servers of labs listen on loopback alone. */
import type { Server } from 'node:net'

/** @param port 0 takes any free one. @returns the port. @throws Node.js' own error where it is taken */
export async function listenOnLoopback(
  server: Pick<Server, 'once' | 'listen' | 'address'>,
  port: number,
): Promise<number> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, '127.0.0.1', () => resolve())
  })
  const address = server.address()
  return typeof address === 'object' && address !== null ? address.port : port
}

/** Connections that clients keep don't hold it up. */
export function closeAtOnce(server: { close(done: () => void): unknown; closeAllConnections(): void }): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve())
    server.closeAllConnections()
  })
}

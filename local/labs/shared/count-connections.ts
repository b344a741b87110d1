import type { Server } from 'node:net'

export interface Connections {
  /** Since they were last counted from. */
  opened: number
  open: number
}

/** @param event what a server calls one that is ready: `secureConnection` behind TLS */
export function countConnections(
  server: Pick<Server, 'on'>,
  event: 'connection' | 'secureConnection',
  connections: Connections,
): void {
  server.on(event, (socket: { once(event: 'close', listener: () => void): unknown }) => {
    connections.opened += 1
    connections.open += 1
    socket.once('close', () => {
      connections.open -= 1
    })
  })
}

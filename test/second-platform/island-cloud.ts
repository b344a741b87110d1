/**
 * A platform that is as unlike Proxmox VE as one can be: guests with GUIDs, several disks each, no nodes, no storages, no
 * log, no route. An export is ordered, and the platform writes the disks into the bucket itself; what it keeps of an
 * export until it is removed takes several looks to go.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { json } from 'node:stream/consumers'
import { crc32 } from 'node:zlib'
import { PutObjectCommand, type S3Client } from '@aws-sdk/client-s3'

export interface IslandGuest {
  id: string
  name: string
  /** By the file name that an export gives them. */
  disks: Readonly<Record<string, Buffer>>
}

export interface IslandExport {
  id: string
  guestId: string
  token: string
  createdAt: string
  /** Looks until it has ended. */
  looksLeft: number
  /** Looks until it is gone, once its removal was ordered. */
  removal?: number
  files: { name: string; key: string; sizeBytes: number; crc32: number }[]
}

export interface IslandCloud {
  url: string
  key: string
  /** What lies there now. */
  exports: Map<string, IslandExport>
  /** Requests, as `POST /exports`. */
  requests: string[]
  /** So many of the next removals are refused. */
  refuseRemovals: number
  close(): Promise<void>
}

interface Order {
  guestId: string
  token: string
  destination: { bucket: string; folder: string; createdAt: string }
}

export async function startIsland(guests: readonly IslandGuest[], s3: S3Client): Promise<IslandCloud> {
  const key = 'the-island-key'
  let made = 0

  async function order({ guestId, token, destination }: Order): Promise<IslandExport> {
    const guest = guests.find(({ id }) => id === guestId)
    const files: IslandExport['files'] = []
    for (const [name, bytes] of Object.entries(guest?.disks ?? {})) {
      const Key = `${destination.folder}${name}`
      const { bucket: Bucket } = destination
      await s3.send(new PutObjectCommand({ Bucket, Key, Body: bytes, ChecksumAlgorithm: 'CRC32' }))
      files.push({ name, key: Key, sizeBytes: bytes.length, crc32: crc32(bytes) })
    }
    made += 1
    return { id: `export-${made}`, guestId, token, createdAt: destination.createdAt, looksLeft: 2, files }
  }

  async function answer(request: IncomingMessage): Promise<{ status: number; body?: unknown }> {
    if (request.headers.authorization !== `Key ${key}`) return { status: 401 }
    const [, what, id = ''] = (request.url ?? '').split('/')
    const { method } = request
    if (what === 'guests') return { status: 200, body: guests.map(({ id: guestId, name }) => ({ id: guestId, name })) }
    if (what !== 'exports') return { status: 404 }
    if (method === 'POST') {
      const ordered = await order((await json(request)) as Order)
      cloud.exports.set(ordered.id, ordered)
      return { status: 201, body: ordered }
    }
    if (id === '') return { status: 200, body: [...cloud.exports.values()] }
    const found = cloud.exports.get(id)
    if (found === undefined) return { status: 404 }
    if (method === 'GET') {
      found.looksLeft = Math.max(0, found.looksLeft - 1)
      return { status: 200, body: found }
    }
    if (cloud.refuseRemovals > 0) {
      cloud.refuseRemovals -= 1
      return { status: 503 }
    }
    found.removal = (found.removal ?? 3) - 1
    if (found.removal > 0) return { status: 202 }
    cloud.exports.delete(id)
    return { status: 204 }
  }

  const server = createServer((request: IncomingMessage, response: ServerResponse) => {
    cloud.requests.push(`${request.method} /${(request.url ?? '').split('/')[1]}`)
    void answer(request).then(({ status, body }) => {
      response.writeHead(status, { 'content-type': 'application/json' })
      response.end(body === undefined ? '' : JSON.stringify(body))
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const cloud: IslandCloud = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    key,
    exports: new Map(),
    requests: [],
    refuseRemovals: 0,
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections()
        server.close(() => resolve())
      }),
  }
  return cloud
}

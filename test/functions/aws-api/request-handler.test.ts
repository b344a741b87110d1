/** S3 through a proxy, over real sockets, by a host name that only the proxy can look up. */
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { S3ArchiveStore } from '../../../functions/aws/s3-archive-store.ts'
import { createS3Client } from '../../../functions/aws/s3-client.ts'
import { StoreUnavailable } from '../../../functions/contracts/errors.ts'
import { createIdentity } from '../../../local/labs/shared/certificate.ts'
import { type S3Server, startS3 } from '../../../local/s3/server.ts'
import { type FakeProxy, startProxy } from '../../fakes/proxy.ts'

const credentials = { accessKeyId: 'key', secretAccessKey: 'secret-key' }

let directory: string
let server: S3Server
let proxy: FakeProxy
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'guestlift-proxy-'))
  server = await startS3({ directory, ...credentials, buckets: ['archives'] })
  proxy = await startProxy()
  for (const name of ['http_proxy', 'https_proxy', 'no_proxy', 'HTTP_PROXY', 'HTTPS_PROXY', 'NO_PROXY'])
    vi.stubEnv(name, '')
})
afterEach(async () => {
  vi.unstubAllEnvs()
  await Promise.all([server.close(), proxy.close()])
  await rm(directory, { recursive: true })
})

function storeAt(endpoint: string) {
  const client = createS3Client({ endpoint, region: 'us-east-1', credentials, maxAttempts: 1 })
  const deps = { sleep: async () => undefined, random: () => 0 }
  return { store: new S3ArchiveStore(client, 'archives', deps), client }
}

const named = () => `http://s3.lan.test:${new URL(server.url).port}`

describe('the S3 client behind a proxy', () => {
  it('sends its requests through it', async () => {
    vi.stubEnv('HTTP_PROXY', proxy.url)
    const { store, client } = storeAt(named())
    await store.writeText('a/b', 'words')
    expect((await store.readText('a/b'))?.text).toBe('words')
    const asked = proxy.asked.map((line) => line.replace(/\?.*/, ''))
    expect(asked).toEqual([`PUT ${named()}/archives/a/b`, `GET ${named()}/archives/a/b`])
    client.destroy()
  })

  it('goes straight to what NO_PROXY names', async () => {
    vi.stubEnv('HTTP_PROXY', proxy.url)
    vi.stubEnv('NO_PROXY', '127.0.0.1')
    const { store, client } = storeAt(server.url)
    await store.writeText('a/b', 'words')
    expect(proxy.asked).toEqual([])
    client.destroy()
  })

  it('asks for a tunnel for https', async () => {
    vi.stubEnv('HTTPS_PROXY', proxy.url)
    const endpoint = named().replace('http:', 'https:')
    const { store, client } = storeAt(endpoint)
    // What answers there speaks no TLS: only that it was reached through the tunnel matters here.
    await expect(store.readText('a')).rejects.toThrow(/s3:\/\/archives\/a/)
    expect(proxy.asked).toEqual([`CONNECT ${new URL(endpoint).host}`])
    client.destroy()
  })

  it.each(['HTTP_PROXY', 'HTTPS_PROXY'])(
    'names the proxy of %s that is down, and not its password',
    async (variable) => {
      const { host } = new URL(proxy.url)
      await proxy.close()
      vi.stubEnv(variable, `http://eve:secret@${host}`)
      const endpoint = variable === 'HTTP_PROXY' ? named() : named().replace('http:', 'https:')
      const { store, client } = storeAt(endpoint)
      const failure: unknown = await store.readText('a').catch((error: unknown) => error)
      expect(failure).toBeInstanceOf(StoreUnavailable)
      expect(String(failure)).toContain(`through the proxy http://${host} (${variable})`)
      expect(String(failure)).not.toContain('secret@')
      client.destroy()
      proxy = await startProxy()
    },
  )

  it('keeps its tunnels: one is enough for requests that follow each other', async () => {
    const identity = createIdentity(['s3.lan.test'], new Date())
    const secure = createServer({ key: identity.key, cert: identity.cert }, (request, answer) => {
      request.resume().on('end', () => answer.writeHead(200, { etag: '"e"', 'x-amz-request-id': '1' }).end())
    })
    await once(secure.listen(0, '127.0.0.1'), 'listening')
    vi.stubEnv('HTTPS_PROXY', proxy.url)
    // This machine knows no authority of the test's; what is checked here is the way.
    vi.stubEnv('NODE_TLS_REJECT_UNAUTHORIZED', '0')
    const host = `s3.lan.test:${(secure.address() as AddressInfo).port}`
    const { store, client } = storeAt(`https://${host}`)
    for (const key of ['a', 'b', 'c']) await store.writeText(key, 'words')
    expect(proxy.asked).toEqual([`CONNECT ${host}`])
    client.destroy()
    secure.closeAllConnections()
    await new Promise((resolve) => secure.close(resolve))
  })
})

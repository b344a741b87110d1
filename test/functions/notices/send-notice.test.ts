import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Webhook } from 'standardwebhooks'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Notice } from '../../../functions/contracts/notice.ts'
import type { WebChannel } from '../../../functions/domain/notices/channel-message.ts'
import { sendNotice } from '../../../functions/notices/send-notice.ts'

const notice: Notice = {
  version: 1,
  id: 'run/prod/hq/nightly',
  event: 'failed',
  severity: 'error',
  at: '2026-11-22T03:00:00.000Z',
  deployment: 'prod',
  workflow: 'export run',
  site: 'hq',
  subject: 'Guestlift prod, site hq: wäb (100) not archived',
  summary: '1 of 2 guests archived.',
  guests: [
    { id: '100', name: 'wäb', outcome: 'failed', cause: 'GuestLocked', reason: 'It is locked.', lastArchiveAt: null },
  ],
  guestCount: 1,
  notes: [],
}

interface Seen {
  path: string
  headers: IncomingMessage['headers']
  body: string
}

let server: Server
let url: string
let seen: Seen[]
let answer: (response: ServerResponse, nth: number) => void
let pauses: number[]
beforeEach(async () => {
  seen = []
  pauses = []
  answer = (response) => response.writeHead(200).end('ok')
  server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      seen.push({ path: request.url ?? '', headers: request.headers, body: Buffer.concat(chunks).toString('utf8') })
      answer(response, seen.length)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
})
afterEach(async () => {
  server.closeAllConnections()
  await new Promise((resolve) => server.close(resolve))
})

const all = { atLeast: 'info' } as const
const deps = {
  now: () => new Date(),
  sleep: async (milliseconds: number) => void pauses.push(milliseconds),
}
const send = (channel: WebChannel) => sendNotice(channel, notice, deps)
const hook = (more: object = {}): WebChannel => ({ type: 'webhook', url: `${url}/hook/s3cret`, ...all, ...more })
const sentBody = () => JSON.parse(seen[0]?.body ?? '') as unknown

describe('a webhook', () => {
  it("gets the notice as JSON, with a signature that the standard's own library takes", async () => {
    const secret = `whsec_${Buffer.alloc(32, 7).toString('base64')}`
    expect(await send(hook({ secret }))).toEqual({ delivered: true })
    const [{ headers, body }] = seen as [Seen]
    expect(new Webhook(secret).verify(body, headers as Record<string, string>)).toEqual(notice)
    expect(headers).toMatchObject({ 'webhook-id': 'run/prod/hq/nightly', 'content-type': 'application/json' })
  })

  it('gets one that the library refuses when the secret or the body is another', async () => {
    await send(hook({ secret: `whsec_${Buffer.alloc(32, 7).toString('base64')}` }))
    const [{ headers, body }] = seen as [Seen]
    const other = new Webhook(`whsec_${Buffer.alloc(32, 8).toString('base64')}`)
    expect(() => other.verify(body, headers as Record<string, string>)).toThrow(/signature/i)
    const same = new Webhook(`whsec_${Buffer.alloc(32, 7).toString('base64')}`)
    expect(() => same.verify(body.replace('1 of 2', '2 of 2'), headers as Record<string, string>)).toThrow(/signature/i)
  })

  it('without a secret gets no signature', async () => {
    await send(hook())
    expect(Object.keys(seen[0]?.headers ?? {})).not.toContain('webhook-signature')
  })
})

describe('a service that fails', () => {
  it.each([500, 502, 503, 429, 408])('for a while (%d) is tried again with growing pauses', async (status) => {
    answer = (response, nth) => response.writeHead(nth < 3 ? status : 200).end()
    expect(await send(hook())).toEqual({ delivered: true })
    expect({ tries: seen.length, pauses }).toEqual({ tries: 3, pauses: [1000, 4000] })
  })

  it('for good is given up after four tries, with its words', async () => {
    answer = (response) => response.writeHead(503).end('  too\nbusy ')
    expect(await send(hook())).toEqual({
      delivered: false,
      why: 'The service answered 503: too busy. It was tried 4 times.',
    })
    expect(seen).toHaveLength(4)
  })

  it('is waited for as it asks, and no longer than a run would bear', async () => {
    answer = (response, nth) => response.writeHead(nth === 1 ? 429 : 200, { 'retry-after': '7' }).end()
    expect(await send(hook())).toEqual({ delivered: true })
    expect(pauses).toEqual([7000])
    seen = []
    answer = (response) => response.writeHead(429, { 'retry-after': '3600' }).end()
    expect(await send(hook())).toMatchObject({ delivered: false, why: expect.stringContaining('It was tried once.') })
  })

  it('by refusing is asked once', async () => {
    answer = (response) => response.writeHead(404).end('no such hook')
    expect(await send(hook())).toMatchObject({
      delivered: false,
      why: 'The service answered 404: no such hook. Check the address and the key of the channel.',
    })
    expect(seen).toHaveLength(1)
  })

  it('by leading elsewhere gets nothing sent there', async () => {
    answer = (response) => response.writeHead(302, { location: `${url}/elsewhere` }).end()
    expect(await send(hook())).toMatchObject({ delivered: false, why: expect.stringContaining('not followed') })
    expect(seen.map(({ path }) => path)).toEqual(['/hook/s3cret'])
  })

  it('with an endless answer is heard no further than its first words', async () => {
    answer = (response) => {
      response.writeHead(400)
      const more = () => {
        while (!response.destroyed && response.write('x'.repeat(65_536)));
        if (!response.destroyed) response.once('drain', more)
      }
      more()
    }
    const sent = await send(hook())
    expect(JSON.stringify(sent).length).toBeLessThan(400)
  })

  it('by cutting the connection, or not being there, is named by what happened, not by its address', async () => {
    answer = (response) => response.destroy()
    const cut = await send(hook())
    expect(cut).toMatchObject({ delivered: false, why: expect.stringMatching(/could not be reached: \w+\./) })
    expect(JSON.stringify(cut)).not.toContain('s3cret')
    const gone = await send({ type: 'webhook', url: 'http://127.0.0.1:1/s3cret', ...all })
    expect(gone).toMatchObject({ delivered: false })
    expect(JSON.stringify(gone)).not.toContain('s3cret')
  })

  it('that repeats its address or key in the answer gives neither away', async () => {
    answer = (response) => response.writeHead(400).end(`bad ${url}/hook/s3cret and /hook/s3cret`)
    expect(JSON.stringify(await send(hook()))).not.toContain('s3cret')
    answer = (response) => response.writeHead(401).end('unknown token tk_abc')
    const channel: WebChannel = { type: 'gotify', url, token: 'tk_abc', ...all }
    expect(JSON.stringify(await send(channel))).not.toContain('tk_abc')
  })
})

describe('services with forms of their own', () => {
  it('Slack gets a text and blocks', async () => {
    await send({ type: 'slack', url, ...all })
    expect(sentBody()).toMatchObject({
      text: notice.subject,
      blocks: [{ type: 'header' }, { type: 'section', text: { text: expect.stringContaining('100 (wäb): failed') } }],
    })
  })

  it('Teams gets an adaptive card', async () => {
    await send({ type: 'teams', url, ...all })
    expect(sentBody()).toMatchObject({
      type: 'message',
      attachments: [{ contentType: 'application/vnd.microsoft.card.adaptive', content: { type: 'AdaptiveCard' } }],
    })
  })

  it('PagerDuty gets an incident for each site, which good news close', async () => {
    const channel: WebChannel = { type: 'pagerduty', routingKey: 'k', url, ...all }
    await send(channel)
    const recovered: Notice = { ...notice, id: 'another', event: 'recovered', severity: 'info' }
    await sendNotice(channel, recovered, deps)
    const [bad, good] = seen.map(({ body }) => JSON.parse(body) as Record<string, unknown>)
    expect(bad).toMatchObject({ routing_key: 'k', event_action: 'trigger', payload: { severity: 'error' } })
    expect(good).toMatchObject({ event_action: 'resolve', dedup_key: bad?.['dedup_key'] })
  })

  it('ntfy gets the topic in its body at the root of the server', async () => {
    await send({ type: 'ntfy', url: `${url}/sub/my-topic`, token: 't', ...all })
    expect(seen[0]).toMatchObject({ path: '/sub', headers: { authorization: 'Bearer t' } })
    expect(sentBody()).toMatchObject({ topic: 'my-topic', title: notice.subject, priority: 4 })
  })

  it('Gotify gets its token in a header', async () => {
    await send({ type: 'gotify', url: `${url}/`, token: 't', ...all })
    expect(seen[0]).toMatchObject({ path: '/message', headers: { 'x-gotify-key': 't' } })
    expect(sentBody()).toMatchObject({ title: notice.subject, priority: 7 })
  })
})

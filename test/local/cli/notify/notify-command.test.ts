import { createServer, type Server } from 'node:http'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { noticeSchema } from '../../../../functions/contracts/notice.ts'
import { guestlift } from '../command-line.ts'
import { ownEnvironment } from '../own-environment.ts'

let directory: string
let server: Server
let url: string
let bodies: string[]
beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'guestlift-notify-'))
  server = createServer((request, response) => {
    let body = ''
    request.setEncoding('utf8').on('data', (text: string) => (body += text))
    request.on('end', () => {
      bodies.push(body)
      response.writeHead(request.url === '/bad' ? 404 : 200).end()
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
})
afterAll(async () => {
  await new Promise((resolve) => server.close(resolve))
  rmSync(directory, { recursive: true, force: true })
})
beforeEach(() => {
  bodies = []
})

const notify = (...given: string[]) =>
  guestlift(['notify', 'test', '--notify', ...given], { cwd: directory, env: ownEnvironment(directory) })

describe('guestlift notify test', () => {
  it('sends a notice to a webhook and says that it was taken', async () => {
    expect(await notify(`${url}/good`)).toEqual({ code: 0, out: 'channel 1 (webhook) took the test.\n', error: '' })
    expect(noticeSchema.parse(JSON.parse(bodies[0] ?? ''))).toMatchObject({ event: 'test', severity: 'info' })
  })

  it('reaches every channel of a file, also those that take worse notices alone', async () => {
    const channels = [
      { type: 'slack', url: `${url}/slack`, atLeast: 'critical' },
      { type: 'webhook', url: `${url}/bad`, events: ['pruned'] },
    ]
    writeFileSync(join(directory, 'channels.json'), JSON.stringify({ channels }))
    const { code, out, error } = await notify('channels.json')
    expect({ code, out }).toEqual({ code: 2, out: 'channel 1 (slack) took the test.\n' })
    expect(error).toContain('The notice did not reach channel 2 (webhook). The service answered 404.')
    expect(bodies).toHaveLength(2)
  })

  it('fails when no channel took it', async () => {
    expect(await notify(`${url}/bad`)).toMatchObject({ code: 1, out: '' })
  })

  it('names the field of a file that is wrong, and never its value', async () => {
    writeFileSync(
      join(directory, 'wrong.json'),
      JSON.stringify({ channels: [{ type: 'webhook', url: 'hook.example.com/s3cret' }, { type: 'sms' }] }),
    )
    const { code, error } = await notify('wrong.json')
    expect(code).toBe(64)
    expect(error).toMatch(/wrong\.json:1:\d+/)
    expect(error).toContain('an address begins with https:// or http://')
    expect(error).not.toContain('s3cret')
  })

  it('says what is missing without --notify, or without the file', async () => {
    expect(await guestlift(['notify', 'test'], { cwd: directory, env: ownEnvironment(directory) })).toMatchObject({
      code: 64,
      error: expect.stringContaining('--notify'),
    })
    expect(await notify('none.json')).toMatchObject({ code: 64, error: expect.stringContaining("can't be read") })
  })
})

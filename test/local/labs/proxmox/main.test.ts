import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { totpCode } from '../../../../local/labs/proxmox/auth.ts'
import { dataOf, testSite } from './api-client.ts'
import { exchange, request } from './raw-http.ts'

const main = fileURLToPath(new URL('../../../../local/labs/proxmox/main.ts', import.meta.url))

describe('the lab as a program', () => {
  it('prints one line of JSON, answers, and stops cleanly on SIGTERM', async () => {
    const state = mkdtempSync(join(tmpdir(), 'lab-main-'))
    const child = spawn(process.execPath, [main, '--state', state, '--guest-mib', '1', '--guests', '20'], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const [first]: unknown[] = await once(child.stdout, 'data')
    const ready = JSON.parse(String(first)) as {
      apiUrl: string
      control: string
      guests: unknown[]
      token: { tokenId: string; secret: string }
      site: { provider: string }
    }
    expect(ready.site.provider).toBe('proxmox')
    const headers = { Authorization: `PVEAPIToken=${ready.token.tokenId}=${ready.token.secret}` }
    const answer = await exchange(Number(new URL(ready.apiUrl).port), request('GET', '/api2/json/version', headers))
    expect(dataOf(answer)).toMatchObject({ release: '9.2' })
    expect(ready.guests).toHaveLength(20)
    const locked = await fetch(ready.control, { method: 'POST', body: '{"lockGuest":{"id":103,"lock":"backup"}}' })
    expect(await locked.json()).toMatchObject({
      guests: expect.arrayContaining([expect.objectContaining({ id: 103, lock: 'backup' })]) as unknown,
    })
    child.kill('SIGTERM')
    expect(await once(child, 'exit')).toEqual([0, null])
    rmSync(state, { recursive: true })
  })
})

describe('a second factor', () => {
  it('gives a ticket that is good for nothing but the second step', async () => {
    const now = Date.parse('2026-11-22T10:00:00Z')
    const site = await testSite({ now: () => now })
    const password = site.lab.users.find((user) => user.userid === 'second@pve')?.password ?? ''
    const form = (values: Record<string, string>): string =>
      new URLSearchParams({ username: 'second@pve', ...values }).toString()
    const pending = dataOf(await site.call('POST', '/access/ticket', form({ password }))) as {
      NeedTFA: number
      ticket: string
    }
    expect(pending.NeedTFA).toBe(1)
    const port = Number(new URL(site.lab.apiUrl).port)
    const use = (ticket: string): ReturnType<typeof exchange> =>
      exchange(port, request('GET', '/api2/json/version', { Cookie: `PVEAuthCookie=${encodeURIComponent(ticket)}` }))
    expect((await use(pending.ticket)).status).toBe(401)
    const wrong = await site.call(
      'POST',
      '/access/ticket',
      form({ 'tfa-challenge': pending.ticket, password: 'totp:000000' }),
    )
    expect(wrong.status).toBe(401)
    const code = totpCode('JBSWY3DPEHPK3PXP', now / 1000)
    const done = dataOf(
      await site.call('POST', '/access/ticket', form({ 'tfa-challenge': pending.ticket, password: `totp:${code}` })),
    )
    expect((await use((done as { ticket: string }).ticket)).status).toBe(200)
    site.lab.control.expireTickets()
    expect((await use((done as { ticket: string }).ticket)).status).toBe(401)
    await site.dispose()
  })
})

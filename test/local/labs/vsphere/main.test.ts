import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { expect, it, onTestFinished } from 'vitest'
import { vsphereSiteSchema } from '../../../../functions/providers/vsphere/config.ts'
import { send } from './client.ts'

const main = fileURLToPath(new URL('../../../../local/labs/main.ts', import.meta.url))

interface Ready {
  url: string
  control: string
  guests: { name: string; disks: unknown[] }[]
  hosts: { url: string }[]
  site: unknown
}

it('is a program that prints its site, lets others play faults, and stops cleanly', async () => {
  const child = spawn(process.execPath, [main, '--platform', 'vsphere', '--guests', '3', '--written-mib', '1'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  const [first]: unknown[] = await once(child.stdout, 'data')
  const ready = JSON.parse(String(first)) as Ready
  expect(vsphereSiteSchema.parse(ready.site).endpoint).toBe(ready.url)
  expect(ready.guests.map(({ name, disks }) => [name, disks.length])).toEqual([
    ['web01', 2],
    ['db01', 1],
    ['app01', 1],
  ])
  const command = async (body: unknown): Promise<{ status: number; answer: Record<string, unknown> }> => {
    const got = await fetch(ready.control, { method: 'POST', body: JSON.stringify(body) })
    return { status: got.status, answer: (await got.json()) as Record<string, unknown> }
  }
  const { answer } = await command({
    addGuest: { name: 'new', sizeMib: 4, snapshots: ['old'] },
    setGuest: { guest: 'web01', powerState: 'poweredOff' },
    write: { guest: 'web01', offsetBytes: 0, text: 'hello' },
    nextAnswer: { of: '/sdk', fate: 'unavailable' },
  })
  expect(answer).toMatchObject({
    guests: [
      { name: 'web01', powerState: 'poweredOff' },
      { name: 'db01', snapshots: [{ name: 'before the update' }] },
      { name: 'app01' },
      { name: 'new', disks: [{ chain: ['new/new.vmdk', 'new/new-000001.vmdk'] }] },
    ],
    sessions: 0,
  })
  expect((await send(`${ready.url}/sdk/vimServiceVersions.xml`)).status).toBe(503)
  expect((await send(`${ready.url}/sdk/vimServiceVersions.xml`)).status).toBe(200)
  expect(await command({ removeSnapshot: 'snapshot-1', removeGuest: 'nobody', holdTasks: true })).toEqual({
    status: 400,
    answer: { error: "The lab can't do this: there is no guest nobody; there is no snapshot snapshot-1." },
  })
  expect((await command({})).answer['error']).toContain('there is no verb in it')
  const { port } = new URL(ready.url)
  const second = spawnSync(process.execPath, [main, '--platform', 'vsphere', '--port', port], { encoding: 'utf8' })
  expect([second.status, second.stderr]).toEqual([1, expect.stringMatching(/^The port is taken/)])
  child.kill('SIGTERM')
  expect(await once(child, 'exit')).toEqual([0, null])
})

/** What a VM that boots in earnest does to its status and its agent. What boots it here is the test. */
import { readFileSync } from 'node:fs'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { BootDisk } from '../../../../local/labs/proxmox/boots.ts'
import { dataOf, type TestSite, testSite } from './api-client.ts'
import { exchange, request } from './raw-http.ts'

interface Begun {
  disks: readonly BootDisk[]
  signal: AbortSignal
  end(cameUp: boolean): void
  fail(error: Error): void
}

let site: TestSite
let boots: Begun[]
beforeEach(async () => {
  boots = []
  site = await testSite({
    guests: [
      { vmid: 100, kind: 'qemu', name: 'web', status: 'stopped', options: { agent: '1' }, disks: [{ key: 'virtio0' }] },
      { vmid: 101, kind: 'lxc', name: 'db', status: 'stopped' },
      { vmid: 102, kind: 'qemu', name: 'ha', status: 'stopped', options: { agent: '1' }, haState: 'started' },
    ],
    boot: (disks, signal) =>
      new Promise((resolve, reject) => {
        signal.addEventListener('abort', () => resolve(true))
        boots.push({ disks, signal, end: resolve, fail: reject })
      }),
  })
})
afterEach(() => site.dispose())

async function ask(method: string, path: string) {
  const { tokenId, secret } = site.lab.restoreToken
  const headers = { Authorization: `PVEAPIToken=${tokenId}=${secret}` }
  return exchange(Number(new URL(site.lab.apiUrl).port), request(method, `/api2/json/nodes/pve1/${path}`, headers))
}
const order = async (action: string, guest = 'qemu/100') =>
  (await site.lab.control.endOfTask(String(dataOf(await ask('POST', `${guest}/status/${action}`)))))?.status
const statusOf = async (guest = 'qemu/100') =>
  (dataOf(await ask('GET', `${guest}/status/current`)) as { status: string }).status
const ping = async (id = 100) => (await ask('POST', `qemu/${id}/agent/ping`)).body
const newest = (): Begun => {
  const begun = boots.at(-1)
  if (begun === undefined) throw new Error('nothing was booted')
  return begun
}

describe('a VM of a lab that boots its VMs', () => {
  it('runs from its start on, and its agent answers once its system came up', async () => {
    site.lab.control.storeDisk(100, 'virtio0', Buffer.from('boot me'))
    expect(await order('start')).toBe('OK')
    expect(await statusOf()).toBe('running')
    expect(await ping()).toContain('QEMU guest agent is not running')
    const [disk] = newest().disks
    expect(disk).toEqual({ key: 'virtio0', path: site.lab.control.diskPath(100, 'virtio0') })
    expect(readFileSync(disk?.path ?? '', 'utf8')).toBe('boot me')
    newest().end(true)
    await expect.poll(() => ping()).toContain('"result":{}')
    expect(await statusOf()).toBe('running')
  })

  it.each([
    ['did not come up', () => newest().end(false)],
    ['could not be booted', () => newest().fail(new Error('no kernel'))],
  ])('is stopped when its system %s', async (_what, end) => {
    await order('start')
    end()
    await expect.poll(() => statusOf()).toBe('stopped')
    expect(await ping()).toContain('VM 100 is not running')
  })

  it('is ended when it is stopped, and what the boot then says counts for nothing', async () => {
    await order('start')
    const first = newest()
    expect(await order('stop')).toBe('OK')
    expect(first.signal.aborted).toBe(true)
    expect(await statusOf()).toBe('stopped')
    await order('start')
    expect(boots).toHaveLength(2)
    expect(await ping()).toContain('QEMU guest agent is not running')
  })

  it('is booted again by a reboot', async () => {
    await order('start')
    newest().end(true)
    await expect.poll(() => ping()).toContain('"result":{}')
    expect(await order('reboot')).toBe('OK')
    expect(boots).toHaveLength(2)
    expect(await ping()).toContain('QEMU guest agent is not running')
  })

  it('is booted without a disk when none has a content of its own', async () => {
    await order('start')
    expect(newest().disks).toEqual([])
  })

  it('is booted by the manager of high availability too', async () => {
    await order('start', 'qemu/102')
    await expect.poll(() => boots.length).toBe(1)
    expect(await ping(102)).toContain('QEMU guest agent is not running')
  })

  it('is ended with the lab', async () => {
    await order('start')
    await site.lab.close()
    expect(newest().signal.aborted).toBe(true)
  })

  it('leaves containers alone', async () => {
    expect(await order('start', 'lxc/101')).toBe('OK')
    expect(await statusOf('lxc/101')).toBe('running')
    expect(boots).toEqual([])
  })
})

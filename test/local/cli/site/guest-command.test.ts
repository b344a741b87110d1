import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openSiteBench, type SiteBench } from '../site-bench.ts'

let bench: SiteBench
beforeAll(async () => {
  bench = await openSiteBench()
})
afterAll(async () => {
  await bench.close()
})

const statusOf = (vmid: number) => bench.lab.guests.find((guest) => guest.vmid === vmid)?.status

describe('guestlift guest', () => {
  it('says how a guest is, and how to free one that a backup left locked', async () => {
    const { lab, guestlift, json } = bench
    expect(await json('guest', 'status', '100')).toMatchObject({
      code: 0,
      result: { guest: { id: '100', kind: 'vm', node: 'pve1' }, state: { status: 'running' } },
    })
    lab.control.lockGuest(101, 'backup')
    const locked = await guestlift('guest', 'status', '101')
    lab.control.lockGuest(101)
    expect(locked.stdout).toMatch(/locked \(backup\)/)
    expect(locked.stdout).toContain('run "pct unlock 101" on node pve1')
    const unknown = await guestlift('guest', 'status', '999')
    expect(unknown).toMatchObject({ code: 1, stderr: expect.stringMatching(/no guest 999.*VM\.Audit/) })
  })

  it('takes a guest by all the words that other commands take', async () => {
    const { lab, guestlift, json } = bench
    const name = lab.guests.find(({ vmid }) => vmid === 100)?.name ?? ''
    for (const words of ['vm-100', 'hq/vm-100', name.toUpperCase()]) {
      expect((await json('guest', 'status', words)).result, words).toMatchObject({ guest: { id: '100' } })
    }
    const refused = async (words: string) => (await guestlift('guest', 'status', words)).stderr
    expect(await refused('container-100')).toMatch(/no container-100 on this site: 100 is vm-100/)
    expect(await refused('dr/vm-100')).toMatch(/is of site dr, and the site file is of hq/)
    expect(await refused(`${name}x`)).toContain(`Did you mean ${name}?`)
  })

  it('takes a guest down only with --confirm, and waits until it is down', async () => {
    const { guestlift, json } = bench
    const dry = await guestlift('guest', 'shutdown', '100')
    expect(dry.code).toBe(0)
    expect(dry.stderr).toContain("would be asked to shut down, and left running if it hasn't after 3 m 00 s")
    expect(statusOf(100)).toBe('running')
    expect(await json('guest', 'shutdown', '100', '--confirm')).toMatchObject({
      code: 0,
      result: { changed: true, state: { status: 'stopped' } },
    })
    expect(statusOf(100)).toBe('stopped')
    const again = await guestlift('guest', 'stop', '100', '--confirm')
    expect(again).toMatchObject({ code: 0, stdout: expect.stringContaining('nothing to do, it is stopped') })
    expect((await json('guest', 'start', '100')).result).toMatchObject({ changed: true, state: { status: 'running' } })
    expect((await json('guest', 'reboot', '101', '--confirm')).result).toMatchObject({ changed: true })
  })

  it('tells that a guest did not listen, and pulls the plug when told to', async () => {
    const { lab, guestlift } = bench
    lab.control.guest(101, { ignoresShutdown: true })
    const deaf = await guestlift('guest', 'shutdown', '101', '--timeout', '1', '--confirm')
    expect(deaf).toMatchObject({ code: 1, stderr: expect.stringMatching(/didn't shut down within 1 s/) })
    expect(statusOf(101)).toBe('running')
    expect((await guestlift('guest', 'shutdown', '101', '--timeout', '1', '--force-stop', '--confirm')).code).toBe(0)
    expect(statusOf(101)).toBe('stopped')
    lab.control.guest(101, { ignoresShutdown: false, status: 'running' })
  })

  it('waits for what high availability does after its task has ended', async () => {
    const { lab, json } = bench
    lab.control.guest(102, { haState: 'started', status: 'stopped' })
    expect(await json('guest', 'start', '102')).toMatchObject({
      code: 0,
      result: { changed: true, state: { status: 'running', highlyAvailable: true } },
    })
  })

  it('refuses a locked guest with the way to free it, and an account without the privilege with its name', async () => {
    const { lab, guestlift } = bench
    lab.control.guest(103, { status: 'stopped', lock: 'backup' })
    const locked = await guestlift('guest', 'start', '103')
    expect(locked).toMatchObject({ code: 1, stderr: expect.stringMatching(/locked \(backup\).*unlock 103/) })
    lab.control.lockGuest(103)
    const plain = await openSiteBench({ roles: {} })
    const denied = await plain.guestlift('guest', 'stop', '100', '--confirm')
    await plain.close()
    expect(denied).toMatchObject({ code: 1, stderr: expect.stringMatching(/lacks VM\.PowerMgmt on \/vms\/100/) })
  })
})

import { existsSync } from 'node:fs'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { dataOf, type TestSite, testSite } from './api-client.ts'

let site: TestSite
beforeEach(async () => {
  site = await testSite()
})
afterEach(() => site.dispose())

const VZDUMP = { method: 'POST', path: /\/vzdump$/ }

describe('faults of answers', () => {
  it('answers 596 although the backup was started', async () => {
    site.lab.faults.onHttp({ ...VZDUMP, action: { kind: 'answer-after', status: 596, reason: 'Connection timed out' } })
    const answer = await site.call('POST', '/nodes/pve1/vzdump', 'vmid=100&storage=nas')
    expect([answer.status, answer.reason, answer.body]).toEqual([596, 'Connection timed out', ''])
    expect(site.lab.control.tasks()).toHaveLength(1)
  })

  it('answers 595 without starting anything, as often as told', async () => {
    site.lab.faults.onHttp({ ...VZDUMP, times: 2, action: { kind: 'answer', status: 595, reason: 'No route to host' } })
    const statuses = []
    for (let attempt = 0; attempt < 3; attempt += 1)
      statuses.push((await site.call('POST', '/nodes/pve1/vzdump', 'vmid=100&storage=nas')).status)
    expect(statuses).toEqual([595, 595, 200])
    expect(site.lab.control.tasks()).toHaveLength(1)
  })

  it('cuts the connection before or after the call is taken', async () => {
    site.lab.faults.onHttp({ ...VZDUMP, action: { kind: 'reset-before' } })
    expect((await site.call('POST', '/nodes/pve1/vzdump', 'vmid=100&storage=nas')).cut).toBe(true)
    expect(site.lab.control.tasks()).toHaveLength(0)
    site.lab.faults.onHttp({ ...VZDUMP, action: { kind: 'reset-after' } })
    expect((await site.call('POST', '/nodes/pve1/vzdump', 'vmid=100&storage=nas')).cut).toBe(true)
    expect(site.lab.control.tasks()).toHaveLength(1)
  })

  it('leaves the message out of errors, as old servers did', async () => {
    site.lab.faults.onHttp({ action: { kind: 'without-message' } })
    const answer = await site.call('GET', '/nodes/pve1/storage/nosuch/content')
    expect(answer.reason).toBe("storage 'nosuch' does not exist")
    expect(JSON.parse(answer.body)).toEqual({ data: null })
  })

  it('rewrites a good answer, so that a list lacks an archive', async () => {
    await site.backUp(101)
    site.lab.faults.onHttp({ path: /\/content$/, action: { kind: 'rewrite', rewrite: () => [] } })
    expect(dataOf(await site.call('GET', '/nodes/pve1/storage/nas/content'))).toEqual([])
    expect(dataOf(await site.call('GET', '/nodes/pve1/storage/nas/content'))).toHaveLength(1)
  })

  it('meets an offline node, an offline daemon and an expired token as a client would', async () => {
    site.lab.control.setNodeOnline('pve2', false)
    expect((await site.call('GET', '/nodes/pve2/lxc')).reason).toBe('No route to host')
    site.lab.control.setDaemonRunning(false)
    expect((await site.call('GET', '/nodes/pve1/lxc')).status).toBe(595)
    site.lab.control.setDaemonRunning(true)
    site.lab.control.expireToken(site.lab.token.tokenId)
    expect((await site.call('GET', '/version')).reason).toBe('Authentication failed!')
  })

  it('remembers the requests it saw, without secrets', async () => {
    await site.call('POST', '/access/ticket', 'username=backup%40pve&password=secret-word')
    const { requests } = site.lab.faults
    expect(requests.at(-1)).toMatchObject({ method: 'POST', path: '/access/ticket', status: 401 })
    expect(JSON.stringify(requests)).not.toContain('secret-word')
  })
})

describe('faults of backups', () => {
  const last = (lines: string[]): string | undefined => lines.at(-1)

  it('fails the guest with a given text and removes what was written', async () => {
    site.lab.faults.onBackup(101, { kind: 'error', text: 'out of luck' })
    const task = await site.backUp(101)
    expect(task.status).toBe('job errors')
    expect(task.lines).toContain('ERROR: Backup of VM 101 failed - out of luck')
    expect(site.lab.control.archives()).toEqual([])
  })

  it('ends with warnings and still has the archive', async () => {
    site.lab.faults.onBackup(101, { kind: 'warning', text: 'careful' })
    const task = await site.backUp(101)
    expect([task.status, last(task.lines)]).toEqual(['WARNINGS: 1', 'TASK WARNINGS: 1'])
    expect(site.lab.control.archives()).toHaveLength(1)
  })

  it('dies without a closing line, leaving lock and .dat behind', async () => {
    site.lab.faults.onBackup(100, { kind: 'killed' })
    const task = await site.backUp(100)
    expect(task.status).toBe('unexpected status')
    expect(last(task.lines)).not.toMatch(/^TASK/)
    expect(site.lab.guests.find((guest) => guest.vmid === 100)?.lock).toBe('backup')
    expect(site.lab.control.archives()).toEqual([])
  })

  it('runs out of space and says so as the real tools do', async () => {
    site.lab.control.fillStorage('nas', 100_000)
    const container = await site.backUp(101, '&compress=zstd')
    expect(container.status).toBe('job errors')
    expect(container.lines.join('\n')).toContain('No space left on device')
    const vm = await site.backUp(100)
    expect(vm.lines).toContain(
      'ERROR: Backup of VM 100 failed - vma_queue_write: write error - No space left on device',
    )
  })

  it('meets a guest that was locked or moved after the task was accepted', async () => {
    site.lab.faults.onBackup(101, { kind: 'locked', lock: 'migrate' })
    expect((await site.backUp(101)).lines).toContain('ERROR: Backup of VM 101 failed - CT is locked (migrate)')
    site.lab.faults.onBackup(100, { kind: 'migrated', to: 'pve2' })
    const moved = await site.backUp(100)
    expect(moved.lines).toContain(
      "ERROR: Backup of VM 100 failed - Configuration file 'nodes/pve1/qemu-server/100.conf' does not exist",
    )
  })

  it('keeps the archive’s place out of the log, or loses its end', async () => {
    site.lab.faults.onBackup(101, { kind: 'no-archive-line' }, { kind: 'truncated-archive', bytes: 1_000 })
    const task = await site.backUp(101)
    expect(task.status).toBe('OK')
    expect(task.lines.join('\n')).not.toContain('creating vzdump archive')
    const rows = dataOf(await site.call('GET', '/nodes/pve1/storage/nas/content')) as { size: number }[]
    expect(rows.map((row) => row.size)).toEqual([1_000])
  })

  it('shows no archive before it has its name, and unlocks when it is stopped', async () => {
    site.lab.control.setSecondsPerDump(10)
    site.lab.control.setTaskSpeed(0)
    const upid = await site.start(101)
    await expect.poll(() => site.lab.guests.find((guest) => guest.vmid === 101)?.lock).toBe('backup')
    site.lab.control.advanceTasks(1)
    expect(dataOf(await site.call('GET', '/nodes/pve1/storage/nas/content'))).toEqual([])
    await site.call('DELETE', `/nodes/pve1/tasks/${encodeURIComponent(upid)}`)
    const task = await site.lab.control.endOfTask(upid)
    expect(task?.status).toBe('job errors')
    expect(site.lab.guests.find((guest) => guest.vmid === 101)?.lock).toBeUndefined()
    const nas = site.lab.storages.find((each) => each.id === 'nas')
    expect(existsSync(`${nas?.directory}/dump`)).toBe(true)
  })
})

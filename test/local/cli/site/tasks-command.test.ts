import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openSiteBench, type SiteBench } from '../site-bench.ts'

let bench: SiteBench
beforeAll(async () => {
  bench = await openSiteBench({ secondsPerDump: 60 })
})
afterAll(async () => {
  await bench.close()
})

async function startBackup(id: string): Promise<string> {
  const [guest] = await bench.provider.findGuests([id])
  if (guest === undefined) throw new Error(`no guest ${id}`)
  const options = { mode: 'snapshot', compress: 'zstd', storage: 'local' } as const
  const { jobRef } = await bench.provider.start(guest, options)
  while (lockOf(Number(id)) === undefined) await new Promise((resolve) => setTimeout(resolve, 20))
  return jobRef
}

const lockOf = (vmid: number) => bench.lab.guests.find((guest) => guest.vmid === vmid)?.lock

describe('guestlift tasks', () => {
  it('lists what runs on every node, shows its log, and stops it only with --confirm', async () => {
    const { guestlift, json } = bench
    const [one, two] = [await startBackup('101'), await startBackup('103')]
    const listed = await json('tasks', 'list')
    expect(listed.code).toBe(0)
    const tasks = listed.result['tasks'] as { jobRef: string }[]
    expect(tasks.map(({ jobRef }) => jobRef).toSorted()).toEqual([one, two].toSorted())
    expect((await json('tasks', 'list', '--guest', '103')).result).toMatchObject({
      tasks: [{ jobRef: two, node: 'pve2' }],
    })
    expect((await guestlift('tasks', 'log', one)).stdout).toContain('Starting Backup of VM 101 (lxc)')

    const dry = await guestlift('tasks', 'stop', one)
    expect(dry).toMatchObject({ code: 0, stderr: expect.stringMatching(/would be stopped.*--confirm/) })
    expect(lockOf(101)).toBe('backup')
    const stopped = await json('tasks', 'stop', one, '--confirm')
    expect(stopped).toMatchObject({ code: 0, result: { stopped: true, task: { running: false } } })
    expect(stopped.result).not.toHaveProperty('leftLock')
    expect(lockOf(101)).toBeUndefined()
    expect(await guestlift('tasks', 'stop', one, '--confirm')).toMatchObject({
      code: 0,
      stderr: expect.stringContaining('It has ended'),
    })
    const ended = await json('tasks', 'list', '--hours', '1', '--guest', '101')
    expect(ended.result).toMatchObject({ tasks: [{ jobRef: one, running: false }] })
    await bench.provider.stop(two, 10)
    expect((await guestlift('tasks', 'list')).stdout).toBe('No task of ours runs.\n')
  })

  it('names the lock that stays after a task was stopped, with the command that takes it off, and exit code 2', async () => {
    const { lab, json, guestlift } = bench
    const ref = await startBackup('101')
    // As a worker that is killed before it could clean up leaves its guest.
    const relock = setInterval(() => lab.control.lockGuest(101, 'backup'), 5)
    const { code, result } = await json('tasks', 'stop', ref, '--confirm', '--timeout', '2')
    clearInterval(relock)
    expect(code).toBe(2)
    expect(result).toMatchObject({
      stopped: true,
      leftLock: { lock: 'backup', advice: expect.stringContaining('run "pct unlock 101" on node pve1') },
    })
    lab.control.lockGuest(101)
    expect((await guestlift('guest', 'status', '101')).stdout).not.toContain('locked')
  })

  it('ends at once on Ctrl-C with exit code 130, and leaves the task to its node', async () => {
    const { lab, interrupted } = bench
    lab.control.guest(100, { ignoresShutdown: true, status: 'running' })
    const running = () => lab.control.tasks().some(({ type, running: runs }) => type === 'qmshutdown' && runs)
    const { code, stderr } = await interrupted(running, 'guest', 'shutdown', '100', '--timeout', '600', '--confirm')
    expect(code).toBe(130)
    expect(stderr).toContain('Stopped waiting')
    // It would have waited for ten minutes, and the task with it.
    expect(running()).toBe(true)
  })

  it('refuses what is no task, and says when the log was rotated away', async () => {
    const { lab, guestlift } = bench
    expect(await guestlift('tasks', 'log', 'nonsense')).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/no job/),
    })
    const ref = await startBackup('101')
    await bench.provider.stop(ref, 10)
    lab.control.forgetTask(ref)
    expect(await guestlift('tasks', 'log', ref)).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/rotated away/),
    })
  })
})

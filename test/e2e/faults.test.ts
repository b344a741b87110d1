import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { openSite, type Site } from './harness.ts'

let site: Site
beforeAll(async () => {
  site = await openSite()
})
afterAll(() => site.close())
afterEach(() => {
  site.lab.faults.clear()
  site.faults.plan = undefined
})

const job = (vmids: number[], storage = 'local') => ({ site: 'hq', guests: { vmids }, backup: { storage } })
const asks = (): number =>
  site.lab.faults.requests.filter(({ method, path }) => method === 'POST' && path.endsWith('/vzdump')).length

/** Nothing of a failed guest may look like an archive. */
async function expectNothingHalfWritten(before: string[]) {
  const kept = (await site.keys('archives/')).filter((key) => !before.includes(key))
  expect(kept).toEqual([])
  expect(await site.openUploads()).toEqual([])
}

describe('one guest fails and the others are archived', () => {
  it.each([
    ['is unknown', 999, (): void => undefined, 'failed', 'GuestNotFound', /no guest 999/],
    ['is locked', 100, () => site.lab.control.lockGuest(100, 'disk'), 'skipped', 'GuestLocked', /locked \(disk\)/],
    ['migrates', 100, () => site.lab.control.lockGuest(100, 'migrate'), 'skipped', 'GuestMigrating', /migrating/],
  ] as const)('when it %s', async (_what, vmid, prepare, outcome, verdict, reason) => {
    prepare()
    const { result, report, guests } = await site.run(job([101, vmid]))
    site.lab.control.lockGuest(100)
    expect(result).toMatchObject({ status: 'FAILED', error: 'RunPartlyFailed' })
    expect(report?.outcome).toBe('partial')
    expect(guests['101']).toMatchObject({ outcome: 'succeeded' })
    expect(guests[String(vmid)]).toMatchObject({ outcome, verdict, reason: expect.stringMatching(reason) })
  })

  it('when its node is offline', async () => {
    site.lab.control.setNodeOnline('pve2', false)
    const { guests } = await site.run(job([101, 103]))
    site.lab.control.setNodeOnline('pve2', true)
    expect(guests['101']).toMatchObject({ outcome: 'succeeded' })
    expect(guests['103']).toMatchObject({
      outcome: 'failed',
      verdict: 'NodeOffline',
      reason: expect.stringMatching(/pve2/),
    })
  })
})

describe('a backup that is less than its job requires', () => {
  it('is stored whole, fails its guest and the run, and is made anew when the run is repeated', async () => {
    const demanding = { ...job([100]), require: { consistency: 'file-system', complete: true } }
    site.lab.control.setShortcomings(100, ['agent-dead'])
    const first = await site.run(demanding, { name: 'less-than-required' })
    site.lab.control.setShortcomings(100, [])
    expect(first.result).toMatchObject({ status: 'FAILED', error: 'RunFailed' })
    expect(first.result.cause).toContain('stored, but less than required')
    const { manifestKey = '', reason } = first.guests['100'] ?? {}
    expect(first.guests['100']).toMatchObject({
      outcome: 'failed',
      verdict: 'GradeNotReached',
      grade: { consistency: 'crash', gaps: [] },
    })
    expect(reason).toMatch(/is stored and can be restored.*Install and start qemu-guest-agent/)
    expect(await site.keys(manifestKey)).toEqual([manifestKey])
    const { startedAt = '' } = first.report ?? {}
    const second = await site.run({ again: { run: 'less-than-required', startedAt } }, { name: 'as-required' })
    expect(second.guests['100']).toMatchObject({
      outcome: 'succeeded',
      verdict: 'archived',
      grade: { consistency: 'file-system', gaps: [] },
    })
    expect(second.guests['100']?.manifestKey).not.toBe(manifestKey)
  })
})

describe('a backup that did not work is never reported as one', () => {
  it.each([
    [
      'the task fails',
      { kind: 'error', text: 'job failed with err -5 - Input/output error' },
      'backup-failed',
      /Input\/output error/,
    ],
    ['the storage runs full', { kind: 'no-space' }, 'backup-failed', /.+/],
    ['the worker is killed', { kind: 'killed' }, 'job-lost', /unlock/],
    ['the log names no archive', { kind: 'no-archive-line' }, 'archive-unnamed', /names no archive/],
    ['the guest is locked after the task was accepted', { kind: 'locked', lock: 'backup' }, 'backup-failed', /locked/],
  ] as const)('when %s', async (_what, fault, verdict, reason) => {
    const before = await site.keys('archives/')
    site.lab.faults.onBackup(101, fault)
    const { report, guests } = await site.run(job([101]))
    site.lab.control.lockGuest(101)
    expect(report?.outcome).toBe('failed')
    expect(guests['101']).toMatchObject({
      outcome: 'failed',
      verdict,
      reason: expect.stringMatching(reason),
      artifacts: [],
    })
    await expectNothingHalfWritten(before)
  })

  it('when the storage is offline, or takes no backups', async () => {
    site.lab.control.setStorageOnline('nas', false)
    const offline = await site.run(job([101], 'nas'))
    site.lab.control.setStorageOnline('nas', true)
    site.lab.control.storage('nas', { content: ['iso'] })
    const wrong = await site.run(job([101], 'nas'))
    site.lab.control.storage('nas', { content: ['backup'] })
    // Its folder isn't there then, which the test of the route finds before anything is begun.
    expect(offline.result).toMatchObject({ status: 'FAILED', cause: expect.stringMatching(/nas.*storage is online/) })
    expect(wrong.guests['101']).toMatchObject({ outcome: 'failed', reason: expect.stringMatching(/nas/) })
  })

  it('when the platform answers OK in place of a task', async () => {
    site.lab.faults.onHttp({
      method: 'POST',
      path: /\/vzdump$/,
      times: 9,
      action: { kind: 'rewrite', rewrite: () => 'OK' },
    })
    const { guests } = await site.run(job([103]))
    expect(guests['103']).toMatchObject({ outcome: 'failed', verdict: 'NothingBackedUp' })
  })

  it('but warnings are archived and kept', async () => {
    site.lab.faults.onBackup(101, { kind: 'warning', text: 'mount point mp0 has no backup' })
    const { guests } = await site.run(job([101]))
    expect(guests['101']).toMatchObject({
      outcome: 'succeeded',
      verdict: 'archived-with-warnings',
      reason: expect.stringMatching(/mp0/),
    })
  })
})

describe('a backup is started once', () => {
  it.each([
    ['the connection breaks after the request was accepted', { kind: 'reset-after' }],
    ['a proxy gives up although the task runs', { kind: 'answer-after', status: 596, reason: 'Connection timed out' }],
  ] as const)('when %s', async (_what, action) => {
    const before = asks()
    site.lab.faults.onHttp({ method: 'POST', path: /\/vzdump$/, action })
    const { guests } = await site.run(job([101]))
    expect(guests['101']).toMatchObject({ outcome: 'succeeded' })
    expect(asks() - before).toBe(1)
  })

  it('when two runs want the guest at once', async () => {
    const before = asks()
    const both = await Promise.all([
      site.run(job([101]), { name: 'at-once-a' }),
      site.run(job([101]), { name: 'at-once-b' }),
    ])
    expect(both.map(({ guests }) => guests['101']?.outcome ?? '').sort((a, b) => (a < b ? -1 : 1))).toEqual([
      'skipped',
      'succeeded',
    ])
    expect(both.find(({ guests }) => guests['101']?.outcome === 'skipped')?.guests['101']).toMatchObject({
      verdict: 'GuestBusy',
      reason: expect.stringMatching(/being backed up by run at-once-/),
    })
    expect(asks() - before).toBe(1)
  })
})

describe('S3', () => {
  it('without the bucket stops the run before anything is dumped', async () => {
    const before = asks()
    site.faults.plan = ({ operation }) => (operation === 'PutObject' ? { code: 'NoSuchBucket' } : undefined)
    const { result } = await site.run(job([101]))
    expect(result).toMatchObject({ status: 'FAILED', error: 'StoreDenied', cause: expect.stringMatching(/bucket/i) })
    expect(asks()).toBe(before)
  })
})

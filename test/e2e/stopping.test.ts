import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { openSite, type Site } from './harness.ts'

const MIB = 2 ** 20

let site: Site
beforeAll(async () => {
  // Uncompressed, this is three parts.
  site = await openSite({ guestBytes: 150 * MIB })
}, 120_000)
afterAll(() => site.close())
afterEach(() => {
  site.lab.faults.clear()
  site.faults.plan = undefined
})

const job = { site: 'hq', guests: { vmids: [101] }, backup: { storage: 'local', compress: 'none' } }

async function expectNothingHalfWritten(before: string[]) {
  expect((await site.keys('archives/')).filter((key) => !before.includes(key))).toEqual([])
  expect(await site.openUploads()).toEqual([])
  expect(await site.keys('uploads/')).toEqual([])
}

describe('the operator stops the run', () => {
  it('while a guest is dumped: the task is stopped and the guest unlocked', async () => {
    const before = await site.keys('archives/')
    site.lab.control.setSecondsPerDump(120)
    const controller = new AbortController()
    const { report, guests } = await site.run(job, {
      interrupt: controller.signal,
      onState: (state) => {
        if (state === 'Check backup') controller.abort()
      },
    })
    site.lab.control.setSecondsPerDump(0.2)
    expect(report?.outcome).toBe('failed')
    expect(guests['101']).toMatchObject({ outcome: 'failed', verdict: 'RunInterrupted' })
    expect(site.lab.control.tasks().filter((task) => task.running)).toEqual([])
    expect(site.lab.control.guest(101, {}).lock).toBeUndefined()
    await expectNothingHalfWritten(before)
  })

  it('while an archive is copied: the upload is aborted', async () => {
    const before = await site.keys('archives/')
    const controller = new AbortController()
    const { guests } = await site.run(job, { interrupt: controller.signal, onPart: () => controller.abort() })
    expect(guests['101']).toMatchObject({ outcome: 'failed', verdict: 'RunInterrupted' })
    await expectNothingHalfWritten(before)
    const again = await site.run(job)
    expect(again.guests['101']).toMatchObject({ outcome: 'succeeded' })
  })
})

import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import type { GuestOutcome } from '../../functions/contracts/report.ts'
import { openSite, type Site } from './harness.ts'
import { killFunction } from './kill-function.ts'

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
/** Names end with the time of the backup; modification times are what some of these tests change. */
const newest = () =>
  site.lab.control
    .archives()
    .map(({ file }) => file)
    .sort()
    .at(-1) ?? ''

async function expectNothingHalfWritten(before: string[]) {
  expect((await site.keys('archives/')).filter((key) => !before.includes(key))).toEqual([])
  expect(await site.openUploads()).toEqual([])
  expect(await site.keys('uploads/')).toEqual([])
}

describe('moving an archive of several parts', () => {
  it('goes on where a cut connection left it', async () => {
    site.lab.faults.onSftp({ kind: 'cut-after', bytes: 100 * MIB }, 4)
    const { guests } = await site.run(job)
    expect(guests['101']).toMatchObject({ outcome: 'succeeded' })
    const size = guests['101']?.artifacts[0]?.sizeBytes ?? 0
    expect(size).toBeGreaterThan(128 * MIB)
    expect(guests['101']?.bytesSent).toBe(size)
  })

  it('sends no part again that S3 has when the function is killed between two parts', async () => {
    let parts = 0
    let killed: Promise<number> | undefined
    const received: number[] = []
    site.faults.plan = ({ operation, partNumber }) => {
      if (operation === 'UploadPart' && partNumber !== undefined) received.push(partNumber)
      return undefined
    }
    const { guests } = await site.run(job, {
      onPart: () => {
        parts += 1
        if (parts === 1) killed = killFunction(site.assembly, 'copy-parts')
      },
    })
    expect(guests['101']).toMatchObject({ outcome: 'succeeded' })
    expect(await killed).toBeGreaterThan(0)
    expect(guests['101']).toMatchObject({ outcome: 'succeeded' })
    // A part in flight when the function died may be sent twice; one that had been recorded is not.
    expect(received.length).toBeLessThan(6)
  })

  it('finds what a run left behind that died without a word, and sends only the rest', async () => {
    const received: number[] = []
    site.faults.plan = ({ operation, partNumber }) => {
      if (operation === 'UploadPart' && partNumber !== undefined) received.push(partNumber)
      return undefined
    }
    const death = new AbortController()
    const { result } = await site.run(job, { name: 'died', kill: death.signal, onPart: () => death.abort() })
    expect(result.status).toBe('ABORTED')
    expect(await site.openUploads()).toHaveLength(1)
    const [planKey = ''] = (await site.keys('runs/')).filter((key) => key.endsWith('/died/plan.json'))
    const [item] = JSON.parse(await site.text(planKey))
    const dumps = site.lab.control.archives().length
    const repeated = await site.run(item, { workflow: 'exportGuest' })
    expect(repeated.result).toMatchObject({
      status: 'SUCCEEDED',
      output: { outcome: 'succeeded', verdict: 'archived' },
    })
    const { bytesSent, artifacts } = repeated.result.output as unknown as GuestOutcome
    expect(bytesSent).toBeLessThan(artifacts[0]?.sizeBytes ?? 0)
    expect(site.lab.control.archives()).toHaveLength(dumps)
    expect(await site.openUploads()).toEqual([])
    // At most what was in flight when it died goes twice.
    expect(received.length).toBeLessThan(6)
  })

  it.each([
    [
      'is replaced',
      'SourceChanged',
      (file: string) => site.lab.control.replaceArchive(file, Buffer.alloc(150 * MIB, 1)),
    ],
    [
      'is touched',
      'SourceChanged',
      (file: string) => site.lab.control.touchArchive(file, new Date(Date.now() + 60_000)),
    ],
    ['is truncated', /ShortRead|SourceChanged/, (file: string) => site.lab.control.truncateArchive(file, 10 * MIB)],
    ['is gone', /SourceUnreadable|SourceChanged/, (file: string) => site.lab.control.removeArchive(file)],
  ] as const)('fails and leaves nothing when the source %s meanwhile', async (_what, verdict, change) => {
    const before = await site.keys('archives/')
    let changed = false
    const { guests } = await site.run(job, {
      onState: (state) => {
        if (state !== 'Copy parts' || changed) return
        changed = true
        change(newest())
      },
    })
    expect(changed).toBe(true)
    expect(guests['101']).toMatchObject({ outcome: 'failed', verdict: expect.stringMatching(verdict) })
    await expectNothingHalfWritten(before)
  })

  it('refuses a file that ends before its size says', async () => {
    const before = await site.keys('archives/')
    site.lab.faults.onSftp({ kind: 'short-file', bytes: 70 * MIB }, 99)
    const { guests } = await site.run(job)
    expect(guests['101']).toMatchObject({
      outcome: 'failed',
      verdict: expect.stringMatching(/ShortRead|SourceChanged/),
    })
    await expectNothingHalfWritten(before)
  })
})

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

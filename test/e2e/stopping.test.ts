import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { openSite, type Site } from './harness.ts'

const MIB = 2 ** 20

let site: Site
beforeAll(async () => {
  // Uncompressed, this is three parts.
  site = await openSite({ guestBytes: 136 * MIB })
})
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
        if (state === 'Check vzdump') controller.abort()
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

describe('the run dies while a guest is dumped', () => {
  it('is cleaned up after by the workflow that EventBridge starts, from the event alone', async () => {
    site.lab.control.setSecondsPerDump(120)
    const death = new AbortController()
    const startedAt = Date.now()
    const { result } = await site.run(job, {
      name: 'dead',
      kill: death.signal,
      onState: (state) => {
        if (state === 'Check vzdump') death.abort()
      },
    })
    site.lab.control.setSecondsPerDump(0.2)
    expect(result.status).toBe('ABORTED')
    // Nobody has cleaned up: the task runs, the guest is locked and claimed.
    expect(site.lab.control.tasks().filter((task) => task.running)).toHaveLength(1)
    const claim = async () => JSON.parse(await site.text('claims/hq/container-101.json')) as Record<string, unknown>
    const held = await claim()
    expect(held).toMatchObject({ runId: 'dead', released: false })

    // `detail` of "Step Functions Execution Status Change", field by field as it is documented.
    const [region, account] = ['us-east-1', '000000000000']
    const machine = 'guestlift-example-export-run'
    const detail = {
      executionArn: `arn:aws:states:${region}:${account}:execution:${machine}:dead`,
      stateMachineArn: `arn:aws:states:${region}:${account}:stateMachine:${machine}`,
      name: 'dead',
      status: 'ABORTED',
      startDate: startedAt,
      stopDate: Date.now(),
      input: JSON.stringify(job),
      output: null,
      stateMachineVersionArn: null,
      stateMachineAliasArn: null,
      redriveCount: 0,
      redriveDate: null,
      redriveStatus: 'NOT_REDRIVABLE',
      redriveStatusReason: 'Execution is ABORTED',
      inputDetails: { included: true },
      outputDetails: null,
      error: null,
      cause: null,
    }
    const cleaned = await site.cleanUp({ detail, executions: [String(held['execution'])] })
    expect(cleaned).toMatchObject({
      status: 'SUCCEEDED',
      output: expect.stringMatching(/^The execution dead ended as ABORTED\. 1 of 1 guests cleaned up\. Guest 101: /),
    })
    expect(site.lab.control.tasks().filter((task) => task.running)).toEqual([])
    expect(site.lab.control.guest(101, {}).lock).toBeUndefined()
    expect(await claim()).toMatchObject({ released: true })
    const [reportKey = ''] = (await site.keys('runs/')).filter((key) => key.endsWith('/dead/report.json'))
    expect(JSON.parse(await site.text(reportKey))).toMatchObject({
      outcome: 'failed',
      notes: [expect.stringContaining('ended as ABORTED')],
      guests: [{ id: '101', outcome: 'failed', verdict: 'ExecutionEnded' }],
    })
    // The next run has the guest at once.
    const next = await site.run(job)
    expect(next.guests['101']).toMatchObject({ outcome: 'succeeded' })
  })
})

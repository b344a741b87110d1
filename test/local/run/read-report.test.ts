import { describe, expect, it } from 'vitest'
import type { RunReport } from '../../../functions/contracts/report.ts'
import { fetchReport } from '../../../local/run/read-report.ts'
import { shapeOf } from '../../../local/run/report-shapes.ts'

const report: RunReport = {
  version: 1,
  runId: 'night',
  outcome: 'partial',
  summary: '1 of 2 guests archived, 1 failed, 0 skipped.',
  notes: [],
  startedAt: '2026-11-22T02:00:00.000Z',
  endedAt: '2026-11-22T02:10:00.000Z',
  guests: [],
}
const answer = {
  outcome: report.outcome,
  summary: report.summary,
  bucket: 'archives',
  reportKey: 'runs/2026/11/22/night/report.json',
}

/** Reads that answer one after the other; the last one goes on. */
async function fetch(...answers: (string | Error)[]) {
  let now = 0
  const said: string[] = []
  const stopped = new AbortController()
  const waits: number[] = []
  const read = async () => {
    const next = answers.length > 1 ? answers.shift() : answers[0]
    if (typeof next === 'string') return next
    throw next ?? new Error('no answer')
  }
  const patience = {
    now: () => now,
    sleep: async (milliseconds: number) => {
      waits.push(milliseconds)
      now += milliseconds
    },
    onWait: (message: string) => said.push(message),
    signal: stopped.signal,
  }
  return {
    stop: () => stopped.abort(),
    said,
    waits,
    found: () => fetchReport(answer, shapeOf('exportRun'), read, patience),
  }
}

const refusal = new Error('Please reduce your request rate.')

describe('reading the report at the end of a command', () => {
  it('tries again while S3 refuses, and says once that it waits', async () => {
    const { found, said, waits } = await fetch(refusal, refusal, '<html>maintenance</html>', JSON.stringify(report))
    expect(await found()).toMatchObject({ report, reportKey: answer.reportKey })
    expect(waits).toHaveLength(3)
    expect(said).toEqual([
      "Everything is done, but the report s3://archives/runs/2026/11/22/night/report.json can't be read yet; trying for " +
        'some minutes: Please reduce your request rate.',
    ])
  })

  it('gives up after minutes with what the answer of the execution says, and where the report lies', async () => {
    const { found, waits } = await fetch(refusal)
    expect(await found()).toEqual({
      report: undefined,
      ...answer,
      unread: expect.stringMatching(
        /^The report s3:\/\/archives\/runs\S+report\.json could not be read: Please reduce/,
      ),
    })
    const waitedSeconds = waits.reduce((sum, wait) => sum + wait, 0) / 1000
    expect(waitedSeconds).toBeGreaterThanOrEqual(300)
    expect(waitedSeconds).toBeLessThan(330)
  })

  it('waits no longer once nobody wants to, and still says what is known', async () => {
    const { found, stop, waits } = await fetch(refusal)
    stop()
    expect(await found()).toMatchObject({ report: undefined, outcome: 'partial' })
    expect(waits).toEqual([])
  })

  it.each([
    ['{}', /can't be read: .*left as it is/],
    [JSON.stringify({ ...report, version: 99 }), /has version 99.*Update Guestlift/],
  ])('never takes what it doesn’t understand for a report, and says so without waiting: %s', async (text, words) => {
    const { found, waits, said } = await fetch(text)
    expect(await found()).toEqual({ report: undefined, ...answer, unread: expect.stringMatching(words) })
    expect({ waits, said }).toEqual({ waits: [], said: [] })
  })

  it('tries again while it gets a part of it only, or nothing', async () => {
    const { found, waits } = await fetch(JSON.stringify(report).slice(0, 40), '', JSON.stringify(report))
    expect(await found()).toMatchObject({ report })
    expect(waits).toHaveLength(2)
  })
})

import { describe, expect, it } from 'vitest'
import type { GuestOutcome, RunReport } from '../../../../functions/contracts/report.ts'
import { runMetrics } from '../../../../functions/domain/metrics/run-metrics.ts'

const guest = (outcome: GuestOutcome['outcome'], sizeBytes: number): GuestOutcome => ({
  id: '100',
  name: 'web',
  outcome,
  verdict: 'archived',
  reason: '',
  artifacts: [{ key: 'a', sizeBytes, checksum: 'CRC32:AAAAAA==' }],
  bytesSent: sizeBytes / 2,
  seconds: 1,
})

const report: RunReport = {
  version: 1,
  runId: 'run-1',
  site: 'hq',
  outcome: 'partial',
  summary: '',
  notes: [],
  startedAt: '2026-11-22T02:00:00.000Z',
  endedAt: '2026-11-22T03:00:00.000Z',
  guests: [guest('succeeded', 100), guest('succeeded', 200), guest('failed', 40), guest('skipped', 0)],
}

describe("a run's metrics", () => {
  it('count guests by outcome and bytes of all that was stored, also of less than was required', () => {
    expect(runMetrics('test', report)).toMatchObject({
      _aws: { Timestamp: Date.parse(report.endedAt) },
      Deployment: 'test',
      Site: 'hq',
      GuestsArchived: 2,
      GuestsFailed: 1,
      GuestsSkipped: 1,
      ArchivedBytes: 340,
      SentBytes: 170,
      RunSeconds: 3600,
    })
  })

  it('declare each figure and each dimension that the line holds, as the format asks', () => {
    const line = runMetrics('test', report) ?? {}
    const { CloudWatchMetrics } = line['_aws'] as {
      CloudWatchMetrics: { Dimensions: string[][]; Metrics: { Name: string }[] }[]
    }
    const names = new Set(
      CloudWatchMetrics.flatMap(({ Dimensions, Metrics }) => [
        ...Dimensions.flat(),
        ...Metrics.map(({ Name }) => Name),
      ]),
    )
    expect([...names].toSorted()).toEqual(
      Object.keys(line)
        .filter((name) => name !== '_aws')
        .toSorted(),
    )
  })

  it.each([
    ['succeeded', 1],
    ['partial', 0],
    ['failed', 0],
  ] as const)('count a run that %s as %i success of its deployment, whatever its site', (outcome, count) => {
    const line = runMetrics('test', { ...report, outcome }) ?? {}
    const { CloudWatchMetrics } = line['_aws'] as { CloudWatchMetrics: unknown[] }
    expect(line).toMatchObject({ RunsSucceeded: count })
    expect(CloudWatchMetrics.at(-1)).toEqual({
      Namespace: 'Guestlift',
      Dimensions: [['Deployment']],
      Metrics: [{ Name: 'RunsSucceeded', Unit: 'Count' }],
    })
  })

  it('say nothing of a run that never learnt its site', () => {
    const { site: _, ...nowhere } = report
    expect(runMetrics('test', nowhere)).toBeUndefined()
  })
})

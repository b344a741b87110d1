import { describe, expect, it } from 'vitest'
import type { SweptUpload } from '../../../../functions/contracts/sweep.ts'
import { sweepTotals } from '../../../../functions/domain/sweep/sweep-totals.ts'

const upload = (outcome: SweptUpload['outcome'], sizeBytes = 0, costDollars = 0): SweptUpload => ({
  key: 'archives/hq/vm-100/2026-11-01T02-00-00Z/a',
  uploadId: 'u',
  openedAt: '2026-11-01T02:00:00.000Z',
  lastActiveAt: '2026-11-01T02:00:00.000Z',
  partCount: 1,
  sizeBytes,
  outcome,
  reason: 'why',
  costDollars,
})
const rest = { dryRun: false, left: 0, removedRecords: 0 }
const GIB = 2 ** 30

describe('a sweep in one sentence', () => {
  it('tells what was dropped, what that cost, and what was kept', () => {
    const uploads = [upload('dropped', 1000 * GIB, 9.2), upload('dropped', 331.2 * GIB, 2), upload('kept', 40 * GIB, 1)]
    expect(sweepTotals(uploads, rest)).toEqual({
      outcome: 'succeeded',
      summary: 'Dropped 2 abandoned uploads holding 1.3 TiB (about $11.20 so far); kept 1 holding 40.0 GiB.',
      kept: 1,
      dropped: 2,
      failed: 0,
      droppedBytes: 1331.2 * GIB,
      costDollars: 11.2,
      left: 0,
      removedRecords: 0,
    })
  })

  it.each([
    ['nothing open', [], rest, 'No uploads are open.'],
    ['nothing to drop', [upload('kept', 5)], rest, 'Dropped nothing; kept 1 holding 5 B.'],
    ['one for next to nothing', [upload('dropped', 5)], rest, 'Dropped 1 abandoned upload holding 5 B (less than $0.01 so far); kept none.'],
    ['a dry run', [upload('dropped', GIB, 0.5)], { ...rest, dryRun: true, removedRecords: 1 }, 'Would drop 1 abandoned upload holding 1.0 GiB (about $0.50 so far); kept none. Would remove 1 record of uploads that are long gone.'],
    ['a failure', [upload('failed'), upload('kept')], rest, 'Dropped nothing; kept 1 holding 0 B. 1 upload could not be swept: the report says why.'],
    ['too little time', [upload('kept')], { ...rest, left: 40 }, 'Dropped nothing; kept 1 holding 0 B. Time ran out: 40 uploads left for the next sweep.'],
    ['time for nothing', [], { ...rest, left: 1 }, 'Dropped nothing; kept none. Time ran out: 1 upload left for the next sweep.'],
    ['old records', [], { ...rest, removedRecords: 2 }, 'Dropped nothing; kept none. Removed 2 records of uploads that are long gone.'],
    ['trouble with records', [], { ...rest, recordTrouble: 'denied' }, 'Dropped nothing; kept none. Old upload records could not be looked through: denied.'],
  ])('tells of %s', (_, uploads, also, summary) => {
    expect(sweepTotals(uploads, also).summary).toBe(summary)
  }) // biome-ignore format: a case a line reads as the table it is

  it.each([
    ['nothing failed', [upload('kept'), upload('dropped')], rest, 'succeeded'],
    ['some failed', [upload('kept'), upload('failed')], rest, 'partial'],
    ['all failed', [upload('failed')], rest, 'failed'],
    ['records could not be listed', [upload('kept')], { ...rest, recordTrouble: 'denied' }, 'partial'],
    ['uploads were left for the next sweep', [upload('kept')], { ...rest, left: 3 }, 'succeeded'],
  ])('when %s, has an outcome that says so', (_, uploads, also, outcome) => {
    expect(sweepTotals(uploads, also).outcome).toBe(outcome)
  })
})

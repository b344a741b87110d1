import { describe, expect, it } from 'vitest'
import type { CopyResult } from '../../../../functions/contracts/pace.ts'
import { copyWorkSchema } from '../../../../functions/contracts/work.ts'
import { addCopyWork, countRound, guestCounts, noCopyWork } from '../../../../functions/domain/transfer/copy-work.ts'

const went: CopyResult = {
  bytesSent: 300,
  partsSent: 3,
  seconds: 10,
  billedSeconds: 11.5,
  memoryMiB: 1769,
  throttles: 0,
  drops: 0,
}
const broke: CopyResult = {
  bytesSent: 0,
  partsSent: 0,
  seconds: 0,
  billedSeconds: 60,
  throttles: 0,
  drops: 0,
  error: { Error: 'ConnectionDropped' },
}

describe('counting a round of copying', () => {
  it('adds up calls, what Lambda bills of them, and parts', () => {
    expect(countRound(noCopyWork, [went, went, broke], 0)).toEqual({
      plans: 0,
      rounds: 1,
      copyCalls: 3,
      brokenCalls: 1,
      copySeconds: 83,
      untimedCalls: 0,
      partsSent: 6,
      memoryMiB: 1769,
    })
  })

  it('takes the parts that S3 has more from S3 where a broken stream couldn’t tell its own', () => {
    expect(countRound(noCopyWork, [went, broke], 5).partsSent).toBe(5)
  })

  it('bills no call beyond Lambda’s longest, however long its state waited for one to begin', () => {
    expect(countRound(noCopyWork, [{ ...broke, billedSeconds: 7200 }], 0).copySeconds).toBe(900)
  })

  it('counts calls that left no time of their own, as functions older than this leave them', () => {
    const { billedSeconds: _, ...old } = went
    expect(countRound(noCopyWork, [old], 0)).toMatchObject({ copySeconds: 10, untimedCalls: 1 })
  })

  it('goes on from what was counted, with the larger memory', () => {
    const first = countRound(noCopyWork, [went], 3)
    const both = countRound(first, [{ ...went, memoryMiB: 3008 }], 3)
    expect(both).toMatchObject({ rounds: 2, copyCalls: 2, copySeconds: 23, partsSent: 6, memoryMiB: 3008 })
    expect(addCopyWork(first, both).memoryMiB).toBe(3008)
  })

  it('adds up requests for reading where the platform bills them, and says nothing of them elsewhere', () => {
    const read = countRound(noCopyWork, [{ ...went, billedReads: 7 }, { ...went, billedReads: 5 }, broke], 0)
    expect(read.billedReads).toBe(12)
    expect(addCopyWork(read, read).billedReads).toBe(24)
    expect(addCopyWork(read, noCopyWork).billedReads).toBe(12)
    expect(countRound(noCopyWork, [went], 0)).not.toHaveProperty('billedReads')
  })

  it('begins from nothing', () => {
    expect(copyWorkSchema.parse({})).toEqual(noCopyWork)
  })
})

describe('the counts of a guest', () => {
  const item = { retention: {} }

  it('are those of all its artifacts', () => {
    const stored = [{ work: countRound(noCopyWork, [went], 0) }, { work: countRound(noCopyWork, [went, broke], 0) }]
    expect(guestCounts({ item, stored, backupCalls: 4 })).toMatchObject({
      copyCalls: 3,
      partsSent: 6,
      backupCalls: 4,
      retention: true,
    })
  })

  it('are none where some of it wasn’t counted', () => {
    expect(guestCounts({ item: {}, stored: [{ work: noCopyWork }, {}], backupCalls: 4 })).toBeUndefined()
    expect(guestCounts({ item: {}, stored: [{ work: noCopyWork }] })).toBeUndefined()
  })
})

import { describe, expect, it } from 'vitest'
import type { GuestProgress } from '../../../../functions/contracts/progress.ts'
import { figuresOf, isDue, type Seen } from '../../../../functions/domain/backup/progress.ts'

const GIB = 2 ** 30
const began = '2026-11-22T02:00:00.000Z'
const at = (seconds: number) => new Date(Date.parse(began) + seconds * 1000)

function kept(stage: GuestProgress['stage'], seconds: number, figures: Partial<GuestProgress>): GuestProgress {
  return {
    version: 1,
    runId: 'r',
    site: 'hq',
    guest: { id: '100', kind: 'vm', name: 'web', node: 'pve1' },
    stage,
    stageStartedAt: began,
    updatedAt: at(seconds).toISOString(),
    estimated: false,
    ...figures,
  }
}
const dumping = (seen: Seen, before: GuestProgress | undefined, seconds: number) =>
  figuresOf(seen, 'dumping', began, before, at(seconds))

describe('rate and time left', () => {
  it('of a dump begin with the average since its start', () => {
    expect(dumping({ percent: 25, doneBytes: 8 * GIB, totalBytes: 32 * GIB }, undefined, 80)).toEqual({
      percent: 25,
      doneBytes: 8 * GIB,
      totalBytes: 32 * GIB,
      bytesPerSecond: Math.round((8 * GIB) / 80),
      secondsLeft: 240,
      estimated: false,
    })
  })

  it('follow the recent rate: empty blocks at the beginning went fast', () => {
    const before = kept('dumping', 60, { doneBytes: 20 * GIB })
    const { bytesPerSecond, secondsLeft } = dumping({ doneBytes: 21 * GIB, totalBytes: 32 * GIB }, before, 120)
    expect(bytesPerSecond).toBe(Math.round(GIB / 60))
    expect(secondsLeft).toBe(660)
  })

  it('do not swing with looks that follow each other closely', () => {
    const before = kept('dumping', 60, { doneBytes: 6 * GIB, bytesPerSecond: GIB / 8 })
    expect(dumping({ doneBytes: 6 * GIB, totalBytes: 32 * GIB }, before, 62)).toMatchObject({ bytesPerSecond: GIB / 8 })
  })

  it('of a copy that goes on with an earlier one’s parts count only what this one moved', () => {
    const copying = (doneBytes: number, before: GuestProgress | undefined, seconds: number) =>
      figuresOf({ doneBytes, totalBytes: 32 * GIB }, 'copying', began, before, at(seconds))
    expect(copying(16 * GIB, undefined, 5)).not.toHaveProperty('bytesPerSecond')
    const before = kept('copying', 0, { doneBytes: 16 * GIB })
    expect(copying(17 * GIB, before, 10)).not.toHaveProperty('bytesPerSecond')
    expect(copying(20 * GIB, before, 64)).toMatchObject({ bytesPerSecond: GIB / 16, secondsLeft: 192, percent: 62.5 })
  })

  it('come from the percentage alone where there are no bytes', () => {
    expect(dumping({ percent: 20 }, undefined, 60)).toEqual({ percent: 20, secondsLeft: 240, estimated: false })
    expect(dumping({}, undefined, 60)).toEqual({ estimated: false })
  })

  it('that are estimated say so, and never that it is done', () => {
    const seen = { doneBytes: 11 * GIB, totalBytes: 10 * GIB, estimated: true }
    expect(dumping(seen, undefined, 100)).toMatchObject({ percent: 99, estimated: true, secondsLeft: 0 })
  })

  it('ignore what an earlier stage had, and bytes that went back', () => {
    const other = kept('waiting', 60, { doneBytes: 1 })
    expect(dumping({ doneBytes: 80 }, other, 80)).toMatchObject({ bytesPerSecond: 1 })
    expect(dumping({ doneBytes: 80 }, kept('dumping', 40, { doneBytes: 90 }), 80)).toMatchObject({ bytesPerSecond: 1 })
  })
})

describe('what is kept', () => {
  it('is replaced once a minute, and at once by another stage', () => {
    const before = kept('dumping', 0, {})
    expect(isDue(undefined, 'dumping', began, at(0))).toBe(true)
    expect(isDue(before, 'dumping', began, at(59))).toBe(false)
    expect(isDue(before, 'dumping', began, at(60))).toBe(true)
    expect(isDue(before, 'copying', began, at(1))).toBe(true)
    expect(isDue(before, 'dumping', at(1).toISOString(), at(2))).toBe(true)
  })
})

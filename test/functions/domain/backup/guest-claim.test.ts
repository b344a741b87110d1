import { describe, expect, it } from 'vitest'
import { REPEAT_WINDOW_DAYS } from '../../../../functions/contracts/sweep.ts'
import {
  type GuestClaim,
  isAlive,
  LEASE_SECONDS,
  newClaim,
  RENEW_AFTER_SECONDS,
  standsAgainst,
  START_SETTLES_SECONDS,
  succeedingClaim,
} from '../../../../functions/domain/backup/guest-claim.ts'
import { item } from '../../../fakes/ports.ts'

const first = { runId: 'run-1', execution: 'one' }
const second = { runId: 'run-2', execution: 'two' }
const begun = new Date('2026-11-22T02:00:00.000Z')
const later = (milliseconds: number) => new Date(begun.getTime() + milliseconds)
const days = (count: number) => count * 86_400_000

const asked = {
  token: 'token-1',
  backup: item.backup,
  guest: { name: 'web' },
  jobRef: 'job-1',
  storage: 'local',
  clock: { offsetSeconds: 2, uncertaintySeconds: 1, measuredAt: begun.toISOString() },
}
const dead: GuestClaim = { ...newClaim(first, begun), ...asked }

describe('the times of a claim', () => {
  it('leave room for a function of a quarter of an hour, and for an answer that was lost', () => {
    expect([LEASE_SECONDS, RENEW_AFTER_SECONDS, START_SETTLES_SECONDS]).toEqual([1_200, 120, 60])
    expect(isAlive(dead, later(LEASE_SECONDS * 1000 - 1))).toBe(true)
    expect(isAlive(dead, later(LEASE_SECONDS * 1000))).toBe(false)
    expect(isAlive({ ...dead, released: true }, begun)).toBe(false)
  })

  it('keep out others while it lives, and never its own execution', () => {
    expect(standsAgainst(dead, second, begun)).toBe(true)
    expect(standsAgainst(dead, { ...first, execution: 'again' }, begun)).toBe(true)
    expect(standsAgainst(dead, first, begun)).toBe(false)
    expect(standsAgainst(dead, second, later(LEASE_SECONDS * 1000))).toBe(false)
  })
})

describe('a new claim', () => {
  it('keeps in mind all that the run before it had asked for when it died without a word', () => {
    expect(newClaim(second, begun, dead)).toEqual({
      version: 1,
      ...second,
      renewedAt: begun.toISOString(),
      released: false,
      knownJobRefs: [],
      earlier: asked,
    })
    const { jobRef: _jobRef, storage: _storage, clock: _clock, guest: _guest, ...bare } = dead
    expect(newClaim(second, begun, bare).earlier).toEqual({ token: 'token-1', backup: item.backup })
  })

  it('keeps what an even earlier run had asked for, where the last one had asked for nothing', () => {
    const idle: GuestClaim = { ...newClaim(second, begun), earlier: asked }
    expect(newClaim({ runId: 'run-3', execution: 'three' }, begun, idle).earlier).toEqual(asked)
  })

  it('forgets what was given back, and has nothing to keep in mind without a claim before it', () => {
    expect(newClaim(second, begun, { ...dead, released: true })).not.toHaveProperty('earlier')
    expect(newClaim(second, begun)).not.toHaveProperty('earlier')
  })

  it('names the process of a run on one machine, and none on AWS', () => {
    const process = { host: 'pve-backup', bootId: 'b', pidNamespace: 'n', pid: 7, startTicks: 9 }
    const local = { process, runStartedAt: begun.toISOString() }
    expect(newClaim({ ...first, local }, begun).local).toEqual(local)
    expect(newClaim(first, begun)).not.toHaveProperty('local')
    expect(succeedingClaim({ ...dead, local }, second, begun)).not.toHaveProperty('local')
  })
})

describe('a claim that succeeds another', () => {
  it('goes on with its job for as long as parts are kept, to the millisecond, and not longer', () => {
    const kept = succeedingClaim(dead, second, later(days(REPEAT_WINDOW_DAYS)))
    expect(kept).toMatchObject({ ...second, jobRef: 'job-1', keptSince: begun.toISOString(), released: false })
    const fresh = succeedingClaim(dead, second, later(days(REPEAT_WINDOW_DAYS) + 1))
    expect(fresh).not.toHaveProperty('jobRef')
    expect(fresh.earlier).toEqual(asked)
  })

  it('takes no job that was done with, and none where there was none', () => {
    expect(succeedingClaim({ ...dead, released: true }, second, begun)).not.toHaveProperty('jobRef')
    const { jobRef: _jobRef, ...unknown } = dead
    expect(succeedingClaim(unknown, second, begun)).not.toHaveProperty('keptSince')
    expect(succeedingClaim(undefined, second, begun)).toEqual(newClaim(second, begun))
  })

  it('goes on with a job that was kept since an earlier time, by that time', () => {
    const keptSince = later(-days(REPEAT_WINDOW_DAYS)).toISOString()
    const before = { ...dead, released: true, keptSince }
    expect(succeedingClaim(before, second, begun)).toMatchObject({ jobRef: 'job-1', keptSince })
    expect(succeedingClaim(before, second, later(1))).not.toHaveProperty('jobRef')
  })
})

import { describe, expect, it } from 'vitest'
import type { BackupEvidence } from '../../../../functions/contracts/evidence.ts'
import { judgeProxmox as judge } from '../../../fakes/judge.ts'
import { goodEvidence } from '../../../fakes/evidence.ts'

const name = goodEvidence.archiveName ?? ''
const of = (its: Partial<BackupEvidence>) => judge({ ...goodEvidence, ...its }).reason

describe('the words of a verdict', () => {
  it.each<[string, Partial<BackupEvidence>, string]>([
    [
      'stopped',
      { ending: 'interrupted', exitStatus: 'interrupted by signal' },
      'The job was stopped before it was done (interrupted by signal).',
    ],
    [
      'stopped, with an error',
      { ending: 'interrupted', exitStatus: 'x', errors: ['got signal', 'b'] },
      'The job was stopped before it was done (got signal).',
    ],
    [
      'stopped, with the guest’s own failure',
      { ending: 'interrupted', guestFailure: 'own', errors: ['a'] },
      'The job was stopped before it was done (own).',
    ],
    ['failed', { guestFailure: 'no space' }, 'The backup failed: no space.'],
    ['failed, in a whole sentence', { guestFailure: 'No space!' }, 'The backup failed: No space!'],
    ['ended with errors', { ending: 'errors', exitStatus: 'job errors' }, 'The job ended with errors: job errors.'],
    [
      'ended with errors, the first of which is told',
      { ending: 'errors', exitStatus: 'job errors', errors: ['a', 'b'] },
      'The job ended with errors: job errors (a).',
    ],
    [
      'ended with errors, told once',
      { ending: 'errors', exitStatus: 'a', errors: ['a'] },
      'The job ended with errors: a.',
    ],
    ['warned once', { warnings: ['w'] }, `${name} was made, with 1 warning, the first: w.`],
    ['warned thrice', { warnings: ['w?', 'v'], errors: ['e'] }, `${name} was made, with 3 warnings, the first: w?`],
    [
      'ended with a warning',
      { ending: 'warnings', exitStatus: 'WARNINGS: 1' },
      `${name} was made, and the job warns (WARNINGS: 1).`,
    ],
    [
      'ended with a warning that is told',
      { ending: 'warnings', exitStatus: 'WARNINGS: 1', warnings: ['w'] },
      `${name} was made, and the job warns (WARNINGS: 1, first: w).`,
    ],
    [
      'said something odd',
      { remarks: ['odd'] },
      `The job finished, and ${name} is the archive it made. The job's log has a line that no good backup has: odd.`,
    ],
    [
      'said odd things',
      { remarks: ['odd', 'b', 'c'] },
      `The job finished, and ${name} is the archive it made. The job's log has a line that no good backup has (and 2 more): odd.`,
    ],
    [
      'left a lock',
      { leftLock: 'It is locked.' },
      `The job finished, and ${name} is the archive it made. It is locked.`,
    ],
    ['failed, with advice', { guestFailure: 'x', advice: 'Do this.' }, 'The backup failed: x. Do this.'],
  ])('of a job that %s', (_, its, reason) => {
    expect(of(its)).toBe(reason)
  })

  it.each<[string, Partial<BackupEvidence>]>([
    ['remarks', { remarks: ['odd'] }],
    ['a lock that stays', { leftLock: 'It is locked.' }],
    ['an error', { errors: ['e'] }],
  ])('are good with warnings for %s', (_, its) => {
    expect(judge({ ...goodEvidence, ...its })).toMatchObject({ name: 'archived-with-warnings', good: true })
  })
})

describe('a mode that was not asked for', () => {
  const used = (its: NonNullable<BackupEvidence['used']>, mode: 'snapshot' | 'suspend' | 'stop') =>
    judge({ ...goodEvidence, used: its }, { mode })

  it('is a warning, with both modes', () => {
    expect(used({ mode: 'suspend' }, 'snapshot')).toMatchObject({
      name: 'archived-with-warnings',
      reason: expect.stringMatching(/It was asked for in mode snapshot and was made in mode suspend\.$/),
    })
    expect(used({ mode: 'stop', guestStopped: false }, 'snapshot').name).toBe('archived-with-warnings')
    expect(used({ mode: 'suspend', guestStopped: true }, 'snapshot').name).toBe('archived-with-warnings')
  })

  it('is none where it is the same, where nobody asked or tells, or where the guest was stopped', () => {
    expect(used({ mode: 'snapshot' }, 'snapshot').name).toBe('archived')
    expect(used({ mode: 'stop', guestStopped: true }, 'snapshot').name).toBe('archived')
    expect(used({ guestStopped: false }, 'snapshot').name).toBe('archived')
    expect(judge({ ...goodEvidence, used: { mode: 'suspend' } }).name).toBe('archived')
  })
})

describe('an archive', () => {
  const listed = (secondsBefore: number): Partial<BackupEvidence> => {
    if (goodEvidence.listed === undefined) throw new Error('it lists nothing')
    const createdAt = new Date(Date.parse(goodEvidence.jobStartedAt) - secondsBefore * 1000).toISOString()
    return { listed: { ...goodEvidence.listed, createdAt } }
  }

  it('may be half a minute older than its job, and no older', () => {
    expect(judge({ ...goodEvidence, ...listed(30) }).name).toBe('archived')
    expect(judge({ ...goodEvidence, ...listed(31) }).name).toBe('archive-older-than-job')
  })

  it('of one byte is not empty', () => {
    if (goodEvidence.listed === undefined) throw new Error('it lists nothing')
    const one = { listed: { ...goodEvidence.listed, sizeBytes: 1 }, listedAgainSizeBytes: 1 }
    expect(judge({ ...goodEvidence, ...one }).name).toBe('archived')
  })
})

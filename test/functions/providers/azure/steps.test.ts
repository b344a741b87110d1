import { describe, expect, it } from 'vitest'
import type { JobRef, PointKind } from '../../../../functions/providers/azure/identifiers.ts'
import { type RestorePoint, restorePointSchema } from '../../../../functions/providers/azure/schemas.ts'
import { firstKindOf, type JobState, nextStep } from '../../../../functions/providers/azure/steps.ts'
import { aJob as job } from './a-job.ts'

function point(provisioningState: string, message?: string): RestorePoint {
  const statuses = message === undefined ? [] : [{ code: 'ProvisioningState/failed', message }]
  return restorePointSchema.parse({
    id: '/subscriptions/s/points/p',
    name: 'p',
    properties: { provisioningState, instanceView: { statuses } },
  })
}

function state(points: Partial<Record<PointKind, RestorePoint>>, more: Partial<JobState> = {}): JobState {
  const entries = Object.entries(points) as [PointKind, RestorePoint][]
  return { points: new Map(entries), now: '2026-12-01T02:01:00.000Z', ...more }
}

describe('what comes next for a restore point', () => {
  it('asks the guest first, unless nothing in it could be asked', () => {
    expect(firstKindOf({ consistency: 'application-or-crash', off: false })).toBe('application')
    expect(firstKindOf({ consistency: 'application', off: true })).toBe('crash')
    expect(firstKindOf({ consistency: 'crash', off: false })).toBe('crash')
  })

  it('waits while Azure makes it, and for what does not show yet', () => {
    expect(nextStep(job, state({ application: point('Creating') }))).toEqual({ step: 'wait' })
    expect(nextStep(job, state({}))).toEqual({ step: 'wait' })
  })

  it('is done with the one that succeeded', () => {
    expect(nextStep(job, state({ application: point('Succeeded') }))).toEqual({ step: 'done', kind: 'application' })
    const both = state({ application: point('Failed'), crash: point('Succeeded') })
    expect(nextStep(job, both)).toEqual({ step: 'done', kind: 'crash' })
  })

  it('makes a crash-consistent one when the guest could not be asked, and keeps why', () => {
    const made = { step: 'make-crash-point', because: 'the restore point is in state Failed' }
    expect(nextStep(job, state({ application: point('Failed') }))).toEqual(made)
    const told = state({ application: point('Failed', 'VSS writers timed out') })
    expect(nextStep(job, told)).toEqual({ step: 'make-crash-point', because: 'VSS writers timed out' })
  })

  it('fails where the job wants no lesser one, and when that failed, too', () => {
    const strict: JobRef = { ...job, consistency: 'application' }
    expect(nextStep(strict, state({ application: point('Failed') }))).toMatchObject({ step: 'failed' })
    const both = state({ application: point('Failed'), crash: point('Failed') })
    expect(nextStep(job, both)).toMatchObject({ step: 'failed', because: 'the restore point is in state Failed' })
  })

  it('never takes one for made that is not there after minutes', () => {
    const late = { now: '2026-12-01T02:06:00.000Z' }
    const crash: JobRef = { ...job, consistency: 'crash' }
    expect(nextStep(crash, state({}, late))).toEqual({ step: 'failed', because: 'the restore point is not there' })
  })

  it('gives up after hours in which nothing ended', () => {
    const late = { now: '2026-12-01T09:00:00.000Z' }
    expect(nextStep({ ...job, consistency: 'application' }, state({ application: point('Creating') }, late))).toEqual({
      step: 'failed',
      because: 'after 6 hours the restore point is still in state Creating',
    })
  })
})

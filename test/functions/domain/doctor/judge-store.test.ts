import { describe, expect, it } from 'vitest'
import { failedOf } from '../../../../functions/domain/doctor/finding.ts'
import { settingsFindings, storeFindings } from '../../../../functions/domain/doctor/judge-store.ts'
import type { StoreStep } from '../../../../functions/domain/doctor/store-steps.ts'

const where = { bucket: 'archives', region: 'eu-central-1' }
const trial = (done: StoreStep[], failed?: StoreStep) => ({
  done: new Set(done),
  ...(failed === undefined ? {} : { failed }),
})

function errorOf(name: string, message: string, code?: string): Error {
  const cause = code === undefined ? {} : { cause: Object.assign(new Error(code), { name: code }) }
  return Object.assign(new Error(message, cause), { name })
}

const verdicts = (findings: ReturnType<typeof storeFindings>) =>
  Object.fromEntries(findings.map(({ check, verdict }) => [check, verdict]))

describe('what the trial of a store says', () => {
  it('takes what came before the failed step for right, and what comes after it for unknown', () => {
    const error = errorOf('StoreDenied', 'access denied', 'AccessDenied')
    expect(verdicts(storeFindings(trial(['upload', 'checksum'], 'conditions'), error, where))).toEqual({
      store: 'passed',
      region: 'passed',
      keys: 'passed',
      bucket: 'passed',
      upload: 'passed',
      lists: 'passed',
      checksum: 'passed',
      conditions: 'failed',
      reading: 'unchecked',
      removal: 'unchecked',
    })
  })

  it('believes a later step that was done, though an earlier one failed', () => {
    const error = errorOf('StoreDenied', 'access denied', 'AccessDenied')
    expect(verdicts(storeFindings(trial(['upload', 'checksum'], 'lists'), error, where))).toMatchObject({
      lists: 'failed',
      checksum: 'passed',
      conditions: 'unchecked',
    })
  })

  it("goes by S3's own code, however deep it lies, before it goes by the step", () => {
    const inner = errorOf('StoreUnavailable', 'no', 'NoSuchBucket')
    const error = Object.assign(new Error('late', { cause: inner }), { name: 'StoreDenied' })
    const [failure] = failedOf(storeFindings(trial([], 'upload'), error, where))
    expect(failure).toMatchObject({ check: 'bucket', message: 'late', error: 'StoreDenied' })
  })

  it('asks nothing more of the region than that requests are signed for it', () => {
    const settings = { versioning: { value: 'on' }, lock: { value: 'off' } } as const
    expect(
      settingsFindings({ ...settings, region: { value: 'eu-central-1' } }, where).map(({ check }) => check),
    ).toEqual(['versioning', 'lock'])
    expect(settingsFindings({ ...settings, region: { value: 'us-east-2' } }, where)[0]).toMatchObject({
      check: 'region',
      verdict: 'warning',
      message: 'The bucket is in us-east-2, and requests are signed for eu-central-1. Set AWS_REGION to us-east-2.',
    })
  })

  it('warns of a bucket without versions, and of settings that it may not read only says so', () => {
    const [versioning, lock] = settingsFindings(
      { versioning: { value: 'suspended' }, lock: { value: { mode: 'GOVERNANCE', days: 30 } } },
      where,
    )
    expect(versioning).toMatchObject({ verdict: 'warning', message: expect.stringMatching(/^Versions are suspended/) })
    expect(lock).toMatchObject({ verdict: 'passed', message: 'GOVERNANCE, 30 days' })
    const hidden = settingsFindings({ versioning: { unknown: 'No.' }, lock: { unknown: 'No.' } }, where)
    expect(hidden.map(({ verdict }) => verdict)).toEqual(['unchecked', 'unchecked'])
  })
})

import { describe, expect, it } from 'vitest'
import { deploymentFindings, type DeploymentState } from '../../../../functions/domain/doctor/judge-deployment.ts'

const whole: DeploymentState = {
  stacks: { value: [{ name: 'guestlift-prod-export', status: 'UPDATE_COMPLETE' }] },
  schedules: { value: [{ name: 'nightly', enabled: true }] },
  subscriptions: { value: [{ confirmed: true }] },
}
const intended = { name: 'prod', enabled: ['nightly'] }
const judge = (change: Partial<DeploymentState>) =>
  deploymentFindings({ ...whole, ...change }, intended).filter(({ verdict }) => verdict !== 'passed')

describe('judging a deployment', () => {
  it('finds nothing wrong with a whole one', () => {
    expect(judge({})).toEqual([])
  })

  it.each([
    ['CREATE_FAILED', 'failed'],
    ['ROLLBACK_COMPLETE', 'failed'],
    ['DELETE_IN_PROGRESS', 'failed'],
    ['UPDATE_ROLLBACK_FAILED', 'failed'],
    ['UPDATE_ROLLBACK_COMPLETE', 'warning'],
    ['UPDATE_IN_PROGRESS', 'warning'],
  ])('judges a stack that is %s as %s', (status, verdict) => {
    expect(judge({ stacks: { value: [{ name: 'guestlift-prod-export', status }] } })).toMatchObject([
      { check: 'stacks', verdict },
    ])
  })

  it('wants each schedule that the file has enabled to be there and enabled', () => {
    expect(judge({ schedules: { value: [{ name: 'nightly' }] } })).toMatchObject([
      { verdict: 'failed', message: "nightly isn't there. Deploy again: npx cdk deploy --all -c deployment=prod." },
    ])
    expect(judge({ schedules: { value: [{ name: 'nightly', enabled: false }] } })).toMatchObject([
      { verdict: 'failed', message: expect.stringMatching(/^Switched off, .*: nightly\. Enable it/) },
    ])
  })

  it('takes one confirmed subscription for a path, and tells of those that wait', () => {
    expect(judge({ subscriptions: { value: [{ confirmed: true }, { confirmed: false }] } })).toMatchObject([
      { check: 'alarms', verdict: 'warning' },
    ])
    expect(judge({ subscriptions: { value: [{ confirmed: false }] } })).toMatchObject([{ verdict: 'failed' }])
  })
})

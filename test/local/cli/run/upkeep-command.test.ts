/** Commands that start a deployment's own workflow, as a person types them, against a Step Functions that is played. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { PruningReport } from '../../../../functions/contracts/pruning.ts'
import { type PlayedStepFunctions, playStepFunctions } from '../played-step-functions.ts'

const arn = 'arn:aws:states:us-east-1:1:execution:guestlift-prod-prune-archives:cli'

const pruned: PruningReport = {
  version: 1,
  pruningId: 'cli',
  site: 'hq',
  outcome: 'partial',
  summary: '1 archive removed of 2 guests (3 B); 1 guest needs attention. vm 101: It looks wrong.',
  guests: 2,
  troubled: 1,
  toRemove: 1,
  removed: 1,
  removedBytes: 3,
  locked: 0,
  startedAt: '2026-11-22T02:00:00.000Z',
  endedAt: '2026-11-22T02:00:09.000Z',
  dryRun: false,
  retention: { timeZone: 'UTC', minimumArchives: 1, largestShare: 0.5, 'keep-last': 2 },
  told: [
    {
      guest: { kind: 'vm', id: '101' },
      summary: '1 of 4 archives removed (3 B).',
      removed: 1,
      removedBytes: 3,
      locked: 0,
      attention: ['It looks wrong.'],
    },
  ],
  done: true,
}

const { told: _told, version: _version, pruningId: _id, site: _site, ...rest } = pruned
const { startedAt: _started, endedAt: _ended, dryRun: _dry, retention: _policy, ...totals } = rest

let aws: PlayedStepFunctions
beforeEach(async () => {
  aws = await playStepFunctions(['prune-archives', 'sweep-uploads', 'verify-archives', 'judge-coverage'], arn, {
    ending: { status: 'FAILED', error: 'PruningNeedsAttention' },
    answer: { ...totals, bucket: 'archives', reportKey: 'prunings/r/report.json' },
    report: pruned,
  })
})
afterEach(() => aws.close())

let region: string | undefined = 'us-east-1'
const guestlift = (...args: string[]) => aws.guestlift(args, { AWS_REGION: region })
const prune = (...args: string[]) => guestlift('prune', '--site', 'hq', '--keep-last', '2', ...args)

describe('guestlift prune --deployment', () => {
  it('starts the workflow as a dry run, unless confirmed', async () => {
    await prune('--deployment', 'prod', '--guest', '101')
    await prune('--deployment', 'prod', '--confirm')
    expect(aws.started.map(({ stateMachineArn }) => stateMachineArn)).toEqual([
      'arn:prune-archives',
      'arn:prune-archives',
    ])
    const retention = { 'keep-last': 2, timeZone: 'UTC', minimumArchives: 1, largestShare: 0.5 }
    expect(aws.started.map(({ input }) => JSON.parse(input ?? ''))).toEqual([
      { site: 'hq', retention, guests: ['101'], dryRun: true, confirmed: false },
      { site: 'hq', retention, dryRun: false, confirmed: true },
    ])
  })

  it('prints what its report says, and leaves with 2 when something needs a person', async () => {
    const { code, out } = await prune('--deployment', 'prod', '--confirm')
    expect(out).toBe(
      `vm 101: 1 of 4 archives removed (3 B).\n  warning: It looks wrong.\n${pruned.summary}\n` +
        'Report: s3://archives/prunings/r/report.json\n',
    )
    expect(code).toBe(2)
    const json = await prune('--deployment', 'prod', '--confirm', '--json')
    expect(JSON.parse(json.out)).toEqual(pruned)
  })

  it('says what Step Functions says when it ended before its report, also as JSON', async () => {
    aws.answer = undefined
    aws.ending = {
      status: 'FAILED',
      error: 'PlatformUnavailable',
      cause: '{"errorMessage":"Site hq does not answer."}',
    }
    const plain = await prune('--deployment', 'prod')
    expect(plain).toMatchObject({ code: 3, out: 'The pruning stopped: Site hq does not answer.\n' })
    const { out } = await prune('--deployment', 'prod', '--json')
    expect(JSON.parse(out)).toEqual({ outcome: 'failed', summary: 'The pruning stopped: Site hq does not answer.' })
  })

  it.each([
    ['neither place', [], /either --bucket <name> or --deployment <name>/],
    ['both places', ['--bucket', 'archives', '--deployment', 'prod'], /either --bucket <name> or --deployment <name>/],
    [
      'a site file that nobody would read',
      ['--deployment', 'prod', '--site-file', 'site.json'],
      /asks the site itself/,
    ],
  ])('refuses %s', async (_, args, complaint) => {
    const { code, error } = await prune(...args)
    expect(code).toBe(64)
    expect(error).toMatch(complaint)
    expect(aws.started).toEqual([])
  })
})

describe('commands for a deployment', () => {
  it.each([
    ['prune', () => prune('--deployment', 'prod')],
    ['verify', () => guestlift('verify', '--due', '--deployment', 'prod')],
    ['sweep', () => guestlift('sweep', '--deployment', 'prod')],
  ])('say which settings of AWS are missing, and start nothing: %s', async (_, run) => {
    region = undefined
    const { code, error } = await run()
    region = 'us-east-1'
    expect(code).toBe(1)
    expect(error).toBe(
      'guestlift: AWS settings are missing: Region is missing. Set AWS_REGION, AWS_ACCESS_KEY_ID and ' +
        'AWS_SECRET_ACCESS_KEY, or AWS_PROFILE.\n',
    )
    expect(aws.started).toEqual([])
  })

  it('does not guess which bucket is meant when both a bucket and a deployment are named', async () => {
    const { code, error } = await guestlift(
      'verify',
      '--archive',
      'archives/hq/',
      '--bucket',
      'b',
      '--deployment',
      'prod',
    )
    expect(code).toBe(64)
    expect(error).toContain('a deployment has its own bucket')
    expect(aws.started).toEqual([])
  })
})

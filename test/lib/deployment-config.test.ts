import { describe, expect, it } from 'vitest'
import { type DeploymentConfig, DeploymentConfigError, parseDeployment } from '../../lib/deployment-config.ts'
import { proxyVariables } from '../../lib/proxy-variables.ts'
import { REPEAT_WINDOW_DAYS } from '../../functions/contracts/sweep.ts'

const job = { site: 'hq', guests: { vmids: [100] } }
const nightly = { name: 'nightly', expression: 'cron(0 2 * * ? *)', job }
const small: DeploymentConfig = { name: 'test', sites: ['hq'] }

function complaint(config: unknown): string {
  try {
    parseDeployment(config, 'lib/deployments/test.ts')
  } catch (error) {
    if (error instanceof DeploymentConfigError) return error.message
    throw error
  }
  throw new Error('the configuration was accepted')
}

describe('a deployment’s configuration', () => {
  it('needs no more than a name and a site', () => {
    const parsed = parseDeployment(small, 'test')
    expect(parsed).toMatchObject({ siteSecretPrefix: 'guestlift/site/', schedules: [], notificationEmails: [] })
    expect(parsed.bucket.abandonedUploadDays).toBeGreaterThan(REPEAT_WINDOW_DAYS)
    expect(parsed.account).toBeUndefined()
    expect(parsed.sweep).toEqual({ expression: 'rate(1 day)', enabled: true })
    expect(parsed.verification).toEqual({
      expression: 'rate(1 day)',
      enabled: true,
      archiveWithinDays: 90,
      guestWithinDays: 31,
      mostGiBPerRun: 1024,
      maxConcurrency: 5,
      runner: 'codebuild',
      mostGiBInFunction: 32,
    })
  })

  it('passes over the name of a JSON Schema, and guesses at a field that is not known', () => {
    expect(parseDeployment({ $schema: 'deployment.schema.json', ...small }, 'test')).toEqual(
      parseDeployment(small, 'test'),
    )
    expect(complaint({ ...small, schedule: [nightly] })).toMatch(/"schedule" \(did you mean "schedules"\?\)/)
  })

  it('fills in a scheduled job as it fills in a typed one', () => {
    const [schedule] = parseDeployment({ ...small, schedules: [nightly] }, 'test').schedules
    expect(schedule).toMatchObject({
      timezone: 'UTC',
      enabled: true,
      job: { deleteSource: false, backup: { mode: 'snapshot' } },
    })
  })

  it.each([
    ['an unknown field', { ...small, buckets: {} }, /\(whole\): .*buckets/],
    ['a missing name', { sites: ['hq'] }, /name: /],
    ['a name with capitals', { ...small, name: 'Prod' }, /name: a deployment name has/],
    ['no site', { ...small, sites: [] }, /sites: /],
    ['a site twice', { ...small, sites: ['hq', 'hq'] }, /sites\[1\]: hq is listed twice/],
    [
      'a default site that is not configured',
      { ...small, defaultSite: 'other' },
      /defaultSite: no site other; configured are hq/,
    ],
    [
      'abandoned uploads dropped while a guest can be repeated',
      { ...small, bucket: { abandonedUploadDays: 14 } },
      /bucket\.abandonedUploadDays: .*repeated for 14 days/,
    ],
    [
      'a key prefix without its slash',
      { ...small, bucket: { keyPrefix: 'backups' } },
      /bucket\.keyPrefix: .*ends with \//,
    ],
    ['a log retention that CloudWatch lacks', { ...small, logRetentionDays: 42 }, /logRetentionDays: /],
    ['an address that is none', { ...small, notificationEmails: ['ops'] }, /notificationEmails\[0\]: /],
    ['a short account', { ...small, account: '123' }, /account: an account has 12 digits/],
    [
      'a VPC without subnets',
      { ...small, vpc: { vpcId: 'vpc-0123abcd', subnetIds: [], securityGroupIds: ['sg-0123abcd'] } },
      /vpc\.subnetIds: /,
    ],
    ['a copy function of too little memory', { ...small, transfer: { memoryMiB: 128 } }, /transfer\.memoryMiB: /],
    [
      'five cron fields',
      { ...small, schedules: [{ ...nightly, expression: 'cron(0 2 * * ?)' }] },
      /schedules\[0\]\.expression: .*six cron fields/,
    ],
    [
      'a cron without a question mark',
      { ...small, schedules: [{ ...nightly, expression: 'cron(0 2 * * * *)' }] },
      /schedules\[0\]\.expression: /,
    ],
    [
      'a rate of zero',
      { ...small, schedules: [{ ...nightly, expression: 'rate(0 days)' }] },
      /schedules\[0\]\.expression: /,
    ],
    [
      'a retention of a site that is not there',
      { ...small, retention: [{ site: 'attic', retention: { 'keep-last': 1 } }] },
      /retention\[0\]\.site: no site attic/,
    ],
    [
      'two retentions of one site, which would contradict each other',
      { ...small, retention: [1, 2].map((count) => ({ site: 'hq', retention: { 'keep-last': count } })) },
      /retention\[1\]: hq is listed twice/,
    ],
    ...(
      [
        ['a drill on a site that is not there', [{ site: 'attic' }], /drills\[0\]\.request: no site attic/],
        ['a drill of archives of a site that is not there', [{ from: 'attic' }], /drills\[0\]\.request: no site attic/],
        ['two drills of one name', [{}, {}], /drills\[1\]: nightly is listed twice/],
        ['a drill whose ids are no range', [{ ids: '9949-9900' }], /drills\[0\]\.request\.ids: a range of ids/],
      ] as const
    ).map(([what, drills, why]): [string, unknown, RegExp] => {
      const request = { site: 'hq', guests: { all: true }, ids: '9900-9949' }
      const named = drills.map((changes) => ({ name: 'nightly', request: { ...request, ...changes } }))
      return [what, { ...small, drills: named }, why]
    }),
    [
      'a coverage that is judged too seldom for an alarm',
      { ...small, coverage: { expression: 'cron(0 5 1 * ? *)' } },
      /coverage\.expression: .*at least every 168 hours/,
    ],
    [
      'a site whose name is too long for its schedule',
      { ...small, sites: ['s'.repeat(56)] },
      /sites\[0\]: .*at most 55 characters/,
    ],
    ['a sweep at no time', { ...small, sweep: { expression: 'daily' } }, /sweep\.expression: write rate\(1 day\)/],
    [
      'an unknown time zone',
      { ...small, schedules: [{ ...nightly, timezone: 'Europe/Bonn' }] },
      /schedules\[0\]\.timezone: not a time zone/,
    ],
    [
      'a job for a site that is not configured',
      { ...small, schedules: [{ ...nightly, job: { ...job, site: 'lab' } }] },
      /schedules\[0\]\.job\.site: no site lab; configured are hq/,
    ],
    [
      'a job with an impossible vmid',
      { ...small, schedules: [{ ...nightly, job: { ...job, guests: { vmids: [100, 7] } } }] },
      /schedules\[0\]\.job\.guests\.vmids\[1\]: /,
    ],
    [
      'a schedule’s name that no key can hold',
      { ...small, schedules: [{ ...nightly, name: 'a/b' }] },
      /schedules\[0\]\.name: /,
    ],
    [
      'two schedules of one name',
      { ...small, schedules: [nightly, nightly] },
      /schedules\[1\]: nightly is listed twice/,
    ],
  ])('refuses %s, naming the place', (_, config, expected) => {
    const message = complaint(config)
    expect(message).toMatch(/^lib\/deployments\/test\.ts is not a valid deployment:\n/)
    expect(message).toMatch(expected)
  })

  it('lists every mistake at once', () => {
    expect(complaint({ name: 'X', sites: [] }).split('\n')).toHaveLength(3)
  })

  it.each([
    'rate(1 day)',
    'rate(12 hours)',
    'cron(0 2 * * ? *)',
    'cron(30 1 ? * MON-FRI *)',
    'cron(0/15 8 1 * ? 2027)',
  ])('takes the schedule %s', (expression) => {
    expect(parseDeployment({ ...small, schedules: [{ ...nightly, expression }] }, 'test').schedules).toHaveLength(1)
  })
})

describe('a proxy', () => {
  it('is told to the functions, and has no password in it', () => {
    const proxy = { url: 'http://proxy.lan:3128', except: ['amazonaws.com', '.lan'] }
    expect(proxyVariables(parseDeployment({ ...small, proxy }, 'test'))).toEqual({
      HTTPS_PROXY: proxy.url,
      HTTP_PROXY: proxy.url,
      NO_PROXY: 'amazonaws.com,.lan',
    })
    expect(proxyVariables(parseDeployment(small, 'test'))).toEqual({})
    for (const url of ['http://eve:secret@proxy.lan:3128', 'socks5://proxy.lan', 'proxy.lan:3128'])
      expect(complaint({ ...small, proxy: { url } })).toMatch(/proxy.url: write http:\/\/proxy/)
  })
})

import { deployment as example } from '../../lib/deployments/example.ts'
import type { DeploymentConfig } from '../../lib/deployment-config.ts'

/** Nothing but what is required. */
const smallest = { name: 'test', sites: ['hq'] } satisfies DeploymentConfig

const job = { site: 'hq', guests: { vmids: [100, 101] } }
const nightlyOfAll = { name: 'nightly', expression: 'rate(1 day)', job: { site: 'hq', guests: { all: true as const } } }
/** Everything that can be configured. */
const largest = {
  name: 'large',
  account: '123456789012',
  region: 'eu-central-1',
  sites: ['hq', 'branch'],
  defaultSite: 'branch',
  bucket: {
    name: 'large-archives',
    keyPrefix: 'vm/',
    objectLock: { mode: 'governance', days: 30 },
    abandonedUploadDays: 30,
  },
  tags: { team: 'platform', 'cost-centre': '4711' },
  permissionsBoundary: 'arn:aws:iam::123456789012:policy/boundary',
  logRetentionDays: 365,
  notificationEmails: ['ops@example.com'],
  alarmAfterHoursWithoutSuccess: 26,
  vpc: {
    vpcId: 'vpc-0123456789abcdef0',
    subnetIds: ['subnet-0123456789abcdef1', 'subnet-0123456789abcdef2'],
    securityGroupIds: ['sg-0123456789abcdef0'],
    s3RouteTableIds: ['rtb-0123456789abcdef0'],
  },
  schedules: [
    { name: 'nightly', expression: 'cron(0 2 * * ? *)', timezone: 'Europe/Berlin', job },
    { name: 'hourly', expression: 'rate(1 hour)', job: { ...job, site: 'branch' }, enabled: false },
  ],
  retention: [
    { site: 'hq', expression: 'cron(0 6 * * ? *)', timezone: 'Europe/Berlin', retention: { 'keep-last': 3 } },
  ],
  transfer: { memoryMiB: 2048, maxConcurrency: 5, reservedConcurrency: 8 },
} satisfies DeploymentConfig

/**
 * Every deployment whose templates a test looks at, by name. `synthesise` takes no other, and
 * `test/lib/cloudformation-rules.test.ts` judges each of them: none is looked at without being judged.
 */
export const deployments = {
  smallest,
  largest,
  example,
  twoSites: { ...smallest, sites: ['hq', 'branch'], defaultSite: 'hq' },
  inOneRegion: { ...smallest, account: '123456789012', region: 'eu-central-1' },
  /** Each alarm and each notice. */
  watched: {
    name: 'watched',
    account: '123456789012',
    region: 'eu-central-1',
    sites: ['hq', 'branch'],
    notificationEmails: ['ops@example.com'],
    alarmAfterHoursWithoutSuccess: 26,
    schedules: [nightlyOfAll],
  },
  /** Told at a topic that somebody else keeps. */
  toldElsewhere: {
    name: 'told',
    account: '123456789012',
    region: 'eu-central-1',
    sites: ['hq'],
    topicArn: 'arn:aws:sns:eu-central-1:123456789012:alerts',
    schedules: [nightlyOfAll],
  },
  encrypted: { name: 'example', sites: ['hq'], bucket: { kmsKey: {} } },
  encryptedBySomebodysKey: {
    name: 'example',
    sites: ['hq'],
    bucket: {
      kmsKey: {
        arn: 'arn:aws:kms:eu-central-1:210987654321:key/6f0e0b7e-0000-4000-8000-000000000001',
      },
      formerKmsKeys: ['arn:aws:kms:eu-central-1:210987654321:key/6f0e0b7e-0000-4000-8000-000000000002'],
    },
  },
  encryptedBefore: {
    name: 'example',
    sites: ['hq'],
    bucket: {
      formerKmsKeys: ['arn:aws:kms:eu-central-1:210987654321:key/6f0e0b7e-0000-4000-8000-000000000002'],
    },
  },
  /** A bucket that was there before, of the same account. */
  inExistingBucket: {
    name: 'example',
    sites: ['hq'],
    bucket: { name: 'archives', existing: {} },
  },
  /** One of another account, whose ACLs are still on. */
  inBucketOfAnotherAccount: {
    name: 'example',
    account: '123456789012',
    region: 'eu-central-1',
    sites: ['hq'],
    bucket: {
      name: 'archives',
      existing: { account: '210987654321', objectAcl: 'bucket-owner-full-control' },
    },
  },
  /** Archives move to colder classes. */
  movedToColderClasses: {
    name: 'example',
    sites: ['hq'],
    bucket: {
      name: 'archives',
      keyPrefix: 'vm/',
      transitions: [
        { storageClass: 'STANDARD_IA', afterDays: 40 },
        { storageClass: 'GLACIER', afterDays: 200 },
      ],
    },
  },
  /** Each resource that may have a name of ours. */
  named: {
    name: 'named',
    sites: ['hq'],
    bucket: { name: 'my-archives', objectLock: { mode: 'governance', days: 30 } },
    notificationEmails: ['ops@example.com'],
    schedules: [nightlyOfAll],
    retention: [{ site: 'hq', retention: { 'keep-last': 3 } }],
  },
  keptUnderPrefix: { ...smallest, bucket: { keyPrefix: 'vm/' } },
  keptForRepeats: { ...smallest, bucket: { keyPrefix: 'backups/', abandonedUploadDays: 20 } },
  lockedForGovernance: {
    ...smallest,
    bucket: { name: 'my-archives', objectLock: { mode: 'governance', days: 30 } },
  },
  lockedForCompliance: {
    ...smallest,
    bucket: { name: 'my-archives', objectLock: { mode: 'compliance', days: 30 } },
  },
  lockedForYears: {
    ...smallest,
    bucket: { name: 'my-archives', objectLock: { mode: 'compliance', days: 3650, required: true } },
  },
  copyingInParallel: { ...smallest, transfer: { memoryMiB: 3008, reservedConcurrency: 4, maxConcurrency: 7 } },
  notSwept: { ...smallest, sweep: { expression: 'cron(0 12 ? * SUN *)', enabled: false } },
  notVerified: { ...smallest, verification: { expression: 'cron(0 4 ? * SUN *)', enabled: false } },
  withoutDashboard: { ...smallest, dashboard: false },
  withoutRunner: { ...smallest, verification: { runner: 'none' } },
  coveredByThreeSchedules: {
    ...largest,
    schedules: [
      ...largest.schedules,
      { name: 'weekdays', expression: 'cron(0 20 ? * MON-FRI *)', job: { site: 'hq', guests: { all: true } } },
    ],
    coverage: { graceHours: 3, parkedTags: ['lab'], expression: 'cron(0 5 * * ? *)' },
  },
  coveredEvery20Minutes: { ...smallest, coverage: { expression: 'rate(20 minutes)' } },
  coveredEvery90Minutes: { ...smallest, coverage: { expression: 'rate(90 minutes)' } },
  coveredOnWeekdays: { ...smallest, coverage: { expression: 'cron(0 5 ? * MON-FRI *)' } },
  coveredOnSundays: { ...smallest, coverage: { expression: 'cron(0 5 ? * SUN *)' } },
  notCovered: { ...smallest, coverage: { enabled: false } },
} as const satisfies Record<string, DeploymentConfig>

export type DeploymentName = keyof typeof deployments

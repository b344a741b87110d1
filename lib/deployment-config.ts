/** What one deployment of Guestlift consists of: the schema of a file in `lib/deployments`. */
import { z } from 'zod'
import { awsAuthSchema } from '../functions/contracts/aws-access.ts'
import { drillRequestSchema } from '../functions/contracts/drill.ts'
import { coverageRulesSchema } from '../functions/contracts/coverage.ts'
import { siteNameSchema, timeZoneSchema } from '../functions/contracts/nouns.ts'
import { lockOrderSchema } from '../functions/contracts/object-lock.ts'
import { transitionsSchema } from '../functions/contracts/transitions.ts'
import { retentionSchema } from '../functions/contracts/retention.ts'
import { readableClassSchema } from '../functions/contracts/prices.ts'
import { REPEAT_WINDOW_DAYS } from '../functions/contracts/sweep.ts'
import {
  verificationPolicySchema,
  verificationRequestSchema,
  verificationRunnerSchema,
} from '../functions/contracts/verification-policy.ts'
import { LONGEST_COPY_DAYS } from '../functions/domain/transfer/slowest-line.ts'
// oxlint-disable-next-line import/no-unassigned-import -- it tells zod, and has nothing to give
import '../functions/domain/words/unknown-keys.ts'
import { complaintLines, complaintsOf } from '../functions/domain/words/complaints.ts'
import type { Located } from '../functions/domain/words/text-places.ts'
import { withoutSchema } from '../functions/domain/words/without-schema.ts'
import { writtenJobSchema } from '../functions/providers/registry.ts'
import { elsewhere, keyArnSchema, permissionsBoundarySchema, tagsSchema, topicArnSchema } from './account-config.ts'
import { longestGapHours } from './schedule-interval.ts'

const nameSchema = z
  .string()
  .regex(/^[a-z][a-z0-9-]{0,22}[a-z0-9]$/, 'a deployment name has 2 to 24 lower-case letters, digits or inner hyphens')

/** Retention periods that CloudWatch Logs accepts. */
const logDays = [1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1827, 3653] as const

const accountSchema = z.string().regex(/^\d{12}$/, 'an account has 12 digits')

const objectLockSchema = lockOrderSchema.extend({
  days: lockOrderSchema.shape.days.describe(
    'Each object is locked this long from its creation, bookkeeping objects too.',
  ),
  required: z
    .boolean()
    .default(false)
    .describe(
      'Whether an archive counts only if S3 shows at least this lock on each of its files. It holds for jobs that ask for less, too.',
    ),
})

/** S3 user guide, "General purpose bucket naming rules": what S3 would refuse only when the stack is deployed. */
function bucketNameFault(name: string): string | undefined {
  if (/\.\.|\.-|-\./.test(name)) return 'a bucket name has no two dots in a row, and no dot beside a hyphen'
  if (/^\d+(\.\d+){3}$/.test(name)) return 'a bucket name has not the form of an IP address'
  const taken =
    /^(xn--|sthree-|amzn-s3-demo-)/.exec(name)?.[0] ?? /(-s3alias|--ol-s3|\.mrap|--x-s3|--table-s3)$/.exec(name)?.[0]
  return taken === undefined ? undefined : `S3 keeps bucket names with ${taken} for itself`
}

const existingBucketSchema = z.strictObject({
  account: accountSchema
    .optional()
    .describe("The account that owns the bucket, 12 digits. Without it, the deployment's own."),
  objectAcl: z
    .literal('bucket-owner-full-control')
    .optional()
    .describe(
      'Sent with each object, where the bucket of another account still has ACLs on. Leave it out where ACLs are off, as in newer buckets.',
    ),
})

const bucketFields = z.strictObject({
  name: z
    .string()
    .regex(/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/, 'a bucket name has 3 to 63 lower-case letters, digits, dots, hyphens')
    .refine((name) => bucketNameFault(name) === undefined, { error: ({ input }) => bucketNameFault(String(input)) })
    .optional()
    .describe(
      'Name of the bucket, which has 3 to 63 characters. Without it, CloudFormation makes a unique one. A later change makes a new bucket.',
    ),
  existing: existingBucketSchema
    .optional()
    .describe(
      'The bucket is there and stays as it is: an [existing one](company-accounts.md#an-existing-bucket), also of another account. It needs `name`, and no storage stack is made.',
    ),
  keyPrefix: z
    .string()
    .regex(
      /^$|^[A-Za-z0-9][A-Za-z0-9._/-]*\/$/,
      'a key prefix is empty, or starts with a letter or digit and ends with /',
    )
    .default('')
    .describe('Goes in front of every key: empty, or a text that ends with `/`.'),
  objectLock: objectLockSchema
    .optional()
    .describe('Locks every object. It can be switched on only when the bucket is created.'),
  mostLockDays: z
    .int()
    .min(1)
    .max(36_500)
    .default(400)
    .describe(
      'The longest lock that a job may give its archives by its `objectLock`, beside the days of the lock above. Nothing longer is allowed to the functions.',
    ),
  kmsKey: z
    .strictObject({
      arn: keyArnSchema
        .optional()
        .describe('An existing key in the region of the bucket, also of another account. Without it, one is made.'),
    })
    .optional()
    .describe(
      'Encrypts what is written from now on with a [KMS key](company-accounts.md#a-kms-key). Without it, with keys of S3.',
    ),
  formerKmsKeys: z
    .array(keyArnSchema)
    .default([])
    .describe(
      'Keys that archives were encrypted with before, as ARNs. The functions may go on to read these. Without it, they can not.',
    ),
  transitions: transitionsSchema
    .default([])
    .describe(
      'When archives move to [colder storage classes](company-accounts.md#colder-storage-classes). Files below 16 MiB stay.',
    ),
  // A copy may take LONGEST_COPY_DAYS, and what failed can be repeated for REPEAT_WINDOW_DAYS after that.
  abandonedUploadDays: z
    .int()
    .gt(
      REPEAT_WINDOW_DAYS,
      `a failed guest can be repeated for ${REPEAT_WINDOW_DAYS} days and needs its parts until then`,
    )
    .default(LONGEST_COPY_DAYS + REPEAT_WINDOW_DAYS + 2)
    .describe('Days after which S3 drops the parts of an upload that nobody completed, counted from its start.'),
})

const bucketSchema = bucketFields.check(({ value: { name, existing, objectLock, kmsKey }, issues }) => {
  if (existing === undefined) return
  const refuse = (path: PropertyKey[], message: string, input: unknown) =>
    issues.push({ code: 'custom', path, message, input })
  if (name === undefined) refuse(['name'], 'an existing bucket is named: write its name', name)
  if (objectLock !== undefined)
    refuse(['objectLock'], 'the owner of an existing bucket sets its Object Lock, not the deployment', objectLock)
  if (kmsKey !== undefined && kmsKey.arn === undefined)
    refuse(['kmsKey'], 'an existing bucket has its own encryption: write the arn of the key that it uses', kmsKey)
})

function awsId(kind: string) {
  return z.string().regex(new RegExp(`^${kind}-[0-9a-f]{8,17}$`), `an id reads ${kind}- and 8 to 17 hex digits`)
}

const vpcSchema = z.strictObject({
  vpcId: awsId('vpc').describe('An existing VPC, as `vpc-…`.'),
  subnetIds: z.array(awsId('subnet')).min(1).describe('Private subnets with a way to the sites, as `subnet-…`.'),
  securityGroupIds: z.array(awsId('sg')).min(1).describe('Security groups of the functions, as `sg-…`.'),
  s3RouteTableIds: z
    .array(awsId('rtb'))
    .default([])
    .describe(
      'Route tables of the subnets, as `rtb-…`, that get an S3 gateway endpoint (free). Leave it empty when the VPC has one.',
    ),
})

/** A proxy that takes http:// or https:// itself. Its address stands in the template, where a password would be readable. */
function isProxyUrl(text: string): boolean {
  if (!URL.canParse(text)) return false
  const { protocol, username, password, pathname, search } = new URL(text)
  return /^https?:$/.test(protocol) && username === '' && password === '' && pathname === '/' && search === ''
}

const proxySchema = z.strictObject({
  url: z
    .string()
    .refine(isProxyUrl, { error: 'write http://proxy.example.com:3128, without user and password' })
    .describe(
      'The proxy, as `http://proxy.example.com:3128`. It has no user and password, because the template is readable.',
    ),
  except: z
    .array(z.string().regex(/^[^\s,]+$/, 'one host each, without blanks and commas'))
    .default([])
    .describe('Hosts that the functions reach without the proxy, as in `NO_PROXY`.'),
})

/** EventBridge Scheduler: `rate(1 day)`, or six cron fields of which day-of-month or day-of-week is `?`. */
function isScheduleExpression(expression: string): boolean {
  if (/^rate\([1-9]\d* (minute|hour|day)s?\)$/.test(expression)) return true
  const fields = /^cron\((.+)\)$/.exec(expression)?.[1]?.split(' ')
  if (fields?.length !== 6 || !fields.every((field) => /^[0-9A-Za-z*?,/#-]+$/.test(field))) return false
  return (fields[2] === '?') !== (fields[4] === '?')
}

const scheduleExpressionSchema = z.string().refine(isScheduleExpression, {
  error: 'write rate(1 day) or six cron fields with a ? for day-of-month or day-of-week, as cron(0 2 * * ? *)',
})

const scheduleSchema = z.strictObject({
  name: z
    .string()
    .regex(/^[A-Za-z0-9][A-Za-z0-9_-]{0,62}$/, 'a schedule name has 1 to 63 letters, digits, - or _')
    .describe('Part of object keys: 1 to 63 letters, digits, `-` or `_`.'),
  expression: scheduleExpressionSchema.describe(
    'When the run starts, as a [schedule expression](#schedule-expressions).',
  ),
  timezone: timeZoneSchema.default('UTC').describe('Time zone of the expression, an IANA name.'),
  job: writtenJobSchema.describe('What the run archives. Its `site` is one of `sites`.'),
  enabled: z.boolean().default(true).describe('Whether the schedule is switched on.'),
})
export type ScheduleConfig = z.output<typeof scheduleSchema>

const transferSchema = z.strictObject({
  memoryMiB: z
    .int()
    .min(512)
    .max(10_240)
    .default(1769)
    .describe('Memory of a copy function. 1769 MiB is one CPU, which moves 60 to 70 MB/s.'),
  maxConcurrency: z
    .int()
    .min(1)
    .max(1000)
    .default(20)
    .describe('Guests that one run works on at the same time: dumping, copying, or waiting for their turn.'),
  reservedConcurrency: z
    .int()
    .min(1)
    .max(1000)
    .optional()
    .describe("Copy functions at the same time over all runs, taken from the account's quota."),
})

const sweepSchema = z.strictObject({
  expression: scheduleExpressionSchema
    .default('rate(1 day)')
    .describe('When abandoned uploads are looked for, in UTC.'),
  enabled: z.boolean().default(true).describe('Whether this is switched on.'),
})

/** As the site's own configuration says: whoever assumes no role works with the functions' own. */
const ec2SiteRightsSchema = z.strictObject({
  site: siteNameSchema.describe('The site, one of `sites`.'),
  roleArn: awsAuthSchema.shape.roleArn.describe(
    "The role that the site's `auth` names. Without it, the functions get rights on the instances of their own account.",
  ),
  keyArns: z
    .array(keyArnSchema)
    .default([])
    .describe('KMS keys of encrypted volumes, as ARNs: reading their blocks takes `kms:Decrypt`.'),
  restore: z
    .strictObject({
      roleArn: awsAuthSchema.shape.roleArn.describe(
        "The role that the `auth` of the site's `restore` names. Without it, the functions that restore get rights in their own account.",
      ),
      keyArns: z.array(keyArnSchema).default([]).describe('KMS keys that restored disks are encrypted with, as ARNs.'),
    })
    .optional()
    .describe('Whether the functions that restore may bring disks back there. Without it, they have no rights there.'),
})

/** Sites of Azure that functions log in to without a secret. */
const azureSiteRightsSchema = z.strictObject({
  site: siteNameSchema.describe('The site, one of `sites`.'),
  roleArn: z
    .string()
    .regex(/^arn:aws[a-z-]*:iam::\d{12}:role\/\S+$/, 'a role has an ARN like arn:aws:iam::111122223333:role/azure')
    .describe("The role that the site's `auth` names. The functions may assume it."),
})

/** Pruning of all archives of a site, beside what runs with a retention do for the guests that they archive. */
const siteRetentionSchema = z.strictObject({
  site: siteNameSchema.describe('The site whose archives are pruned, one of `sites`.'),
  expression: scheduleExpressionSchema
    .default('rate(1 day)')
    .describe('When it is pruned. Once a day is enough, since rules count days and longer.'),
  timezone: timeZoneSchema.default('UTC').describe('Time zone of the expression, an IANA name.'),
  retention: retentionSchema.describe(
    "What stays. If a guest's job has a retention too, an archive stays only if both keep it.",
  ),
  enabled: z.boolean().default(true).describe('Whether this is switched on.'),
})

/** Rehearsals of restores, on a schedule. */
const drillSchema = z.strictObject({
  name: nameSchema.describe('Names the schedule: 2 to 24 lower-case letters, digits or inner hyphens, a letter first.'),
  expression: scheduleExpressionSchema.default('rate(1 day)').describe('When guests are looked for that are due.'),
  timezone: timeZoneSchema.default('UTC').describe('Time zone of the expression, an IANA name.'),
  enabled: z.boolean().default(true).describe('Whether this is switched on.'),
  request: drillRequestSchema.describe('Which guests, how often, where, and what is looked for in them.'),
})

/** An alarm's period is at most this long (CloudWatch), and it has to see one check in each. */
const LONGEST_ALARM_HOURS = 168

/** How the coverage of each site is judged, and when: against the schedules of runs that are switched on. */
const coverageSchema = coverageRulesSchema.extend({
  expression: scheduleExpressionSchema
    .refine((expression) => (longestGapHours(expression) ?? Number.POSITIVE_INFINITY) <= LONGEST_ALARM_HOURS, {
      error: `coverage is judged at least every ${LONGEST_ALARM_HOURS} hours, or no alarm could show that it stopped`,
    })
    .default('rate(6 hours)')
    .describe('When coverage is judged, in UTC. At least once a week, since the alarm looks back no further.'),
  enabled: z
    .boolean()
    .default(true)
    .describe('Whether it is judged, and whether the alarms for uncovered guests exist.'),
})

const verificationSchema = verificationPolicySchema.extend({
  expression: scheduleExpressionSchema
    .default('rate(1 day)')
    .describe('When archives are looked for that are due to be read whole, in UTC.'),
  enabled: z.boolean().default(true).describe('Whether this is switched on.'),
  maxConcurrency: z.int().min(1).max(100).default(5).describe('Archives that one run reads at the same time.'),
  runner: verificationRunnerSchema.default('codebuild').describe('What reads archives that do not fit a function.'),
  mostGiBInFunction: verificationRequestSchema.shape.mostGiBInFunction,
})

export const deploymentSchema = z
  .strictObject({
    name: nameSchema.describe(
      'Part of the names of stacks, workflows, functions and logs: 2 to 24 lower-case letters, digits or inner hyphens, a letter first.',
    ),
    account: accountSchema
      .optional()
      .describe('Where the stacks go, 12 digits. Without it, the account of the credentials that deploy.'),
    region: z
      .string()
      .regex(/^[a-z]{2}(-[a-z]+)+-\d$/, 'a region reads like eu-central-1')
      .optional()
      .describe('Where the stacks go, as `eu-central-1`. Without it, the region of the credentials that deploy.'),
    sites: z.array(siteNameSchema).min(1).describe('Names of the sites whose secrets the functions may read.'),
    ec2: z
      .array(ec2SiteRightsSchema)
      .default([])
      .describe('Which of the sites are accounts of AWS EC2, so that the functions get rights there.'),
    azure: z
      .array(azureSiteRightsSchema)
      .default([])
      .describe('Which of the sites are subscriptions of Azure that functions log in to by a role of AWS.'),
    defaultSite: siteNameSchema
      .optional()
      .describe('The site of jobs of the older shape, which name no site. One of `sites`.'),
    siteSecretPrefix: z
      .string()
      .regex(/^[A-Za-z0-9/_+=.@-]*\/$/, 'a secret prefix ends with /')
      .default('guestlift/site/')
      .describe('The secret of a site is called `<prefix><site>`. The prefix ends with `/`.'),
    tags: tagsSchema
      .default({})
      .describe(
        'Tags of everything that can have some, the archive bucket too. At most 40, as `{ "team": "platform" }`.',
      ),
    permissionsBoundary: permissionsBoundarySchema
      .optional()
      .describe('ARN of the managed policy that [bounds each role](company-accounts.md#permissions-boundary).'),
    bucket: bucketSchema.prefault({}).describe('The archive bucket.'),
    logRetentionDays: z
      .literal(logDays)
      .default(90)
      .describe('How many days CloudWatch keeps the logs. It accepts only these numbers.'),
    notificationEmails: z
      .array(z.email())
      .default([])
      .describe('Who receives [notices and alarms](operate.md). Each address confirms its subscription once.'),
    topicArn: topicArnSchema
      .optional()
      .describe(
        'An [existing topic](company-accounts.md#an-existing-topic) for notices and alarms, in place of one of its own. Set later, it removes the own topic with its subscriptions.',
      ),
    alarmAfterHoursWithoutSuccess: z
      .int()
      .min(1)
      .max(168)
      .optional()
      .describe(
        'Hours without a success until an alarm, for deployments with regular schedules. CloudWatch looks back 7 days at most.',
      ),
    dashboard: z
      .boolean()
      .default(true)
      .describe(
        'Whether there is a [dashboard](company-accounts.md#the-dashboard) in CloudWatch. Beyond three in an account, each costs 3 USD a month.',
      ),
    vpc: vpcSchema.optional().describe('Only for sites that are reached through a VPC (VPN, Direct Connect).'),
    proxy: proxySchema
      .optional()
      .describe('Only for functions in a VPC that reach sites or AWS through an HTTP proxy.'),
    schedules: z.array(scheduleSchema).default([]).describe('Which jobs run when.'),
    sweep: sweepSchema.prefault({}).describe('When abandoned uploads are removed.'),
    retention: z.array(siteRetentionSchema).default([]).describe('Which sites are pruned, when, and by which rules.'),
    coverage: coverageSchema.prefault({}).describe('When and how coverage is judged.'),
    drills: z.array(drillSchema).default([]).describe('Which guests are rehearsed, when and where.'),
    verification: verificationSchema.prefault({}).describe('When and how archives are read back.'),
    transfer: transferSchema.prefault({}).describe('Memory and concurrency of the copy.'),
  })
  .check(({ value, issues }) => {
    const refuse = (path: PropertyKey[], message: string, input: unknown) =>
      issues.push({ code: 'custom', path, message, input })
    const known = `configured are ${value.sites.join(', ')}`
    for (const [key, names] of [
      ['sites', value.sites],
      ['schedules', value.schedules.map(({ name }) => name)],
      ['ec2', value.ec2.map(({ site }) => site)],
      ['azure', value.azure.map(({ site }) => site)],
      ['retention', value.retention.map(({ site }) => site)],
      ['drills', value.drills.map(({ name }) => name)],
    ] as const) {
      for (const [index, name] of names.entries()) {
        if (names.indexOf(name) < index) refuse([key, index], `${name} is listed twice`, name)
      }
    }
    for (const [index, site] of value.sites.entries()) {
      // Its schedule is called `coverage.<site>`, and Scheduler takes 64 characters.
      if (site.length > 55) refuse(['sites', index], 'a site name of a deployment has at most 55 characters', site)
    }
    if (value.bucket.existing?.account !== undefined && value.account === undefined)
      refuse(
        ['account'],
        "write the deployment's own account too: whether the bucket is of another one decides what is deployed",
        value.account,
      )
    for (const [index, { storageClass, afterDays }] of value.bucket.transitions.entries()) {
      const { enabled, archiveWithinDays } = value.verification
      if (!enabled || afterDays > archiveWithinDays || readableClassSchema.safeParse(storageClass).success) continue
      refuse(
        ['bucket', 'transitions', index],
        `archives are read back within ${archiveWithinDays} days (verification.archiveWithinDays), and not from ${storageClass}: write more days here, or fewer there`,
        afterDays,
      )
    }
    const keyArn = value.bucket.kmsKey?.arn
    const keyAway = keyArn === undefined ? undefined : elsewhere(keyArn, { region: value.region })
    if (keyAway !== undefined)
      refuse(['bucket', 'kmsKey', 'arn'], `S3 takes only keys of the bucket's region: ${keyAway}`, keyArn)
    if (value.topicArn !== undefined) {
      const away = elsewhere(value.topicArn, value)
      if (away !== undefined) refuse(['topicArn'], `notices can't go to this topic: ${away}`, value.topicArn)
      if (value.notificationEmails.length > 0)
        refuse(
          ['notificationEmails'],
          'addresses are subscribed at the topic of topicArn, by its owner',
          value.notificationEmails,
        )
    }
    if (value.defaultSite !== undefined && !value.sites.includes(value.defaultSite))
      refuse(['defaultSite'], `no site ${value.defaultSite}; ${known}`, value.defaultSite)
    for (const [index, { site }] of value.retention.entries()) {
      if (!value.sites.includes(site)) refuse(['retention', index, 'site'], `no site ${site}; ${known}`, site)
    }
    for (const [field, its] of [
      ['ec2', value.ec2],
      ['azure', value.azure],
    ] as const) {
      for (const [index, { site }] of its.entries()) {
        if (!value.sites.includes(site)) refuse([field, index, 'site'], `no site ${site}; ${known}`, site)
      }
    }
    for (const [index, { request }] of value.drills.entries()) {
      for (const site of [request.site, request.from ?? request.site]) {
        if (!value.sites.includes(site)) refuse(['drills', index, 'request'], `no site ${site}; ${known}`, site)
      }
    }
    const { objectLock, mostLockDays } = value.bucket
    const mostDays = Math.max(mostLockDays, objectLock?.days ?? 0)
    for (const [index, { job }] of value.schedules.entries()) {
      const days = job.objectLock?.days ?? 0
      if (days > mostDays)
        refuse(
          ['schedules', index, 'job', 'objectLock', 'days'],
          `the functions may lock for ${mostDays} days at most; raise bucket.mostLockDays`,
          days,
        )
      if (!value.sites.includes(job.site))
        refuse(['schedules', index, 'job', 'site'], `no site ${job.site}; ${known}`, job.site)
    }
  })

/** As a file under `lib/deployments/` writes it: what has a default may be left out. */
export type DeploymentConfig = z.input<typeof deploymentSchema>
/** As the stacks use it. */
export type Deployment = z.output<typeof deploymentSchema>

/** Where the stacks go, in the form CDK takes; empty means: wherever the CLI's credentials point. */
export function environmentOf({ account, region }: Deployment): { env?: { account?: string; region?: string } } {
  if (account === undefined && region === undefined) return {}
  return { env: { ...(account !== undefined && { account }), ...(region !== undefined && { region }) } }
}

/** The configuration can't be used; the message says which file, where in it, and why. */
export class DeploymentConfigError extends Error {
  override readonly name = 'DeploymentConfigError'
}

/** A text, and where in it the fields stand. */
export interface WrittenText {
  text: string
  root: Located
}

/**
 * Check a deployment's configuration.
 * @param source names the origin in messages, as `lib/deployments/example.ts`
 * @param written the source's text, in which messages name lines
 * @throws DeploymentConfigError
 */
export function parseDeployment(config: unknown, source: string, written?: WrittenText): Deployment {
  return checked(deploymentSchema, config, source, written)
}

/** Of a deployment, what its storage goes by. What else there is, is not looked at. */
const storageSchema = z.object({ name: nameSchema, bucket: bucketSchema.prefault({}), tags: tagsSchema.default({}) })

/**
 * Check the configuration of a deployment's storage.
 * @throws DeploymentConfigError
 */
export function parseStorage(config: unknown, source: string): z.output<typeof storageSchema> {
  return checked(storageSchema, config, source)
}

function checked<Schema extends z.ZodType>(
  schema: Schema,
  config: unknown,
  source: string,
  written?: WrittenText,
): z.output<Schema> {
  const parsed = schema.safeParse(withoutSchema(config))
  if (parsed.success) return parsed.data
  const lines =
    written === undefined
      ? parsed.error.issues.map(({ path, message }) => `  ${z.core.toDotPath(path) || '(whole)'}: ${message}`)
      : complaintLines(complaintsOf(parsed.error, config, 'docs/deployments.md'), {
          name: source,
          ...written,
        })
  throw new DeploymentConfigError(`${source} is not a valid deployment:\n${lines.join('\n')}`)
}

/** What one deployment of Guestlift consists of: the schema of `lib/deployments/<name>.ts`, and its only reader. */
import { readdir } from 'node:fs/promises'
import { z } from 'zod'
import { coverageRulesSchema } from '../functions/contracts/coverage.ts'
import { siteNameSchema, timeZoneSchema } from '../functions/contracts/nouns.ts'
import { retentionSchema } from '../functions/contracts/retention.ts'
import { REPEAT_WINDOW_DAYS } from '../functions/contracts/sweep.ts'
import {
  verificationPolicySchema,
  verificationRequestSchema,
  verificationRunnerSchema,
} from '../functions/contracts/verification-policy.ts'
import { LONGEST_COPY_DAYS } from '../functions/domain/transfer/slowest-line.ts'
// oxlint-disable-next-line import/no-unassigned-import -- it tells zod, and has nothing to give
import '../functions/domain/words/unknown-keys.ts'
import { withoutSchema } from '../functions/domain/words/without-schema.ts'
import { writtenJobSchema } from '../functions/providers/registry.ts'
import { longestGapHours } from './schedule-interval.ts'

const nameSchema = z
  .string()
  .regex(/^[a-z][a-z0-9-]{0,22}[a-z0-9]$/, 'a deployment name has 2 to 24 lower-case letters, digits or inner hyphens')

/** Retention periods that CloudWatch Logs accepts. */
const logDays = [1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1827, 3653] as const

const objectLockSchema = z.strictObject({
  /** `governance` can be lifted by those with the permission to; `compliance` by nobody, not even the account's root. */
  mode: z.enum(['governance', 'compliance']),
  /** Each object is locked this long from its creation. Applies to the small bookkeeping objects too. */
  days: z.int().min(1).max(36_500),
})

/** S3 user guide, "General purpose bucket naming rules": what S3 would refuse only when the stack is deployed. */
function bucketNameFault(name: string): string | undefined {
  if (/\.\.|\.-|-\./.test(name)) return 'a bucket name has no two dots in a row, and no dot beside a hyphen'
  if (/^\d+(\.\d+){3}$/.test(name)) return 'a bucket name has not the form of an IP address'
  const taken =
    /^(xn--|sthree-|amzn-s3-demo-)/.exec(name)?.[0] ?? /(-s3alias|--ol-s3|\.mrap|--x-s3|--table-s3)$/.exec(name)?.[0]
  return taken === undefined ? undefined : `S3 keeps bucket names with ${taken} for itself`
}

const bucketSchema = z.strictObject({
  /** Left out: CloudFormation makes a unique one. */
  name: z
    .string()
    .regex(/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/, 'a bucket name has 3 to 63 lower-case letters, digits, dots, hyphens')
    .refine((name) => bucketNameFault(name) === undefined, { error: ({ input }) => bucketNameFault(String(input)) })
    .optional(),
  /** In front of every key: empty, or ending with `/`. */
  keyPrefix: z
    .string()
    .regex(
      /^$|^[A-Za-z0-9][A-Za-z0-9._/-]*\/$/,
      'a key prefix is empty, or starts with a letter or digit and ends with /',
    )
    .default(''),
  /** Can only be switched on when the bucket is created. */
  objectLock: objectLockSchema.optional(),
  /**
   * Days after which S3 drops the parts of an upload that nobody completed, counted from its start. A copy may take
   * `LONGEST_COPY_DAYS`, and what failed can be repeated for as long after that.
   */
  abandonedUploadDays: z
    .int()
    .gt(
      REPEAT_WINDOW_DAYS,
      `a failed guest can be repeated for ${REPEAT_WINDOW_DAYS} days and needs its parts until then`,
    )
    .default(LONGEST_COPY_DAYS + REPEAT_WINDOW_DAYS + 2),
})

function awsId(kind: string) {
  return z.string().regex(new RegExp(`^${kind}-[0-9a-f]{8,17}$`), `an id reads ${kind}- and 8 to 17 hex digits`)
}

const vpcSchema = z.strictObject({
  vpcId: awsId('vpc'),
  /** Private subnets with a way to the sites. Functions in a VPC have no public address. */
  subnetIds: z.array(awsId('subnet')).min(1),
  securityGroupIds: z.array(awsId('sg')).min(1),
  /**
   * Route tables of these subnets that get an S3 gateway endpoint (free), so that archive bytes never pass a NAT
   * gateway. Leave empty when the VPC has the endpoint: a second one in the same table is refused.
   * Secrets Manager has no gateway endpoint: the VPC must offer an interface endpoint for it, or a route out.
   */
  s3RouteTableIds: z.array(awsId('rtb')).default([]),
})

/** A proxy that takes http:// or https:// itself. Its address stands in the template, where a password would be readable. */
function isProxyUrl(text: string): boolean {
  if (!URL.canParse(text)) return false
  const { protocol, username, password, pathname, search } = new URL(text)
  return /^https?:$/.test(protocol) && username === '' && password === '' && pathname === '/' && search === ''
}

const proxySchema = z.strictObject({
  url: z.string().refine(isProxyUrl, { error: 'write http://proxy.example.com:3128, without user and password' }),
  /**
   * What the functions reach without it, as `NO_PROXY` takes it: `amazonaws.com` where the VPC has endpoints for S3 and
   * Secrets Manager, the sites' domain where only AWS lies behind the proxy.
   */
  except: z.array(z.string().regex(/^[^\s,]+$/, 'one host each, without blanks and commas')).default([]),
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
  /** Part of object keys: a run claims `schedules/<name>/<time>`, since schedules may fire twice. */
  name: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9_-]{0,62}$/, 'a schedule name has 1 to 63 letters, digits, - or _'),
  expression: scheduleExpressionSchema,
  timezone: timeZoneSchema.default('UTC'),
  job: writtenJobSchema,
  enabled: z.boolean().default(true),
})
export type ScheduleConfig = z.output<typeof scheduleSchema>

const transferSchema = z.strictObject({
  /** Memory of a copy function, which also buys its share of a CPU: 1769 is one. Parts are held in memory. */
  memoryMiB: z.int().min(512).max(10_240).default(1769),
  /**
   * Guests that one run works on at the same time, dumping, moving or waiting for their turn. A node dumps one guest at a
   * time, and a site's limits hold for its transfers, so more only wait, at nine history events in up to five minutes
   * each. Enough for a node to dump the next guest while several archives of it are on their way: five a node is ample.
   */
  maxConcurrency: z.int().min(1).max(1000).default(20),
  /** Copy functions at the same time over all runs, taken from the account's quota: spares the site's uplink. */
  reservedConcurrency: z.int().min(1).max(1000).optional(),
})

const sweepSchema = z.strictObject({
  /** When abandoned uploads are looked for, in UTC. Each look costs a few requests for each open upload. */
  expression: scheduleExpressionSchema.default('rate(1 day)'),
  enabled: z.boolean().default(true),
})

/** Pruning of all archives of a site, beside what runs with a retention do for the guests that they archive. */
const siteRetentionSchema = z.strictObject({
  site: siteNameSchema,
  /** When. Once a day is plenty: rules count days and longer. */
  expression: scheduleExpressionSchema.default('rate(1 day)'),
  timezone: timeZoneSchema.default('UTC'),
  /** Where a guest's job has a retention too, an archive stays only if both keep it. */
  retention: retentionSchema,
  enabled: z.boolean().default(true),
})

/** An alarm's period is at most this long (CloudWatch), and it has to see one check in each. */
const LONGEST_ALARM_HOURS = 168

/** How the coverage of each site is judged, and when: against the schedules of runs that are switched on. */
const coverageSchema = coverageRulesSchema.extend({
  /** When it is judged, in UTC. At least once a week: the alarm looks back no further. */
  expression: scheduleExpressionSchema
    .refine((expression) => (longestGapHours(expression) ?? Number.POSITIVE_INFINITY) <= LONGEST_ALARM_HOURS, {
      error: `coverage is judged at least every ${LONGEST_ALARM_HOURS} hours, or no alarm could tell that it stopped`,
    })
    .default('rate(6 hours)'),
  enabled: z.boolean().default(true),
})

const verificationSchema = verificationPolicySchema.extend({
  /** When archives are looked for that are due to be read whole, in UTC. */
  expression: scheduleExpressionSchema.default('rate(1 day)'),
  enabled: z.boolean().default(true),
  /** Archives that one run reads at the same time, each in a function or a build of its own. */
  maxConcurrency: z.int().min(1).max(100).default(5),
  /** What reads archives that don't fit a function. With `none`, the report says which, and how a person reads them. */
  runner: verificationRunnerSchema.default('codebuild'),
  mostGiBInFunction: verificationRequestSchema.shape.mostGiBInFunction,
})

export const deploymentSchema = z
  .strictObject({
    /** Part of the names of stacks, workflows, functions and logs: one account can hold several deployments. */
    name: nameSchema,
    /** Left out: whatever account and region the CLI's credentials name at deploy time. */
    account: z
      .string()
      .regex(/^\d{12}$/, 'an account has 12 digits')
      .optional(),
    region: z
      .string()
      .regex(/^[a-z]{2}(-[a-z]+)+-\d$/, 'a region reads like eu-central-1')
      .optional(),
    /** Sites by name. Each one's configuration lies in the secret `<siteSecretPrefix><name>`; see `site-secrets.ts`. */
    sites: z.array(siteNameSchema).min(1),
    /** The site of jobs of the older shape, which name none. */
    defaultSite: siteNameSchema.optional(),
    siteSecretPrefix: z
      .string()
      .regex(/^[A-Za-z0-9/_+=.@-]*\/$/, 'a secret prefix ends with /')
      .default('guestlift/site/'),
    bucket: bucketSchema.prefault({}),
    logRetentionDays: z.literal(logDays).default(90),
    /** Receive failed, timed-out and aborted runs. Each address confirms its subscription once. */
    notificationEmails: z.array(z.email()).default([]),
    /** Alarm when no run has succeeded for so long; for deployments with regular schedules. CloudWatch looks back 7 days at most. */
    alarmAfterHoursWithoutSuccess: z.int().min(1).max(168).optional(),
    /** Only for sites that are reached through a VPC (VPN, Direct Connect). */
    vpc: vpcSchema.optional(),
    /**
     * Where functions in a VPC reach sites or AWS only through an HTTP proxy: the sites' API, the `https` route, S3 and
     * Secrets Manager. SSH (`sftp`, `push`) goes through none. The larger runner lies in no VPC and needs none.
     */
    proxy: proxySchema.optional(),
    schedules: z.array(scheduleSchema).default([]),
    sweep: sweepSchema.prefault({}),
    retention: z.array(siteRetentionSchema).default([]),
    coverage: coverageSchema.prefault({}),
    verification: verificationSchema.prefault({}),
    transfer: transferSchema.prefault({}),
  })
  .check(({ value, issues }) => {
    const refuse = (path: PropertyKey[], message: string, input: unknown) =>
      issues.push({ code: 'custom', path, message, input })
    const known = `configured are ${value.sites.join(', ')}`
    for (const [key, names] of [
      ['sites', value.sites],
      ['schedules', value.schedules.map(({ name }) => name)],
      ['retention', value.retention.map(({ site }) => site)],
    ] as const) {
      for (const [index, name] of names.entries()) {
        if (names.indexOf(name) < index) refuse([key, index], `${name} is listed twice`, name)
      }
    }
    for (const [index, site] of value.sites.entries()) {
      // Its schedule is called `coverage.<site>`, and Scheduler takes 64 characters.
      if (site.length > 55) refuse(['sites', index], 'a site name of a deployment has at most 55 characters', site)
    }
    if (value.defaultSite !== undefined && !value.sites.includes(value.defaultSite))
      refuse(['defaultSite'], `no site ${value.defaultSite}; ${known}`, value.defaultSite)
    for (const [index, { site }] of value.retention.entries()) {
      if (!value.sites.includes(site)) refuse(['retention', index, 'site'], `no site ${site}; ${known}`, site)
    }
    for (const [index, { job }] of value.schedules.entries()) {
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

/**
 * Check a deployment's configuration.
 * @param source names the origin in messages, as `lib/deployments/example.ts`
 * @throws DeploymentConfigError
 */
export function parseDeployment(config: unknown, source: string): Deployment {
  const parsed = deploymentSchema.safeParse(withoutSchema(config))
  if (parsed.success) return parsed.data
  const lines = parsed.error.issues.map(({ path, message }) => `  ${z.core.toDotPath(path) || '(whole)'}: ${message}`)
  throw new DeploymentConfigError(`${source} is not a valid deployment:\n${lines.join('\n')}`)
}

/**
 * A file that was copied and kept its name would deploy over the stacks of the one that it was copied from.
 * @throws DeploymentConfigError
 */
export function requireOwnName(file: string, { name }: Pick<Deployment, 'name'>): void {
  if (name === file) return
  throw new DeploymentConfigError(
    `lib/deployments/${file}.ts says name: '${name}', so it would change the stacks of the deployment ${name}. ` +
      `Write name: '${file}' in it, or call the file ${name}.ts.`,
  )
}

const folder = new URL('deployments/', import.meta.url)

/**
 * Read the deployment that the context names: `cdk deploy -c deployment=<name>` reads `lib/deployments/<name>.ts`;
 * `cdk.json` holds the default.
 * @throws DeploymentConfigError
 */
export async function readDeployment(context: { tryGetContext(key: string): unknown }): Promise<Deployment> {
  const name = context.tryGetContext('deployment')
  const files = await readdir(folder)
  const there = files.filter((file) => file.endsWith('.ts')).map((file) => file.slice(0, -'.ts'.length))
  if (typeof name !== 'string' || !there.includes(name)) {
    throw new DeploymentConfigError(
      `No deployment ${JSON.stringify(name)} in lib/deployments; there are ${there.join(', ')}. Name one: -c deployment=<name>`,
    )
  }
  const { deployment }: { deployment?: unknown } = await import(new URL(`${name}.ts`, folder).href)
  if (deployment === undefined) {
    throw new DeploymentConfigError(`lib/deployments/${name}.ts has to export a constant called deployment`)
  }
  const parsed = parseDeployment(deployment, `lib/deployments/${name}.ts`)
  requireOwnName(name, parsed)
  return parsed
}

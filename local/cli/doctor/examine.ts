import { randomBytes } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import * as z from 'zod'
import { readBucketSettings } from '../../../functions/aws/s3-bucket-settings.ts'
import type { Job } from '../../../functions/contracts/job.ts'
import { type Finding, unchecked } from '../../../functions/domain/doctor/finding.ts'
import { deploymentFindings } from '../../../functions/domain/doctor/judge-deployment.ts'
import type { ExistingBucket } from '../../../functions/domain/doctor/judge-owner-setup.ts'
import { asRestoreSite } from '../../../functions/domain/restore/restore-site.ts'
import { inspectRestoreAccount } from '../../../functions/operations/doctor/inspect-restore-account.ts'
import { inspectSite, type SitePorts } from '../../../functions/operations/doctor/inspect-site.ts'
import { inspectStore } from '../../../functions/operations/doctor/inspect-store.ts'
import { routeIn } from '../../../functions/runtime/compose/route.ts'
import { timer } from '../../../functions/runtime/timer.ts'
import { type BucketOptions, openBucket } from '../bucket-store.ts'
import { foreignOwner } from '../../../lib/account-config.ts'
import type { Deployment } from '../../../lib/deployment-config.ts'
import { openSiteProvider } from '../site/site-provider.ts'
import { readDeploymentState } from './deployment-state.ts'

/** What is to be examined: what isn't given isn't. */
export interface Examined {
  /** With the job that is meant for the site, or one that takes all of its guests. */
  site?: { json: string; job: Job }
  bucket?: BucketOptions
  deployment?: Deployment
  /** What is known of it by now. */
  findings?: readonly Finding[]
}

/** A person waits: both tries are over when the test of the store ends, so that nothing holds the process then. */
const haste = { socketTimeoutMilliseconds: 4_000, maxAttempts: 2, onFailedTry: () => undefined }

const base = {
  now: () => new Date(),
  sleep: (milliseconds: number) => delay(milliseconds),
  timer,
  randomToken: () => randomBytes(8).toString('hex'),
  // What fails is in the findings.
  log: () => undefined,
}

/** Examine site and store at the same time. */
export async function examine({ site, bucket, deployment, findings = [] }: Examined): Promise<Finding[]> {
  const opened = bucket === undefined ? undefined : openBucket(bucket, haste)
  try {
    const examinedStore =
      opened === undefined ? undefined : examineStore(opened, bucket?.s3, existingOf(deployment, bucket))
    const storeUsable = async () => !(await examinedStore)?.some(({ verdict }) => verdict === 'failed')
    const ports = {
      ...base,
      ...(opened === undefined ? {} : { store: opened.store, keyPrefix: opened.keyPrefix, storeUsable }),
    }
    const [ofDeployment, ofSite, ofStore] = await Promise.all([
      deployment === undefined ? [] : examineDeployment(deployment),
      site === undefined ? [] : examineSite(site, ports),
      examinedStore ?? (deployment === undefined ? [] : [nameless]),
    ])
    return [...findings, ...ofDeployment, ...ofSite, ...ofStore]
  } finally {
    opened?.client.destroy()
  }
}

const nameless = unchecked(
  'store',
  "The deployment's file leaves the bucket's name open. Give it with --bucket, as the stack of the storage shows it.",
)

async function examineDeployment(deployment: Deployment): Promise<Finding[]> {
  const { name, schedules } = deployment
  const enabled = schedules.filter((schedule) => schedule.enabled).map((schedule) => schedule.name)
  return deploymentFindings(await readDeploymentState(deployment), { name, enabled })
}

/** Of the deployment's bucket, if it was there before and is the one that is looked at. */
function existingOf(deployment: Deployment | undefined, looked: BucketOptions | undefined): ExistingBucket | undefined {
  const { existing, keyPrefix = '', name } = deployment?.bucket ?? {}
  if (deployment === undefined || existing === undefined || looked === undefined || looked.bucket !== name) {
    return undefined
  }
  return {
    name: looked.bucket,
    keyPrefix,
    foreignOwner: foreignOwner(deployment),
    sendsAcl: existing.objectAcl !== undefined,
    deployment: deployment.name,
  }
}

async function examineStore(
  { client, store, keyPrefix }: ReturnType<typeof openBucket>,
  s3: string | undefined,
  existing: ExistingBucket | undefined,
) {
  const region = await client.config.region().catch(() => 'no region')
  const bucketSettings = () => readBucketSettings(client, store.bucket, existing !== undefined)
  return inspectStore({ s3, region, existing }, { ...base, store, keyPrefix, bucketSettings })
}

async function examineSite(
  { json, job }: NonNullable<Examined['site']>,
  ports: Omit<SitePorts, 'route'>,
): Promise<Finding[]> {
  const config: unknown = JSON.parse(json)
  const provider = await openSiteProvider(job.site, json)
  try {
    const findings = await inspectSite(job, provider, { ...ports, route: () => routeIn(job.site, config) })
    const isUp = findings.some(({ check, verdict }) => check === 'login' && verdict === 'passed')
    if (!isUp || typeof config !== 'object' || config === null || !('restore' in config)) return findings
    const restorer = await openSiteProvider(job.site, JSON.stringify(asRestoreSite(config)))
    try {
      const account = { site: job.site, imports: isImport(config.restore), provider, restorer }
      return [...findings, ...(await inspectRestoreAccount(account, ports))]
    } finally {
      await restorer.close()
    }
  } finally {
    await provider.close()
  }
}

const importSchema = z.object({ delivery: z.object({ type: z.literal('import') }) })

/** Whether the platform fetches disks itself. */
function isImport(restore: unknown): boolean {
  return importSchema.safeParse(restore).success
}

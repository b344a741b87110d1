import { randomBytes } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import type { Command } from 'commander'
import type { Job } from '../../../functions/contracts/job.ts'
import { type SiteLimits, siteLimitsSchema } from '../../../functions/contracts/limits.ts'
import { type ForeseenRun, foreseeRun } from '../../../functions/operations/foresight/foresee-run.ts'
import { storeNotes } from '../../../functions/domain/doctor/store-steps.ts'
import { strangeSite } from '../../../functions/operations/catalogue/known-sites.ts'
import { lastStored } from '../../../functions/operations/catalogue/last-stored.ts'
import { testRoutes } from '../../../functions/operations/run/test-routes.ts'
import { testStore } from '../../../functions/operations/run/test-store.ts'
import { routeIn } from '../../../functions/runtime/compose/route.ts'
import { timer } from '../../../functions/runtime/timer.ts'
import type { Deployment } from '../../../lib/deployment-config.ts'
import { readSiteFile } from '../../run/site-file.ts'
import { isAws } from '../../run/store-locks.ts'
import { type BesideOptions, bucketBeside } from '../bucket-beside.ts'
import { openBucket } from '../bucket-store.ts'
import { readJobFile, requestIn } from './job-file.ts'
import { addBucketOptions, deploymentOfSiteOption, siteFileOption, siteNameOption } from '../shared-options.ts'
import { siteNameFrom } from '../site/site-name.ts'
import { deploymentNamed, openSiteProvider, siteJson, type SiteOptions } from '../site/site-provider.ts'

export type ForesightOptions = SiteOptions & BesideOptions

/** A run of a job as it would go now, and what it would go by. */
export interface Foresight {
  job: Job
  plan: ForeseenRun
  siteLimits: SiteLimits
  deployment: Deployment | undefined
  /** Whether the archives go to S3 itself, whose prices are known. */
  isAws: boolean
}

export function withForesightOptions(command: Command): Command {
  command
    .addOption(siteFileOption(undefined, 'the site file, as docs/sites.md describes it; needs no AWS'))
    .addOption(siteNameOption('took-file'))
    .addOption(deploymentOfSiteOption("the deployment in whose secrets the job's site is found"))
  return addBucketOptions(command, {
    bucket: "the archive bucket, whose older archives show sizes (default: the deployment's own)",
    beside: true,
  })
}

/**
 * Ask the site what a run of the job would do. Changes nothing.
 * @param trying also test the store and the way to each node, as a run does first: nothing stays of it
 * @throws the errors of a store that a run can't use
 */
export async function openForesight(jobFile: string, options: ForesightOptions, trying = false): Promise<Foresight> {
  const document = await readJobFile(jobFile)
  const deployment = options.deployment === undefined ? undefined : await deploymentNamed(options.deployment)
  const { siteFile: path, site: option, usualSite: usual } = options
  const file = path === undefined ? undefined : { path, json: await readSiteFile(path) }
  const names = { option, file, usual }
  const unnamed = file === undefined ? (option ?? deployment?.defaultSite ?? usual) : siteNameFrom(names).name
  const { job, notes } = requestIn(document, unnamed)
  siteNameFrom({ ...names, job: job.site })
  const json = file?.json ?? (await siteJson(job.site, undefined, deployment))
  const bucket = bucketBeside(options, deployment)
  const { store, keyPrefix } = bucket === undefined ? { keyPrefix: '', store: undefined } : openBucket(bucket, haste)
  const ports = { ...testPorts, keyPrefix, ...(store === undefined ? {} : { store }) }
  const facts = trying && store !== undefined ? await testStore({ ...ports, store }) : undefined
  const ofStore = store === undefined || facts === undefined ? [] : storeNotes(store.bucket, facts)
  const provider = await openSiteProvider(job.site, json)
  try {
    const stranger = store === undefined ? undefined : await strangeSite(job.site, { store, keyPrefix })
    const plan = await foreseeRun(job, {
      provider,
      ...(trying && {
        testRoutes: async (nodes) => {
          const test = { site: job.site, nodes, storage: job.backup.storage }
          return testRoutes(test, await routeIn(job.site, JSON.parse(json)), provider, ports)
        },
      }),
      ...(store === undefined ? {} : { lastStored: (guest) => lastStored(job.site, guest, { store, keyPrefix }) }),
    })
    // The provider has found the configuration well formed by now.
    const { limits = {} } = JSON.parse(json) as { limits?: unknown }
    return {
      job,
      plan: { ...plan, notes: [...notes, ...ofStore, ...(stranger === undefined ? [] : [stranger]), ...plan.notes] },
      siteLimits: siteLimitsSchema.parse(limits),
      deployment,
      isAws: isAws(bucket?.s3 ?? options.s3),
    }
  } finally {
    await provider.close()
  }
}

/** A person waits: a store that is silent keeps the command for as long as its test takes, and little more. */
const haste = { socketTimeoutMilliseconds: 8_000, maxAttempts: 2 }

/** Nothing of what tests tell is for a person: what fails is in the plan. */
const testPorts = {
  now: () => new Date(),
  sleep: (milliseconds: number) => delay(milliseconds),
  timer,
  randomToken: () => randomBytes(8).toString('hex'),
  log: () => undefined,
}

import type { Command } from 'commander'
import { setTimeout as delay } from 'node:timers/promises'
import { createS3Client } from '../../functions/aws/s3-client.ts'
import { S3ArchiveStore } from '../../functions/aws/s3-archive-store.ts'
import { readRequest } from '../../functions/domain/request.ts'
import { foreseeRun } from '../../functions/operations/foresee-run.ts'
import { lastStored } from '../../functions/operations/last-stored.ts'
import { exitCodes } from './exit-codes.ts'
import { keyPrefixFrom } from './key-prefix.ts'
import { planLines } from './print-plan.ts'
import { readJobFile } from './job-file.ts'
import {
  complaintAboutSource,
  deploymentNamed,
  openSiteProvider,
  siteJson,
  siteNameOf,
  type SiteOptions,
} from './site-provider.ts'
import type { StopSignals } from './stop-signals.ts'

export interface PlanOptions extends SiteOptions {
  json?: boolean
  bucket?: string
  s3?: string
  prefix?: string
}

export function addPlanCommand(program: Command, stop: StopSignals): void {
  const command = program
    .command('plan')
    .description('say what a job would archive, skip and leave out, and why, without changing anything')
    .argument('<job.json>', 'the job, as for run')
    .option('--site <site.json>', 'the site, in the shape of its secret; needs no AWS')
    .option('--deployment <name>', "the deployment in whose secrets the job's site is found")
    .option('--bucket <name>', "the archive bucket: older archives there tell sizes (the deployment's own unless told)")
    .option('--s3 <url>', 'with --bucket: endpoint of S3, when it is not AWS')
    .option('--prefix <prefix>', 'with --bucket: in front of every key')
    .option('--json', 'print the plan as one line of JSON')
    .addHelpText('after', '\nExit codes: 0 something would be archived; 1 nothing would be; 64 wrong command line.')
    .action(async (jobFile: string, options: PlanOptions) => {
      const complaint = complaintAboutSource(options)
      if (complaint !== undefined) command.error(`error: ${complaint}`)
      // There is nothing to clean up.
      stop.onInterrupt(() => process.exit(exitCodes.interrupted))
      process.exitCode = await planHere(jobFile, options)
    })
}

/** Print what a run of the job would do. Returns the exit code. */
export async function planHere(jobFile: string, options: PlanOptions): Promise<number> {
  const request = await readJobFile(jobFile)
  const deployment = options.deployment === undefined ? undefined : await deploymentNamed(options.deployment)
  const { job, notes } = readRequest(request, deployment?.defaultSite ?? siteNameOf(options.site ?? ''))
  const json = await siteJson(job.site, options.site, deployment)
  const bucket = options.bucket ?? deployment?.bucket.name
  const store = bucket === undefined ? undefined : openStore(bucket, options.s3)
  const keyPrefix = options.prefix === undefined ? (deployment?.bucket.keyPrefix ?? '') : keyPrefixFrom(options.prefix)
  const provider = openSiteProvider(job.site, json)
  try {
    const plan = await foreseeRun(job, {
      provider,
      ...(store === undefined ? {} : { lastStored: (guest) => lastStored(job.site, guest, { store, keyPrefix }) }),
    })
    const told = { ...plan, notes: [...notes, ...plan.notes] }
    process.stdout.write(options.json === true ? `${JSON.stringify(told)}\n` : `${planLines(told).join('\n')}\n`)
    return plan.totals.archive > 0 ? exitCodes.succeeded : exitCodes.failed
  } finally {
    await provider.close()
  }
}

function openStore(bucket: string, s3Url: string | undefined): S3ArchiveStore {
  // Endpoints other than AWS care little for the region, and the SDK insists on one.
  const region = process.env['AWS_REGION'] ?? process.env['AWS_DEFAULT_REGION'] ?? 'us-east-1'
  const client = createS3Client(s3Url === undefined ? {} : { endpoint: s3Url, region })
  return new S3ArchiveStore(client, bucket, { sleep: (milliseconds) => delay(milliseconds), random: Math.random })
}

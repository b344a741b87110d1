import type { Command } from 'commander'
import * as z from 'zod'
import { GuestliftError } from '../../../functions/contracts/errors.ts'
import type { Job } from '../../../functions/contracts/job.ts'
import { failed, failedOf, type Finding, passed, unchecked } from '../../../functions/domain/doctor/finding.ts'
import { AFTER_LOGIN } from '../../../functions/domain/doctor/judge-site.ts'
import { parseJson } from '../../../functions/domain/words/parse-json.ts'
import { sentence } from '../../../functions/domain/words/sentence.ts'
import { readRequest } from '../../../functions/domain/selection/request.ts'
import { platformTraits, writtenJobs } from '../../../functions/providers/registry.ts'
import { ownerCommands } from '../../../functions/domain/doctor/owner-setup.ts'
import { foreignOwner } from '../../../lib/account-config.ts'
import type { Deployment } from '../../../lib/deployment-config.ts'
import { UsageError } from '../../run/cli-error.ts'
import { readSiteFile } from '../../run/site-file.ts'
import { type BesideOptions, bucketBeside } from '../bucket-beside.ts'
import { exitCodeOfFailure, exitCodes, exitHelp } from '../exit-codes.ts'
import { findingLines } from '../print/print-findings.ts'
import { readJobFile, requestIn } from '../run/job-file.ts'
import { addBucketOptions, deploymentOfSiteOption, siteFileOption, siteNameOption } from '../shared-options.ts'
import { siteNameFrom } from '../site/site-name.ts'
import { deploymentNamed, requireSite, siteJson } from '../site/site-provider.ts'
import type { StopSignals } from '../stop-signals.ts'
import { type Examined, examine } from './examine.ts'

export interface DoctorOptions extends BesideOptions {
  siteFile?: string
  site?: string
  /** Its name, where settings say it. */
  usualSite?: string
  deployment?: string
  json?: boolean
  forOwner?: boolean
}

export function addDoctorCommand(program: Command, stop: StopSignals): void {
  const command = program
    .command('doctor')
    .description(
      'check site, store and deployment, and show a fix for each thing that is wrong. Nothing is backed up; what the test of the store makes is removed again',
    )
    .argument('[job.json]', 'a job, as for run: checks what it needs (default: all guests, on any storage)')
    .option('--json', 'print the findings as one line of JSON')
    .option(
      '--for-owner',
      "print the commands by which the owner of the deployment's existing bucket prepares it, and check nothing",
    )
    .addOption(siteFileOption())
    .addOption(siteNameOption('took-name'))
    .addOption(deploymentOfSiteOption('on AWS: the deployment whose secret, stacks, schedules and alarms are checked'))
    .addHelpText('after', exitHelp({ succeeded: 'no check failed; there may be warnings', failed: 'a check failed' }))
  addBucketOptions(command, { bucket: "the archive bucket (default: the deployment's own)", beside: true })
  command.action(async (jobFile: string | undefined, options: DoctorOptions) => {
    const { siteFile, bucket, deployment, forOwner } = options
    if (forOwner === true) {
      if (deployment === undefined) return command.error('error: --for-owner takes a deployment: --deployment <name>')
      process.stdout.write(`${ownerLines(await deploymentNamed(deployment)).join('\n')}\n`)
      return
    }
    if (siteFile === undefined && bucket === undefined && deployment === undefined) {
      command.error('error: say what to check: --site-file <file>, --bucket <name> or --deployment <name>')
    }
    // Whatever the test of the store leaves then is removed by the next sweep.
    stop.onInterrupt(() => process.exit(exitCodes.interrupted))
    process.exitCode = await doctorHere(jobFile, options)
  })
}

/** @throws UsageError where the deployment has a bucket of its own, which its stack prepares */
function ownerLines({ name, account, bucket }: Deployment): string[] {
  const { name: bucketName, existing, keyPrefix, abandonedUploadDays } = bucket
  if (existing === undefined || bucketName === undefined) {
    throw new UsageError(`The deployment ${name} has a bucket of its own, and its stack prepares it.`)
  }
  return ownerCommands({
    bucket: bucketName,
    keyPrefix,
    abandonedUploadDays,
    guest: foreignOwner({ account, bucket }) === undefined ? undefined : account,
    sendsAcl: existing.objectAcl !== undefined,
  })
}

/** Check what the options name, and print what was found. Returns the exit code. */
export async function doctorHere(jobFile: string | undefined, options: DoctorOptions): Promise<number> {
  const findings = await examine(await examinedBy(jobFile, options))
  const [first] = failedOf(findings)
  const outcome = first === undefined ? 'succeeded' : 'failed'
  process.stdout.write(
    options.json === true
      ? `${JSON.stringify({ version: 1, outcome, findings })}\n`
      : `${findingLines(findings, process.stdout).join('\n')}\n`,
  )
  if (first === undefined) return exitCodes.succeeded
  const code = exitCodeOfFailure(first.error ?? '')
  // The command line was right, whatever is unknown.
  return code === exitCodes.usage ? exitCodes.failed : code
}

async function examinedBy(jobFile: string | undefined, options: DoctorOptions): Promise<Examined> {
  const deployment = options.deployment === undefined ? undefined : await deploymentNamed(options.deployment)
  const bucket = bucketBeside(options, deployment)
  const { site, findings } = await siteOf(jobFile, options, deployment)
  return {
    findings,
    ...(deployment === undefined ? {} : { deployment }),
    ...(site === undefined ? {} : { site }),
    ...(bucket === undefined ? {} : { bucket }),
  }
}

async function siteOf(
  jobFile: string | undefined,
  { siteFile, site: option, usualSite: usual }: DoctorOptions,
  deployment: Deployment | undefined,
): Promise<{ site?: NonNullable<Examined['site']>; findings: Finding[] }> {
  if (siteFile === undefined && deployment === undefined) return { findings: [] }
  const document = jobFile === undefined ? undefined : await readJobFile(jobFile)
  const file = siteFile === undefined ? undefined : { path: siteFile, json: await readSiteFile(siteFile) }
  const names = { option, file, usual }
  const unnamed = file === undefined ? (option ?? deployment?.defaultSite ?? usual) : siteNameFrom(names).name
  const jobFor = (json: string | undefined): Job =>
    document === undefined ? everythingOf(unnamed, json) : requestIn(document, unnamed).job
  const asked = jobFor(file?.json)
  siteNameFrom({ ...names, job: asked.site })
  if (file !== undefined) return { site: { json: file.json, job: asked }, findings: [] }
  try {
    const json = await siteJson(asked.site, undefined, deployment)
    requireSite(asked.site, json)
    return { site: { json, job: jobFor(json) }, findings: [passed('secret', `holds site ${asked.site}`)] }
  } catch (error) {
    if (!(error instanceof GuestliftError)) throw error
    const { name, message } = error
    return { findings: [failed('secret', { name, message: sentence(message) }), ...withoutSite] }
  }
}

const withoutSite = (['login', ...AFTER_LOGIN] as const).map((check) =>
  unchecked(check, 'Nobody knows the site without its secret.'),
)

/** Without a job, all that an account may need: every guest, and some storage that takes backups, where there are any. */
function everythingOf(site: string | undefined, json: string | undefined): Job {
  const backup = makesFiles(json) ? { storage: 'auto' } : {}
  return readRequest({ site, guests: { all: true }, backup }, site, writtenJobs).job
}

/** Of a site that can't be read, the check of the site says so. */
function makesFiles(json: string | undefined): boolean {
  const named = z.object({ provider: z.string() }).safeParse(json === undefined ? undefined : parseJson(json))
  return (named.success ? platformTraits[named.data.provider]?.makes : undefined) !== 'temporary'
}

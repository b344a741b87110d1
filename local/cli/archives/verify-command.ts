import type { Command } from 'commander'
import { openBucket, requestLine } from '../bucket-store.ts'
import { exitCodes, exitHelp } from '../exit-codes.ts'
import { verificationLines } from '../print/print-verification.ts'
import { printNotes, printLines } from '../print/terminal.ts'
import { isSetting } from '../settings/apply-settings.ts'
import { addBucketOptions, addDeploymentOptions, siteOption } from '../shared-options.ts'
import type { StopSignals } from '../stop-signals.ts'
import { AT_HELP, durationOption, untilOption, utcOption } from '../time-option.ts'
import { verifyDue } from './verify-due.ts'
import { verifyLocalFile } from './verify-local.ts'
import { verifyStored } from './verify-stored.ts'

export interface VerifyOptions {
  /** A file; `true` without one, which `--due` takes as: run the workflow here. */
  local?: string | true
  due?: boolean
  deployment?: string
  stateMachine?: string
  site?: string
  archiveWithin?: number
  guestWithin?: number
  manifest?: string
  archive?: string
  at?: string
  bucket?: string
  s3?: string
  prefix: string
  json?: boolean
}

export function addVerifyCommand(program: Command, stop: StopSignals): void {
  const command = program
    .command('verify')
    .description(
      'read archives from their first byte to their last, and show whether the restore tool would accept them',
    )
    .option('--local [file]', 'an archive file on this machine; with --due: run the workflow on this machine')
    .option('--manifest <manifest.json>', "with --local: its manifest (the one beside it, if it is the file's own)")
    .option(
      '--archive <guest or key>',
      "in the bucket: a guest's newest archive (100, vm-100, hq/vm-100, a name), or all below a key",
    )
    .option('--at <time>', `with --archive: ${AT_HELP}`, untilOption)
    .addOption(utcOption())
    .option('--due', 'run the verification workflow over what is due by its policy, and print its report')
    .addOption(siteOption('with --due or --archive: only archives of this site'))
    .option(
      '--archive-within <duration>',
      'with --due: each archive is read within this time after it was made',
      durationOption,
    )
    .option('--guest-within <duration>', "with --due: each guest's latest reading is at most this old", durationOption)
  addDeploymentOptions(command, { condition: "on AWS, in the bucket's region" })
  addBucketOptions(command, { condition: 'on this machine' })
    .option('--json', "print one line of JSON for each archive; with --due or --deployment: the workflow's report")
    .addHelpText(
      'after',
      `
With --archive, verification.json is written beside each manifest. All bytes are read, which costs transfer outside
of the bucket's region. With --archive and --deployment, the deployment's workflow reads them in the region, due or not.${exitHelp(
        {
          succeeded: 'the restore tool would accept them',
          failed: 'it would accept none, or they could not be read',
          partial: 'it would accept some of them, or a lock is missing',
        },
      )}`,
    )
    .action(async (options: VerifyOptions) => {
      const { archive, at, bucket, due = false, deployment, stateMachine } = options
      // A bucket in settings and no deployment: it is read from here.
      const isHere = due && deployment === undefined && isSetting(command, 'bucket')
      const local = options.local ?? (isHere ? true : undefined)
      if (due || (archive !== undefined && (deployment ?? stateMachine) !== undefined)) {
        if (at !== undefined) command.error('error: the workflow reads the newest: --at goes with --bucket alone')
        if (typeof local === 'string') command.error('error: --local <file> reads a file and goes alone')
        if (local !== true && bucket !== undefined) {
          command.error('error: a deployment has its own bucket: give --bucket, or --deployment, or --due --local')
        }
        if (local === true && bucket === undefined) command.error('error: --due --local needs --bucket <name>')
        process.exitCode = await verifyDue({ ...options, local: local === true }, stop)
        return
      }
      if (local === true) return command.error('error: --local needs a file, or --due')
      if ((local === undefined) === (archive === undefined)) {
        return command.error('error: verify needs one of --local <file>, --archive <key> and --due')
      }
      if (at !== undefined && archive === undefined) command.error('error: --at goes with --archive')
      if (archive !== undefined && bucket === undefined) command.error('error: --archive needs --bucket <name>')
      // There is nothing to clean up.
      stop.onInterrupt(() => process.exit(exitCodes.interrupted))
      process.exitCode =
        local === undefined ? await verifyThere(archive ?? '', bucket ?? '', options) : await verifyHere(local, options)
    })
}

async function verifyHere(path: string, options: VerifyOptions): Promise<number> {
  const verification = await verifyLocalFile(path, options.manifest)
  if (options.json === true) process.stdout.write(`${JSON.stringify(verification)}\n`)
  else printLines(verificationLines(path, verification))
  return verification.result === 'accepted' ? exitCodes.succeeded : exitCodes.failed
}

async function verifyThere(where: string, bucket: string, options: VerifyOptions): Promise<number> {
  const { s3, prefix, json = false } = options
  const tally = { accepted: 0, unlocked: 0, all: 0 }
  const which = { bucket, prefix, ...(s3 === undefined ? {} : { s3 }) }
  const opened = openBucket(which)
  for await (const { folder, verification } of verifyStored(where, options, opened)) {
    tally.all += 1
    if (verification.result === 'accepted') tally.accepted += 1
    if (verification.lockTrouble !== undefined) tally.unlocked += 1
    const place = `s3://${bucket}/${folder}`
    if (json) process.stdout.write(`${JSON.stringify({ folder, ...verification })}\n`)
    else printLines(verificationLines(place, verification))
  }
  if (tally.all > 1 && !json) process.stdout.write(`${tally.accepted} of ${tally.all} archives accepted\n`)
  if (!json) printNotes([requestLine(opened)])
  if (tally.accepted === tally.all && tally.unlocked === 0) return exitCodes.succeeded
  return tally.accepted > 0 ? exitCodes.partial : exitCodes.failed
}

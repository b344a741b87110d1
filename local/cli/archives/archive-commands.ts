import type { Command } from 'commander'
import { S3HoldStore } from '../../../functions/aws/s3-hold-store.ts'
import { readFolder } from '../../../functions/domain/catalogue/catalogue.ts'
import { manifestKey } from '../../../functions/domain/books/object-keys.ts'
import { counted } from '../../../functions/domain/words/counted.ts'
import { holdArchive, type HoldReport } from '../../../functions/operations/pruning/hold-archive.ts'
import { type BucketOptions, type OpenBucket, openBucket, requestLine } from '../bucket-store.ts'
import { exitCodes, exitHelp } from '../exit-codes.ts'
import { plain } from '../print/columns.ts'
import { printLines, printNotes } from '../print/terminal.ts'
import { siteOption, withBucketOptions } from '../shared-options.ts'
import { AT_HELP, untilOption, utcOption } from '../time-option.ts'
import { oneArchive } from './one-archive.ts'

interface HoldOptions extends BucketOptions {
  site?: string
  at?: string
  json?: boolean
}

export function addArchiveCommands(program: Command): void {
  const archive = program.command('archive').description('hold one archive, whatever any retention says; or release it')
  addHoldCommand(archive, 'hold', 'set a legal hold of S3 on every file of an archive, and read each one back')
  addHoldCommand(archive, 'release', 'release the legal hold of every file of an archive, and read each one back')
}

function addHoldCommand(archive: Command, name: 'hold' | 'release', description: string): void {
  const command = archive
    .command(name)
    .description(description)
    .argument('<guest or key>', "a guest's newest whole archive (100, vm-100, hq/vm-100, a name), or an archive's key")
    .option('--at <time>', AT_HELP, untilOption)
    .addOption(utcOption())
    .addOption(siteOption('only archives of this site'))
  withBucketOptions(command)
    .option('--json', 'print one line of JSON')
    .addHelpText(
      'after',
      `
The bucket needs Object Lock. You need s3:PutObjectLegalHold and s3:GetObjectLegalHold on the archive's keys; no function
of a deployment has the first. A repeated call goes on with what is left.${exitHelp({
        succeeded: `every file is ${name === 'hold' ? 'held' : 'released'}, as S3 shows`,
        partial: 'some files are not; the output names them',
      })}`,
    )
    .action(async (what: string, options: HoldOptions) => {
      process.exitCode = await hold(what, name === 'hold', options)
    })
}

async function hold(what: string, on: boolean, options: HoldOptions): Promise<number> {
  const opened = openBucket(options)
  const { store, client } = opened
  const folder = await folderOf(what, options, opened)
  const report = await holdArchive({ folder, on }, { store, holds: new S3HoldStore(client, store.bucket) })
  if (options.json === true)
    process.stdout.write(`${JSON.stringify({ version: 1, bucket: store.bucket, ...report })}\n`)
  else {
    printLines(holdLines(store.bucket, report))
    printNotes([requestLine(opened)])
  }
  return report.left.length === 0 ? exitCodes.succeeded : exitCodes.partial
}

/** A key names an archive as it is, be it broken: that one can be released, too. */
async function folderOf(what: string, options: HoldOptions, opened: OpenBucket): Promise<string> {
  const key = what.replace(`s3://${opened.store.bucket}/`, '')
  const inFolder = manifestKey(`${key.replace(/\/$/, '')}/`)
  const named = readFolder(opened.keyPrefix, key) ?? readFolder(opened.keyPrefix, inFolder)
  return named?.folder ?? (await oneArchive(what, options, opened)).folder
}

function holdLines(bucket: string, { folder, on, settled, changed, left }: HoldReport): string[] {
  const word = on ? 'under a legal hold' : 'released'
  const before = changed === settled ? '' : `; ${settled - changed} of them before`
  return [
    `${plain(`s3://${bucket}/${folder}`)}: ${counted(settled, 'file')} ${word}${before}.`,
    ...left.map(({ key, reason }) => `  NOT ${on ? 'HELD' : 'RELEASED'}: ${plain(key)}. ${plain(reason)}`),
    ...(left.length === 0 ? [] : ['Repeat the command: it goes on with what is left.']),
  ]
}

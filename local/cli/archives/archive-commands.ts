import type { Command } from 'commander'
import { S3HoldStore } from '../../../functions/aws/s3-hold-store.ts'
import { readFolder } from '../../../functions/domain/catalogue/catalogue.ts'
import { manifestKey } from '../../../functions/domain/books/object-keys.ts'
import { counted } from '../../../functions/domain/words/counted.ts'
import { holdArchive, type HoldReport } from '../../../functions/operations/pruning/hold-archive.ts'
import { pinArchive, unpinArchive } from '../../../functions/operations/books/pins.ts'
import { type BucketOptions, type OpenBucket, openBucket, requestLine } from '../bucket-store.ts'
import { exitCodes, exitHelp } from '../exit-codes.ts'
import { plain } from '../print/columns.ts'
import { printLines, printNotes } from '../print/terminal.ts'
import { siteOption, withBucketOptions } from '../shared-options.ts'
import { AT_HELP, untilOption, utcOption } from '../time-option.ts'
import { oneArchive } from './one-archive.ts'

interface ArchiveOptions extends BucketOptions {
  site?: string
  at?: string
  json?: boolean
}

interface PinOptions extends ArchiveOptions {
  reason?: string
}

export function addArchiveCommands(program: Command): void {
  const archive = program
    .command('archive')
    .description('keep one archive, whatever any retention says: pin it, or hold it')
  addHoldCommand(archive, 'hold', 'set a legal hold of S3 on every file of an archive, and read each one back')
  addHoldCommand(archive, 'release', 'release the legal hold of every file of an archive, and read each one back')
  addressed(archive.command('pin'))
    .description('keep an archive out of every pruning, with a record in the bucket')
    .option('--reason <text>', 'why, for those who look at it later')
    .addHelpText(
      'after',
      `
It needs no Object Lock, and S3 doesn't enforce it: only Guestlift's own prunings leave the archive.${exitHelp({
        succeeded: 'it is pinned',
      })}`,
    )
    .action(async (what: string, options: PinOptions) => {
      process.exitCode = await pin(what, options)
    })
  addressed(archive.command('unpin'))
    .description('let prunings have an archive again that was pinned')
    .addHelpText('after', exitHelp({ succeeded: 'it is not pinned' }))
    .action(async (what: string, options: ArchiveOptions) => {
      process.exitCode = await unpin(what, options)
    })
}

/** The one archive that a command is about. */
function addressed(command: Command): Command {
  command
    .argument('<guest or key>', "a guest's newest whole archive (100, vm-100, hq/vm-100, a name), or an archive's key")
    .option('--at <time>', AT_HELP, untilOption)
    .addOption(utcOption())
    .addOption(siteOption('only archives of this site'))
  return withBucketOptions(command).option('--json', 'print one line of JSON')
}

function addHoldCommand(archive: Command, name: 'hold' | 'release', description: string): void {
  addressed(archive.command(name))
    .description(description)
    .addHelpText(
      'after',
      `
The bucket needs Object Lock. You need s3:PutObjectLegalHold and s3:GetObjectLegalHold on the archive's keys; no function
of a deployment has the first. A repeated call goes on with what is left.${exitHelp({
        succeeded: `every file is ${name === 'hold' ? 'held' : 'released'}, as S3 shows`,
        partial: 'some files are not; the output names them',
      })}`,
    )
    .action(async (what: string, options: ArchiveOptions) => {
      process.exitCode = await hold(what, name === 'hold', options)
    })
}

async function pin(what: string, options: PinOptions): Promise<number> {
  const opened = openBucket(options)
  const folder = await folderOf(what, options, opened)
  const isNew = await pinArchive(folder, options.reason, { ...opened, now: () => new Date() })
  return told(opened, options, { folder, pinned: true, changed: isNew }, isNew ? 'pinned' : 'pinned before')
}

async function unpin(what: string, options: ArchiveOptions): Promise<number> {
  const opened = openBucket(options)
  const folder = await folderOf(what, options, opened)
  const was = await unpinArchive(folder, opened)
  return told(opened, options, { folder, pinned: false, changed: was }, was ? 'not pinned any more' : 'was not pinned')
}

function told(
  opened: OpenBucket,
  { json = false }: ArchiveOptions,
  report: { folder: string; pinned: boolean; changed: boolean },
  word: string,
): number {
  const { bucket } = opened.store
  if (json) process.stdout.write(`${JSON.stringify({ version: 1, bucket, ...report })}\n`)
  else {
    printLines([`${plain(`s3://${bucket}/${report.folder}`)}: ${word}.`])
    printNotes([requestLine(opened)])
  }
  return exitCodes.succeeded
}

async function hold(what: string, on: boolean, options: ArchiveOptions): Promise<number> {
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
async function folderOf(what: string, options: ArchiveOptions, opened: OpenBucket): Promise<string> {
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

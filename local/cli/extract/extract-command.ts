/** `guestlift extract`: one disk of a VM, or files of a container, out of an archive. */
import { existsSync } from 'node:fs'
import type { Command } from 'commander'
import { Damage } from '../../../functions/archive-formats/damage.ts'
import { shortDiskName } from '../../../functions/archive-formats/proxmox/extract-disk.ts'
import { NoSuchContent } from '../../../functions/archive-formats/archive-bytes.ts'
import { filePattern } from '../../../functions/archive-formats/proxmox/file-patterns.ts'
import { takeDisk } from '../../../functions/archive-formats/take-disk.ts'
import { formatBytes } from '../../../functions/domain/words/byte-size.ts'
import { CliError } from '../../run/cli-error.ts'
import { type ExitCode, exitCodes, exitHelp } from '../exit-codes.ts'
import { plain } from '../print/columns.ts'
import { isSetting } from '../settings/apply-settings.ts'
import { addBucketOptions, siteOption } from '../shared-options.ts'
import type { StopSignals } from '../stop-signals.ts'
import { out } from '../stream-out.ts'
import { AT_HELP, untilOption, utcOption } from '../time-option.ts'
import { type ArchiveSource, judgePassed, openSource, type SourceOptions } from './archive-source.ts'
import { type DiskImage, qcow2Image, rawImage } from './disk-images.ts'
import { listContent } from './list-content.ts'
import { type ObjectAddress, objectAddress } from './object-address.ts'
import { Output } from './output.ts'
import { sendDisk } from './send-disk.ts'
import { stoppable } from './stoppable.ts'
import { takeFiles } from './take-files.ts'
import { sayWhatIsRead } from './what-is-read.ts'

interface ExtractOptions extends SourceOptions {
  list?: boolean
  disk?: string
  file?: string[]
  output?: string
  qcow2?: boolean
  to?: ObjectAddress
  tar?: boolean
  force?: boolean
  index: boolean
  json?: boolean
}

export function addExtractCommand(program: Command, stop: StopSignals): void {
  const command = program
    .command('extract')
    .description('take one disk of a VM, or files of a container, out of an archive')
    .argument(
      '<archive>',
      "a file on this machine; in a bucket: a guest's newest (100, hq/vm-100, a name), or a key or s3:// address of one",
    )
    .option('--list', 'show what is inside: configuration and disks of a VM, files of a container')
    .option('--disk <name>', 'this disk of a VM: scsi0, xvda')
    .option('--file <path...>', 'these files and folders of a container: paths or patterns with * ** ?')
    .option('-o, --output <path>', 'where it goes (default: <disk>.raw, <disk>.qcow2, the folder files, or files.tar)')
    .option('--qcow2', 'with --disk: as an image in the form qcow2')
    .option('--to <address>', 'with --disk: as a raw image into this object: s3://bucket/path/disk.raw', objectAddress)
    .option('--tar', 'with --file: into a tar, with owners, modes, links and extended attributes')
    .option('--no-index', 'read the archive itself, though an index of its files lies beside it')
    .option('--force', 'replace the file that is there')
    .option('--at <time>', `in a bucket: ${AT_HELP}`, untilOption)
    .addOption(utcOption())
    .addOption(siteOption('in a bucket: only of this site'))
  addBucketOptions(command)
    .option('--json', 'with --list: print JSON, for a container one line for each file')
    .addHelpText(
      'after',
      `
A compressed archive is read whole, and its CRC-32 is compared. Of one that isn't compressed, only what is needed is read.
A verification that read a container's archive whole leaves an index of its files. By it, --list reads nothing else, and
--file reads those files alone, or of a compressed archive all up to the last of them.
The result appears under its name when it is whole. An object is never overwritten, and has zeros where the disk has holes.${exitHelp(
        {
          succeeded: 'all that was asked for is there',
          failed: 'the archive is damaged, or does not hold it; nothing was kept',
          partial: 'some files were left out, and the messages say why',
        },
      )}`,
    )
    .action(async (archive: string, options: ExtractOptions) => {
      // A bucket in settings is no reason to look past a file that is named.
      if (isSetting(command, 'bucket') && existsSync(archive)) delete options.bucket
      if (isSetting(command, 'site') && options.bucket === undefined) delete options.site
      const { list, disk, file, qcow2, tar, to, json } = options
      if ([list, disk, file].filter((one) => one !== undefined).length !== 1) {
        return command.error('error: extract needs one of --list, --disk <name> and --file <path>')
      }
      if (qcow2 === true && disk === undefined) return command.error('error: --qcow2 goes with --disk')
      if (to !== undefined && disk === undefined) return command.error('error: --to goes with --disk')
      if (to !== undefined && (options.output ?? qcow2 ?? options.force) !== undefined) {
        return command.error('error: --to makes a raw image of its own: it goes without --output, --qcow2 and --force')
      }
      if (tar === true && file === undefined) return command.error('error: --tar goes with --file')
      if ((options.at ?? options.site) !== undefined && options.bucket === undefined) {
        return command.error('error: --at and --site go with --bucket')
      }
      if (json === true && list !== true) return command.error('error: --json goes with --list')
      const source = stoppable(await openSource(archive, options), stop.interrupt)
      try {
        process.exitCode = await extract(source, options, stop)
      } catch (error) {
        // What it had begun is closed and removed; only an answer that nobody waits for may be under way.
        if (stop.interrupt.aborted) process.exit(exitCodes.interrupted)
        if (error instanceof Damage)
          throw new CliError(`${source.place} is damaged: ${error.message} Nothing was kept.`)
        if (error instanceof NoSuchContent) throw new CliError(error.message)
        // A full disk, a missing right: of the file system's, not ours.
        if (error instanceof Error && 'syscall' in error) throw new CliError(`${error.message}. Nothing was kept.`)
        throw error
      } finally {
        await source.close()
      }
    })
}

async function extract(source: ArchiveSource, options: ExtractOptions, stop: StopSignals): Promise<ExitCode> {
  if (options.list === true) {
    process.stderr.write(`${await listContent(source, { json: options.json === true, byIndex: options.index })}\n`)
    return exitCodes.succeeded
  }
  const { disk, to, file = [], output, qcow2 = false, tar = false, force = false } = options
  if (disk !== undefined && to !== undefined) {
    await sendDisk(source, disk, { ...to, ...(options.s3 === undefined ? {} : { s3: options.s3 }) }, stop)
    return exitCodes.succeeded
  }
  const usual = disk === undefined ? (tar ? 'files.tar' : 'files') : `${shortDiskName(disk)}.${qcow2 ? 'qcow2' : 'raw'}`
  const target = new Output(output ?? usual, { force, folder: disk === undefined && !tar })
  try {
    if (disk === undefined) {
      return await takeFiles(source, file.map(filePattern), target, { tar, byIndex: options.index })
    }
    await sayWhatIsRead(source)
    return await writeDisk(source, disk, target, qcow2 ? qcow2Image : rawImage)
  } finally {
    await target.discard()
  }
}

type MakeImage = typeof rawImage

async function writeDisk(source: ArchiveSource, name: string, target: Output, make: MakeImage): Promise<ExitCode> {
  const file = await target.openFile()
  try {
    const made: { image?: DiskImage } = {}
    const { device, storedBytes, passed } = await takeDisk(source, name, async ({ sizeBytes }) => {
      made.image = make(file, sizeBytes)
      return made.image
    })
    const compared = judgePassed(source, passed)
    await made.image?.finish()
    await file.close()
    await target.commit()
    const sizes = `${formatBytes(device.sizeBytes)}, of which the archive holds ${formatBytes(storedBytes)}`
    await out(`${target.path}: ${plain(shortDiskName(device.name))}, ${sizes}.\n`)
    process.stderr.write(`${compared}\n`)
    return exitCodes.succeeded
  } finally {
    await file.close().catch(() => undefined)
  }
}

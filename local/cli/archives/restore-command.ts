import type { Command } from 'commander'
import type { RestoreRequest } from '../../../functions/contracts/restore-request.ts'
import { asRestoreSite } from '../../../functions/domain/restore/restore-site.ts'
import { readSiteFile } from '../../run/site-file.ts'
import { isAws } from '../../run/store-locks.ts'
import { exitCodeOfRestore, exitHelp } from '../exit-codes.ts'
import { restoreLines } from '../print/print-restore.ts'
import { type Upkeep, upkeepHere, upkeepOnAws, type UpkeepOptions, withUpkeepOptions } from '../run/upkeep-command.ts'
import { detailsOption, requireOnePlace, siteFileOption } from '../shared-options.ts'
import { siteNameFrom } from '../site/site-name.ts'
import type { StopSignals } from '../stop-signals.ts'
import { type RestoreOptions, restoreRequestFrom, withRestoreOptions } from './restore-options.ts'

type RestoreCommandOptions = UpkeepOptions & RestoreOptions & { siteFile?: string }

export function addRestoreCommand(program: Command, stop: StopSignals): void {
  const command = program
    .command('restore')
    .description('bring one guest back from an archive, and compare it with the archive: on AWS, or here with --local')
    .argument('<guest or key>', '100, vm-100, hq/vm-100, a name, a key or an s3:// address')
  withUpkeepOptions(withRestoreOptions(command))
    .addOption(siteFileOption('with --local'))
    .addOption(detailsOption())
    .addHelpText(
      'after',
      `
Without --confirm nothing is changed: the site is asked what stands against the restore, and all of it is shown.
What a restore puts on the platform beside the guest is removed on every ending.
${exitHelp({
  succeeded: 'restored as it was archived; without --confirm: nothing stands against it',
  failed: 'not restored; without --confirm: something stands against it',
  partial: 'the guest is there, and not in all as it was archived, or not compared',
})}`,
    )
    .action(async (archive: string, options: RestoreCommandOptions) => {
      const refuse = (complaint: string): never => command.error(`error: ${complaint}`)
      const isLocal = options.local === true
      requireOnePlace(command, isLocal)
      process.exitCode = await (isLocal ? restoreHere : restoreOnAws)(archive, options, stop, refuse)
    })
}

async function restoreHere(
  archive: string,
  options: RestoreCommandOptions,
  stop: StopSignals,
  refuse: (complaint: string) => never,
): Promise<number> {
  const { siteFile: path, bucket } = options
  if (path === undefined || bucket === undefined) {
    return refuse('restore --local needs --site-file <file> and --bucket <name>')
  }
  const json = await readSiteFile(path)
  const { name } = siteNameFrom({ option: options.site, usual: options.usualSite, file: { path, json } })
  // The functions find out as well, by the secret that a deployment has and this machine lacks.
  asRestoreSite(JSON.parse(json))
  const request = restoreRequestFrom(archive, name, options, refuse)
  return upkeepHere(restoreOf(request, options), { ...options, bucket }, stop, { [name]: json })
}

async function restoreOnAws(
  archive: string,
  options: RestoreCommandOptions,
  stop: StopSignals,
  refuse: (complaint: string) => never,
): Promise<number> {
  const { usualSite, site = usualSite } = options
  if (site === undefined) return refuse('say which site the guest is restored on: --site <name>')
  return upkeepOnAws(restoreOf(restoreRequestFrom(archive, site, options, refuse), options), options, stop)
}

function restoreOf(request: RestoreRequest, { local, s3, details }: RestoreCommandOptions): Upkeep<'restoreGuest'> {
  const price = details === true ? 'in full' : local !== true || isAws(s3) ? 'short' : 'none'
  return {
    workflow: 'restoreGuest',
    request,
    noun: 'restore',
    lines: (report) => restoreLines(report, request, price),
    exitCode: exitCodeOfRestore,
    stopping: request.confirm
      ? 'Stopping: what was put on the platform is being removed. Press Ctrl-C again to leave at once.'
      : 'Stopping. Press Ctrl-C again to leave at once.',
  }
}

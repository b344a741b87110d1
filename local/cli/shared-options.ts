/**
 * Options that several commands have, one definition each: a word means the same in every command. `--site` is a site's
 * name and `--site-file` a file.
 */
import { type Command, Option } from 'commander'

/** Where a command does its work: on this machine, or in a deployment on AWS. */
export type Place = 'here' | 'on AWS'

/** An option of one of both places. Of two places, the one that the command line names wins over one that settings name. */
export class PlaceOption extends Option {
  readonly place: Place

  constructor(flags: string, description: string, place: Place) {
    super(flags, description)
    this.place = place
  }
}

/** An option of the bucket, where a deployment may be named too: it settles no place, and a deployment has its own. */
export class BesideOption extends Option {}

/** `--site`, where the name is one of several sources that have to agree, or where a path was once given to it. */
export class SiteNameOption extends Option {
  /** A job, a site file or a policy may name the site too: then a setting is only what counts where none of them does. */
  readonly isChecked: boolean
  /** The release before took the path of the site file here. */
  readonly tookFile: boolean

  constructor(description: string, { isChecked = false, tookFile = false } = {}) {
    super('--site <name>', description)
    this.isChecked = isChecked
    this.tookFile = tookFile
  }
}

const named = (condition: string | undefined, text: string) =>
  condition === undefined ? text : `${condition}: ${text}`

/** Where notices go. */
export function notifyOption(condition?: string): Option {
  return new Option(
    '--notify <file or url...>',
    named(condition, 'send a notice there: a file of channels (docs/notices.md), or the address of a webhook'),
  )
}

/** The site that a command about archives is limited to. */
export function siteOption(description = 'only of this site'): Option {
  return new SiteNameOption(description)
}

/** The name of the site of a file. @param tookFile the release before took the path of the file in its place */
export function siteNameOption(tookFile: 'took-file' | 'took-name', description?: string): Option {
  const usual = 'name of the site (else: of the job, of "name" in the site file, of that file itself)'
  return new SiteNameOption(description ?? usual, { isChecked: true, tookFile: tookFile === 'took-file' })
}

/** @param condition what it goes with, as `with --local` */
export function siteFileOption(
  condition?: string,
  description = 'the site file, as docs/sites.md describes it',
): Option {
  return new PlaceOption('--site-file <file>', named(condition, description), 'here')
}

/** The site files of a command that needs more than one. */
export function siteFilesOption(condition: string, description: string): Option {
  return new PlaceOption('--site-file <file...>', named(condition, description), 'here')
}

/** The archive bucket, its S3 and the prefix. @param beside a deployment may be named too: the bucket settles no place */
export function addBucketOptions(
  command: Command,
  {
    condition,
    bucket = 'the archive bucket',
    beside = false,
  }: { condition?: string; bucket?: string; beside?: boolean } = {},
): Command {
  const make = (flags: string, text: string) => {
    const description = named(condition, text)
    return beside ? new BesideOption(flags, description) : new PlaceOption(flags, description, 'here')
  }
  const prefix = make('--prefix <prefix>', 'in front of every key')
  return (
    command
      .addOption(make('--bucket <name>', bucket))
      .addOption(make('--s3 <url>', 'endpoint of S3, when it is not AWS'))
      // Beside a deployment, none given means the deployment's own.
      .addOption(beside ? prefix : prefix.default(''))
  )
}

/** The same for commands that can't do without. */
export function withBucketOptions(command: Command): Command {
  addBucketOptions(command)
  command.options.find(({ long }) => long === '--bucket')?.makeOptionMandatory()
  return command
}

/** The deployment whose own workflow does the work. */
export function addDeploymentOptions(
  command: Command,
  { condition = 'on AWS', deployment = 'the deployment whose workflow runs', usual }: DeploymentWords = {},
): Command {
  const option = new PlaceOption('--deployment <name>', named(condition, deployment), 'on AWS')
  return command
    .addOption(usual === undefined ? option : option.default(usual))
    .addOption(
      new PlaceOption('--state-machine <arn>', 'on AWS: the workflow itself, when it has another name', 'on AWS'),
    )
}

export interface DeploymentWords {
  condition?: string
  deployment?: string
  /** The deployment that is meant where none is named. */
  usual?: string
}

/** The deployment in whose secrets a site is found, for commands that ask the site from here. */
export function deploymentOfSiteOption(description: string): Option {
  return new PlaceOption('--deployment <name>', description, 'on AWS')
}

/** Prices of AWS for another store, and what no price has in it: for who asks. */
export function detailsOption(): Option {
  return new Option('--details', 'also prices of AWS for another store, and what is not in each price')
}

/** Both places, with `--local` for this machine. */
export function addPlaceOptions(command: Command): Command {
  addDeploymentOptions(command, { usual: 'example' })
  command.addOption(new PlaceOption('--local', 'run the same workflow on this machine', 'here'))
  return addBucketOptions(command, { condition: 'with --local' })
}

/**
 * Refuse options of the other place than the one that was chosen: AWS, or with `--local` this machine.
 * @param command with the options of `addPlaceOptions`
 */
export function requireOnePlace(command: Command, local: boolean): void {
  const isTold = (...options: string[]) => options.some((name) => command.getOptionValueSource(name) === 'cli')
  if (local && isTold('deployment', 'stateMachine')) {
    command.error('error: --deployment and --state-machine are on AWS, and --local is on this machine: choose one')
  }
  if (!local && isTold('siteFile', 'bucket', 's3', 'prefix')) {
    command.error(
      'error: a deployment has its own bucket and sites: --site-file, --bucket, --s3 and --prefix go with --local',
    )
  }
}

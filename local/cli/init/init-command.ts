import { randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { text as textOf } from 'node:stream/consumers'
import type { Command } from 'commander'
import { siteNameSchema } from '../../../functions/contracts/nouns.ts'
import { decodeText } from '../../../functions/domain/words/decode-text.ts'
import { platformTraits, type Site } from '../../../functions/providers/registry.ts'
import { CliError, UsageError } from '../../run/cli-error.ts'
import { doctorHere } from '../doctor/doctor-command.ts'
import { exitCodes, exitHelp } from '../exit-codes.ts'
import { keyPrefixFrom } from '../key-prefix.ts'
import { isSetting } from '../settings/apply-settings.ts'
import type { StopSignals } from '../stop-signals.ts'
import { answeredBy, type Asker, Cancelled, silentAsker, terminalAsker } from './asker.ts'
import { azureInit } from './azure.ts'
import { ec2Init } from './ec2.ts'
import type { PlatformInit } from './platform-init.ts'
import { proxmoxInit } from './proxmox.ts'
import { vsphereInit } from './vsphere.ts'
import { type DraftFile, taken, writeFiles } from './write-files.ts'

/** A platform adds its own questions here. */
const inits: { readonly [Name in Site['provider']]: PlatformInit } = {
  proxmox: proxmoxInit,
  ec2: ec2Init,
  vsphere: vsphereInit,
  azure: azureInit,
}

const SITE_FILE = 'site.json'
const JOB_FILE = 'job.json'
const SETTINGS_FILE = 'guestlift.json'
/** The secret may come from here, never as an argument: other users see those. */
const SECRET_VARIABLE = 'GUESTLIFT_SECRET'
const ROUTE_SECRET_VARIABLE = 'GUESTLIFT_ROUTE_SECRET'
const RESTORE_SECRET_VARIABLE = 'GUESTLIFT_RESTORE_SECRET'

export interface InitOptions {
  platform?: string
  site?: string
  address?: string
  fingerprint: string[]
  account?: string
  secretFile?: string
  route?: string
  ssh?: string
  hostKey: string[]
  sshKey?: string
  routeUrl?: string
  routeAccount?: string
  routeSecretFile?: string
  restores?: string
  restoreAccount?: string
  restoreSecretFile?: string
  restoreSsh?: string
  restoreSshKey?: string
  storage?: string
  region?: string
  role?: string
  externalId?: string
  tenant?: string
  subscription?: string
  group?: string
  bucket?: string
  s3?: string
  prefix?: string
  yes?: boolean
  force?: boolean
  /** What settings say: proposed, and not taken without being asked. */
  usual?: Partial<Record<Settled, string>>
}

const settled = ['site', 'bucket', 's3', 'prefix'] as const
type Settled = (typeof settled)[number]

/** Settings of a folder above are another site's, as likely as not. */
function withUsual(given: InitOptions, isFromSettings: (name: Settled) => boolean): InitOptions {
  const options: InitOptions = { ...given, usual: {} }
  for (const name of settled) {
    const value = given[name]
    if (value === undefined || !isFromSettings(name)) continue
    options.usual = { ...options.usual, [name]: value }
    delete options[name]
  }
  return options
}

export function addInitCommand(program: Command, stop: StopSignals): void {
  const each = (value: string, before: string[]) => [...before, value]
  program
    .command('init')
    .description(
      `ask what is needed, and write ${SITE_FILE}, ${JOB_FILE} and ${SETTINGS_FILE} into this folder; ends with doctor`,
    )
    .option('--platform <name>', 'the platform, as "guestlift platforms" shows them')
    .option('--site <name>', 'what jobs and keys call the site')
    .option('--address <address>', 'where the platform is asked; several with commas')
    .option('--fingerprint <sha256>', 'the certificate that the address shows (repeatable)', each, [])
    .option('--account <account>', 'who logs in: a token (user@realm!name) or a user (user@realm)')
    .option(
      '--secret-file <file>',
      `file with the account's secret, - for standard input (default: ${SECRET_VARIABLE})`,
    )
    .option('--route <type>', 'how the bytes leave the site: sftp, push or https')
    .option('--ssh <user@host>', 'the account that reads the backups, with :port where it is not 22')
    .option('--host-key <sha256>', 'the host key that the SSH server shows (repeatable)', each, [])
    .option('--ssh-key <file>', 'its private key (default: a new one)')
    .option('--route-url <url>', 'with --route https: where an archive is, as https://nas/{storage}/dump/{file}')
    .option('--route-account <user>', 'with --route https: who logs in to the web server (default: nobody)')
    .option('--route-secret-file <file>', `file with that user's password (default: ${ROUTE_SECRET_VARIABLE})`)
    .option('--restores <delivery>', 'how guests are brought back: none, pull, sftp or import (default: none)')
    .option('--restore-account <account>', 'who brings guests back, as --account')
    .option('--restore-secret-file <file>', `file with that account's secret (default: ${RESTORE_SECRET_VARIABLE})`)
    .option('--restore-ssh <user@host>', "with pull and sftp: the account that receives archives' files")
    .option('--restore-ssh-key <file>', 'its private key (default: a new one)')
    .option('--storage <name>', 'the storage that receives the backups first')
    .option('--region <names>', 'AWS: regions, with commas')
    .option('--role <arn>', 'AWS: the role to assume')
    .option('--external-id <id>', "AWS: the external id that the role's trust policy asks for")
    .option('--tenant <id>', 'Azure: the Entra tenant')
    .option('--subscription <id>', 'Azure: the subscription')
    .option('--group <name>', 'Azure: the resource group where restore points are made')
    .option('--bucket <name>', 'the archive bucket')
    .option('--s3 <url>', 'endpoint of S3, when it is not AWS')
    .option('--prefix <prefix>', 'in front of every key')
    .option('--yes', 'ask nothing: flags and usual answers have to do')
    .option('--force', 'replace files that are there')
    .addHelpText(
      'after',
      exitHelp({ succeeded: 'the files are written, and no check failed', failed: 'not written, or a check failed' }),
    )
    .action(async (given: InitOptions, command: Command) => {
      const options = withUsual(given, (name) => isSetting(command, name))
      stop.onInterrupt(() => {
        process.stderr.write(`${new Cancelled().message}\n`)
        process.exit(exitCodes.interrupted)
      })
      try {
        process.exitCode = await initHere(options, process.cwd())
      } catch (error) {
        if (!(error instanceof Cancelled)) throw error
        process.stderr.write(`${error.message}\n`)
        process.exitCode = exitCodes.interrupted
      }
    })
}

/** Ask, write, and check what was written. Returns the doctor's exit code. */
export async function initHere(options: InitOptions, folder: string): Promise<number> {
  const asker = answeredBy(await answersIn(options), await askerFor(options))
  await requireFree([SITE_FILE, JOB_FILE, SETTINGS_FILE], folder, options, asker)
  const init = await initFor(options, asker)
  const siteName = await asker.text({
    flag: '--site',
    message: 'Name of the site; the keys of its archives hold it for ever',
    usual: options.usual?.site ?? 'hq',
    complaint: (text) =>
      siteNameSchema.safeParse(text).success ? undefined : 'A name has 1 to 63 letters, digits or inner hyphens.',
  })
  const { fingerprint, hostKey } = options
  const { site, files, backup } = await init(asker, {
    siteName,
    folder,
    expectedFingerprints: fingerprint,
    expectedHostKeys: hostKey,
  })
  const store = await askForStore(options, asker)
  const job = { site: siteName, guests: { all: true }, backup }
  const settings = { ...store, site: siteName, siteFile: SITE_FILE }
  const drafts: DraftFile[] = [
    ...files,
    { name: SITE_FILE, text: jsonText(site), isSecret: true },
    { name: JOB_FILE, text: jsonText(job), isSecret: false },
    { name: SETTINGS_FILE, text: jsonText(settings), isSecret: false },
  ]
  await writeFiles(folder, drafts, randomBytes(4).toString('hex'))
  asker.say(`Written: ${drafts.map(({ name }) => name).join(', ')}. Now doctor checks them.`)
  const code = await doctorHere(JOB_FILE, { siteFile: SITE_FILE, ...store })
  asker.say(code === exitCodes.succeeded ? 'Next:' : 'When doctor finds nothing wrong any more:', nextCommands)
  return code
}

type Store = { bucket: string; s3?: string; prefix?: string }

/** The settings file says where: no flag is needed in this folder. */
const nextCommands = [`  guestlift plan ${JOB_FILE}`, `  guestlift run ${JOB_FILE}`]

async function askerFor({ yes }: InitOptions): Promise<Asker> {
  if (yes === true) return silentAsker((text) => process.stdout.write(text))
  if (process.stdin.isTTY && process.stdout.isTTY) return terminalAsker()
  throw new UsageError('There is no terminal to ask in: add --yes, and answer with flags (guestlift init --help).')
}

/** By their flags. The secret comes from a file, from standard input or from the environment. */
async function answersIn(options: InitOptions): Promise<Map<string, string>> {
  const { platform, site, address, account, route, ssh, sshKey, storage, region, role, externalId, bucket, s3 } =
    options
  const given = {
    '--platform': platform,
    '--site': site,
    '--address': address,
    '--account': account,
    '--secret-file': await secretOf(options.secretFile, SECRET_VARIABLE),
    '--route-url': options.routeUrl,
    '--route-account': options.routeAccount,
    '--route-secret-file': await secretOf(options.routeSecretFile, ROUTE_SECRET_VARIABLE),
    '--restores': options.restores,
    '--restore-account': options.restoreAccount,
    '--restore-secret-file': await secretOf(options.restoreSecretFile, RESTORE_SECRET_VARIABLE),
    '--restore-ssh': options.restoreSsh,
    '--restore-ssh-key': options.restoreSshKey,
    '--route': route,
    '--ssh': ssh,
    '--ssh-key': sshKey,
    '--storage': storage,
    '--region': region,
    '--role': role,
    '--external-id': externalId,
    '--tenant': options.tenant,
    '--subscription': options.subscription,
    '--group': options.group,
    '--bucket': bucket,
    '--s3': s3,
  }
  return new Map(Object.entries(given).flatMap(([flag, value]) => (value === undefined ? [] : [[flag, value]])))
}

async function secretOf(file: string | undefined, variable: string): Promise<string | undefined> {
  return file === undefined ? process.env[variable] : secretIn(file)
}

async function secretIn(file: string): Promise<string> {
  try {
    return (file === '-' ? await textOf(process.stdin) : decodeText(await readFile(file))).trim()
  } catch (error) {
    throw new CliError(`The secret's file ${file} can't be read: ${error instanceof Error ? error.message : ''}.`)
  }
}

async function requireFree(
  names: readonly string[],
  folder: string,
  { yes, force }: InitOptions,
  asker: Asker,
): Promise<void> {
  const there = taken(folder, names)
  if (there.length === 0 || force === true) return
  const which = there.join(', ')
  if (yes === true) throw new CliError(`There is ${which} in this folder already. Add --force to replace it.`)
  const question = { flag: '--force', message: `There is ${which} in this folder already. Replace at the end?` }
  if (!(await asker.confirm(question))) throw new Cancelled()
}

async function initFor({ platform }: InitOptions, asker: Asker): Promise<PlatformInit> {
  const names = Object.keys(inits)
  const [only = '', ...others] = names
  // With one there is nothing to choose.
  if (platform === undefined && others.length === 0) {
    asker.say(`Platform: ${platformTraits[only]?.name ?? only}`)
    return inits[only as Site['provider']]
  }
  const choices = names.map((value) => ({ value, label: platformTraits[value]?.name ?? value }))
  const complaint = (text: string) =>
    text in inits ? undefined : `There is no platform ${text}. There are: ${names.join(', ')}.`
  const name = await asker.choose({ flag: '--platform', message: 'Which platform?', usual: only, complaint }, choices)
  return inits[name as Site['provider']]
}

async function askForStore(options: InitOptions, asker: Asker): Promise<Store> {
  const bucket = await asker.text({
    flag: '--bucket',
    message: 'Bucket for the archives',
    ...(options.usual?.bucket === undefined ? {} : { usual: options.usual.bucket }),
    complaint: (text) =>
      /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/.test(text)
        ? undefined
        : 'A bucket name has 3 to 63 lower-case letters, digits, dots and hyphens.',
  })
  const s3 = await asker.text({
    flag: '--s3',
    message: 'Address of S3, when it is not AWS',
    usual: options.usual?.s3 ?? '',
    complaint: (text) =>
      text === '' || /^https?:\/\/[^\s/]+$/.test(text) ? undefined : 'It is an address as https://s3.example.com:9000.',
  })
  const prefix = keyPrefixFrom(options.prefix ?? options.usual?.prefix ?? '')
  return { bucket, ...(s3 === '' ? {} : { s3 }), ...(prefix === '' ? {} : { prefix }) }
}

const jsonText = (value: object) => `${JSON.stringify(value, null, 2)}\n`

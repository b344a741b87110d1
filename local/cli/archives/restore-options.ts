/** A restore as it is told on the command line: the options, and the request that they make. */
import { type Command, InvalidArgumentError, Option } from 'commander'
import { type RestoreRequest, restoreRequestSchema, thawSchema } from '../../../functions/contracts/restore-request.ts'
import { siteNameOption } from '../shared-options.ts'
import { untilOption, utcOption } from '../time-option.ts'

export interface RestoreOptions {
  at?: string
  from?: string
  site?: string
  /** Where settings name the site. */
  usualSite?: string
  node?: string
  storage?: string
  deliveryStorage?: string
  vmid?: string
  replace?: boolean
  unique?: boolean
  start?: boolean
  template?: boolean
  pool?: string
  bwlimit?: number
  name?: string
  to?: string
  kmsKey?: string
  datastore?: string
  folder?: string
  resourcePool?: string
  bridge?: Readonly<Record<string, string>>
  thaw?: string
  thawDays?: number
  despiteRefused?: boolean
  keepFailed?: boolean
  confirm?: boolean
}

export function withRestoreOptions(command: Command): Command {
  return command
    .option(
      '--at <time>',
      'the newest archive on or before a day (2026-11-24, tuesday: to its end), an instant, or 7d ago',
      untilOption,
    )
    .addOption(utcOption())
    .option('--from <site>', 'the site that the archive is of, where its address names none')
    .addOption(
      siteNameOption(
        'took-name',
        "the site that the guest is restored on; with --local, the site file's own name will do",
      ),
    )
    .option('--node <name>', 'the node, zone or region; the one that the guest was archived on, unless given')
    .option('--storage <name>', 'where the disks go; where the archive had them, unless given')
    .option(
      '--delivery-storage <name>',
      "the storage that takes the archive's file; the one with most room, unless given",
    )
    .option('--vmid <id>', 'a free id for the restored guest; the archived one, unless given')
    .option('--replace', 'take the place of the stopped guest that has the archived id: that guest is lost')
    .option('--unique', 'give it hardware addresses and a uuid of its own')
    .option('--start', 'start the guest once it was compared with the archive')
    .option('--template', 'make a template of the guest once it was compared; not with --start')
    .option('--pool <name>', 'the pool that the guest joins')
    .option('--bwlimit <KiB/s>', 'limit for the platform while it writes the disks', wholeNumberOption)
    .option('--name <name>', 'another name for the guest')
    .option(
      '--bridge <archived=other>',
      'another bridge in the place of an archived one, as vmbr0=vmbr1; may be repeated',
      bridgeOption,
    )
    .addOption(
      new Option(
        '--to <what>',
        'of disks of EC2: an image to run instances from, or volumes in a zone; image, unless given',
      ).choices(['image', 'volume']),
    )
    .option('--kms-key <arn>', 'of disks of EC2: the KMS key that they are encrypted with')
    .option('--datastore <name>', "of disks of vSphere: where they go; the site's own for restores, unless given")
    .option('--folder <path>', 'of disks of vSphere: folder of the guest, as /DC1/vm/Web; as for --datastore')
    .option(
      '--resource-pool <path>',
      'of disks of vSphere: its pool, as /DC1/host/Cluster1/Resources; as for --datastore',
    )
    .addOption(
      new Option('--thaw <tier>', 'for an archive in Glacier: how fast S3 is to thaw it').choices(
        thawSchema.shape.tier.options,
      ),
    )
    .option('--thaw-days <days>', 'with --thaw: how long the thawed copy stays (default: 7)', wholeNumberOption)
    .option('--despite-refused', 'restore an archive that its verification refused')
    .option('--keep-failed', 'leave a half-made guest for a look, in place of removing it')
    .option('--confirm', 'do it; without it, nothing is changed')
}

/** Fields of the request that are options by the same name. */
const sameWords = [
  'at',
  'from',
  'node',
  'storage',
  'deliveryStorage',
  'replace',
  'unique',
  'start',
  'template',
  'pool',
  'name',
  'to',
  'kmsKey',
  'datastore',
  'folder',
  'resourcePool',
  'despiteRefused',
  'keepFailed',
  'confirm',
] as const

/** What a field of the request is called on the command line, where that is another word. */
const optionOf: Readonly<Record<string, string>> = {
  archive: 'the guest or key',
  id: '--vmid',
  kmsKey: '--kms-key',
  resourcePool: '--resource-pool',
  deliveryStorage: '--delivery-storage',
  limitKiBPerSecond: '--bwlimit',
  bridges: '--bridge',
  'thaw.days': '--thaw-days',
}

/** @param refuse gets what is wrong with the command line */
export function restoreRequestFrom(
  archive: string,
  site: string,
  options: RestoreOptions,
  refuse: (complaint: string) => never,
): RestoreRequest {
  const { vmid: id, bridge: bridges, bwlimit: limitKiBPerSecond, thaw: tier, thawDays: days } = options
  if (id !== undefined && options.replace === true) {
    return refuse('--vmid names a free id, and --replace takes the archived one: give one of them')
  }
  if (days !== undefined && tier === undefined) return refuse('--thaw-days goes with --thaw <tier>')
  const thaw = tier === undefined ? undefined : { tier, days }
  const same = Object.fromEntries(sameWords.map((word) => [word, options[word]]))
  const told = Object.entries({ ...same, archive, site, id, bridges, limitKiBPerSecond, thaw })
  const parsed = restoreRequestSchema.safeParse(Object.fromEntries(told.filter(([, value]) => value !== undefined)))
  if (parsed.success) return parsed.data
  const complaints = parsed.error.issues.map(({ path, message }) => {
    const field = path.join('.')
    return `${optionOf[field] ?? optionOf[String(path[0])] ?? `--${field}`}: ${message}`
  })
  return refuse(complaints.join('; '))
}

function wholeNumberOption(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new InvalidArgumentError('Give a whole number.')
  return Number(text)
}

function bridgeOption(text: string, before: Readonly<Record<string, string>> = {}): Record<string, string> {
  const [, archived, other] = /^([^=]+)=([^=]+)$/.exec(text) ?? []
  if (archived === undefined || other === undefined) {
    throw new InvalidArgumentError('Give the archived bridge and the one in its place, as vmbr0=vmbr1.')
  }
  if (Object.hasOwn(before, archived)) throw new InvalidArgumentError(`Only one bridge can replace ${archived}.`)
  return { ...before, [archived]: other }
}

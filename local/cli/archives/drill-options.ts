/** A drill as it is told on the command line: a policy from a file, guests and places from options. */
import type { Command } from 'commander'
import { type DrillRequest, drillRequestSchema } from '../../../functions/contracts/drill.ts'
import { withoutSchema } from '../../../functions/domain/words/without-schema.ts'
import { validationMessage } from '../../../functions/domain/words/validation-message.ts'
import { readDocument } from '../../documents/read-document.ts'
import { CliError } from '../../run/cli-error.ts'
import { siteNameOption } from '../shared-options.ts'
import { untilOption, utcOption } from '../time-option.ts'

export interface DrillOptions {
  policy?: string
  site?: string | undefined
  /** Where settings name the site. */
  usualSite?: string
  from?: string
  ids?: string
  at?: string
  node?: string
  storage?: string
  deliveryStorage?: string
  pool?: string
  run?: string[]
}

export function withDrillOptions(command: Command): Command {
  return command
    .option('--policy <drill.json>', 'which guests, how often, where: a drill as docs/restore.md describes it')
    .addOption(siteNameOption('took-name', 'the site that guests are brought back on'))
    .option('--from <site>', 'the site that the archives are of, where it is another')
    .option('--ids <first-last>', 'ids that are kept free for rehearsals, as 9900-9949')
    .option('--at <time>', 'rehearse the newest archive on or before a day, an instant, or 7d ago', untilOption)
    .addOption(utcOption())
    .option('--node <name>', 'the node; the one that each guest was archived on, unless given')
    .option('--storage <name>', 'where the disks go; where the archives had them, unless given')
    .option('--delivery-storage <name>', "the storage that takes the archives' files meanwhile")
    .option('--pool <name>', 'the pool that the rehearsed guests join')
    .option('--run <command...>', 'commands to run in virtual machines, by their names in the site file')
}

const drillKind = {
  noun: 'drill',
  page: 'docs/restore.md',
  error: (message: string, options?: ErrorOptions) => new CliError(message, options),
}

const sameWords = ['site', 'from', 'ids', 'at', 'node', 'storage', 'deliveryStorage', 'pool'] as const

/**
 * Options win over the policy. Guests that are named are rehearsed now, all of them.
 * @param refuse gets what is wrong with the command line
 */
export async function drillRequestFrom(
  guests: readonly string[],
  options: DrillOptions,
  refuse: (complaint: string) => never,
): Promise<DrillRequest> {
  const document = options.policy === undefined ? undefined : await readDocument(options.policy, drillKind)
  const policy = document === undefined ? {} : withoutSchema(document.value)
  if (typeof policy !== 'object' || policy === null) return refuse(`${options.policy} holds no drill`)
  if (guests.length === 0 && options.policy === undefined) {
    return refuse('say which guests: their ids, or --policy <drill.json>')
  }
  const told = Object.fromEntries(
    sameWords.map((word) => [word, options[word]]).filter(([, value]) => value !== undefined),
  )
  const usual = options.usualSite === undefined ? {} : { site: options.usualSite }
  const named = guests.length === 0 ? {} : { guests: { ids: guests }, everyDays: 0, most: guests.length }
  const probes = options.run === undefined ? {} : { probes: { commands: options.run } }
  const parsed = drillRequestSchema.safeParse({ ...usual, ...policy, ...told, ...named, ...probes })
  if (parsed.success) return parsed.data
  const { site, ids } = { ...usual, ...policy, ...told } as { site?: unknown; ids?: unknown }
  if (site === undefined) return refuse('say which site guests are brought back on: --site <name>')
  if (ids === undefined) return refuse('say which ids are kept free for rehearsals: --ids <first-last>')
  // Places in the file can be named where all that counts stands in it.
  if (document !== undefined && Object.keys({ ...told, ...named, ...probes }).length === 0)
    throw document.refusal(parsed.error)
  return refuse(`this drill can't be used: ${validationMessage(parsed.error)}`)
}

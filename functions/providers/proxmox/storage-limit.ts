/** A storage with a retention of its own takes only so many backups of a guest, unless the backup itself prunes. */
import * as z from 'zod'
import type { BackupOptions } from '../../contracts/backup-options.ts'
import { PrivilegeMissing, RequestRejected } from '../../contracts/errors.ts'
import type { Guest } from '../../contracts/nouns.ts'
import { apiPath, apiQuery } from './api-path.ts'
import type { ApiClient } from './client.ts'
import { flag, rows, text } from './schemas.ts'

/** GET /nodes/{n}/vzdump/defaults?storage=: what holds there, be it the storage's rules or those of /etc/vzdump.conf. */
const defaultsSchema = z.object({
  'prune-backups': z
    .union([z.string(), z.record(z.string(), z.unknown())])
    .optional()
    .catch(undefined),
})

/**
 * GET /nodes/{n}/storage/{s}/content?content=backup&vmid=. `subtype` is `unknown` for renamed files, which the platform
 * doesn't count. A row that isn't understood is left out: then the platform itself refuses.
 */
const countedRowsSchema = rows(z.object({ subtype: text.optional(), protected: flag }))

/**
 * The platform adds up all its keep rules to a limit and counts the guest's unprotected backups (PVE::VZDump,
 * exec_backup_task). `remove=0`, which we send, makes it fail in place of pruning once the limit is reached.
 */
export async function refusalByRetention(
  client: ApiClient,
  guest: Guest,
  options: BackupOptions,
): Promise<string | undefined> {
  // With rules in the job it prunes, and a protected backup has a limit of its own.
  if (options.pruneSource !== undefined || options.protected === true) return undefined
  const { storage } = options
  const about = client.about("look at the storage's retention", { node: guest.node, guest: guest.id, storage })
  try {
    const path = apiPath`/nodes/${guest.node}/vzdump/defaults` + apiQuery({ storage })
    const { data: defaults } = await client.get(path, defaultsSchema, about)
    const rules = rulesOf(defaults['prune-backups'])
    const most = limitOf(rules)
    if (most === 0) return undefined
    const query = apiQuery({ content: 'backup', vmid: guest.id })
    const content = apiPath`/nodes/${guest.node}/storage/${storage}/content` + query
    const { data: backups } = await client.get(content, countedRowsSchema, about)
    const own = guest.kind === 'vm' ? 'qemu' : 'lxc'
    const held = backups.filter((row) => !row.protected && (row.subtype ?? own) === own).length
    return held < most ? undefined : sentence(guest, storage, rules, held, most)
  } catch (error) {
    // An account that may not look at it, or an older version, leaves it to the platform to say.
    if (error instanceof PrivilegeMissing || error instanceof RequestRejected) return undefined
    throw error
  }
}

function sentence(guest: Guest, storage: string, rules: Rules, held: number, most: number): string {
  const text = rules.map(([name, value]) => `${name}=${value}`).join(',')
  return (
    `Storage ${storage} takes at most ${most} backups of a guest (its retention is ${text}) and holds ${held} of guest ${guest.id}, so ` +
    'Proxmox VE refuses another. There are three ways out. Let the job prune there: backup.pruneSource, which needs ' +
    `Datastore.Allocate on /storage/${storage}. Or remove old ones (guestlift backups delete) and let archives leave the ` +
    `storage from now on: deleteSource. Or raise its retention: pvesm set ${storage} --prune-backups keep-all=1.`
  )
}

type Rules = readonly (readonly [name: string, amount: number])[]

/** `keep-last=3,keep-daily=7`, or the same as an object with numbers as text. */
function rulesOf(given: string | Readonly<Record<string, unknown>> | undefined): Rules {
  const pairs =
    typeof given === 'string'
      ? given.split(',').map((pair): [string, unknown] => [pair.split('=')[0] ?? '', pair.split('=')[1]])
      : Object.entries(given ?? {})
  return pairs.flatMap(([name, value]) => {
    const amount = Number(value)
    return name.startsWith('keep-') && amount > 0 ? [[name, amount] as const] : []
  })
}

/** 0 for none. */
function limitOf(rules: Rules): number {
  return rules.some(([name]) => name === 'keep-all') ? 0 : rules.reduce((sum, [, amount]) => sum + amount, 0)
}

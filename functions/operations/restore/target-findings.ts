/** What stands against a restore beside what the platform says: the archive's place in the bucket, and the way to the node. */
import { GuestliftError } from '../../contracts/errors.ts'
import type { RestoreFinding } from '../../contracts/restore.ts'
import type { DeliveryPlace, RestoreRecord } from '../../contracts/restore-record.ts'
import type { Restores } from '../../providers/capabilities/restores.ts'
import { objectsOf } from '../../domain/restore/objects.ts'
import type { Ports } from '../ports.ts'

/** A copy that was thawed for less than this may be gone before a large archive is delivered. */
const SHORT_MILLISECONDS = 2 * 86_400_000

interface Frozen {
  isFrozen: boolean
  storageClass?: string
  findings: RestoreFinding[]
}

/** An archive in Glacier is read once it was thawed, which costs money and time: a person says how. */
export async function frozenFindings(record: RestoreRecord, ports: Pick<Ports, 'store' | 'now'>): Promise<Frozen> {
  const all: Frozen[] = []
  for (const key of objectsOf(record.archive)) all.push(await frozenFinding(key, record, ports))
  const [first] = all
  return {
    ...first,
    isFrozen: all.some(({ isFrozen }) => isFrozen),
    findings: all.flatMap(({ findings }) => findings),
  }
}

async function frozenFinding(
  key: string,
  { request }: RestoreRecord,
  { store, now }: Pick<Ports, 'store' | 'now'>,
): Promise<Frozen> {
  const where = `s3://${store.bucket}/${key}`
  const found = await store.frozenState(key)
  if (found === undefined) {
    const message = `${where} is gone. Restore another archive.`
    return { isFrozen: false, findings: [{ name: 'archive-unfit', level: 'refusal', message }] }
  }
  const { storageClass, state } = found
  if (state === 'readable') {
    const { readableUntil } = found
    const isShort = readableUntil !== undefined && Date.parse(readableUntil) - now().getTime() < SHORT_MILLISECONDS
    const message = `${where} was thawed from ${storageClass}, and can be read until ${readableUntil}. A restore that takes longer fails: thaw it for more days first.`
    return {
      isFrozen: false,
      storageClass,
      findings: isShort ? [{ name: 'archive-frozen', level: 'warning', message }] : [],
    }
  }
  if (request.thaw !== undefined || state === 'thawing') {
    const message = `${where} lies in ${storageClass}${state === 'thawing' ? ' and is being thawed' : ''}: the restore waits until it is thawed.`
    return { isFrozen: true, storageClass, findings: [{ name: 'archive-frozen', level: 'warning', message }] }
  }
  const message = `${where} lies in ${storageClass}, and has to be thawed first. Say how: thaw with tier bulk, standard or expedited.`
  return { isFrozen: true, storageClass, findings: [{ name: 'archive-frozen', level: 'refusal', message }] }
}

/** A drill runs nothing in a guest but what the site allows by name. */
export function commandFindings(
  { request }: RestoreRecord,
  { commands }: Pick<Restores, 'commands'>,
): RestoreFinding[] {
  const unknown = (request.drill?.probes.commands ?? []).filter((name) => !commands.includes(name))
  if (unknown.length === 0) return []
  const known = commands.length === 0 ? 'It allows none.' : `It allows ${commands.join(', ')}.`
  const message = `Site ${request.site} doesn't allow the command ${unknown.join(', ')} in guests. ${known} Add it to restore.drillCommands of the site, or leave it out.`
  return [{ name: 'command-unknown', level: 'refusal', message }]
}

/** Whether the file can be brought there. A node that is known not to answer isn't asked. */
export async function deliveryFindings(
  { request, archive }: RestoreRecord,
  { node, folder, storage }: DeliveryPlace,
  found: readonly RestoreFinding[],
  ports: Pick<Ports, 'delivery'>,
): Promise<RestoreFinding[]> {
  if (found.some(({ name }) => name === 'node-unknown' || name === 'node-offline')) return []
  const refused = (message: string): RestoreFinding[] => [{ name: 'delivery-unfit', level: 'refusal', message }]
  try {
    const delivery = await ports.delivery(request.site)
    const { freeBytes } = await delivery.check(node, folder)
    if (freeBytes === undefined || freeBytes >= archive.sizeBytes) return []
    return refused(
      `Site ${request.site}, node ${node}: ${folder} has ${freeBytes} bytes free for the account, and the archive's file takes ${archive.sizeBytes}. Make room on ${storage}, or name another storage for it.`,
    )
  } catch (error) {
    if (!(error instanceof GuestliftError) || error.group === 'retry') throw error
    return refused(error.message)
  }
}

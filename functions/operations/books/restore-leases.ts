/** Which restore has an id of a site. Two restores to one id would each take the other's guest for its own. */
import { RestoreRefused } from '../../contracts/errors.ts'
import type { RestoreLease, RestoreRecord, RestoreRef } from '../../contracts/restore-record.ts'
import { restoreLeaseKey, restoreLeasesPrefix } from '../../domain/books/object-keys.ts'
import type { Ports } from '../ports.ts'
import { restoreLeaseShape } from './shapes.ts'
import { holdRecord, writeRecord } from './stored-json.ts'

type Needs = Pick<Ports, 'store' | 'keyPrefix' | 'now' | 'localProcess'>

/** Above the longest time between two renewals: a delivering function of Lambda's fifteen minutes. */
export const RESTORE_LEASE_SECONDS = 1_200
/** Renewed no more often than this: many functions of one restore work at the same time. */
const RENEW_AFTER_SECONDS = 120

/** Who works: a restore, and which execution. */
export interface RestoreWork {
  restore: RestoreRef
  execution: string
}

/** The id that a restore takes. */
interface Taken {
  request: Pick<RestoreRecord['request'], 'site'>
  target: Pick<RestoreRecord['target'], 'id'>
}

/**
 * Take the id of the target, or go on holding it: each longer piece of work begins with this. One whose restore died lapses.
 * @param seconds how long it holds, where the next renewal is further away than usual
 * @throws RestoreRefused while another restore has the id: this one has to leave everything as it is
 */
export async function keepLease(
  { restore, execution }: RestoreWork,
  { request, target }: Taken,
  ports: Needs,
  seconds = RESTORE_LEASE_SECONDS,
): Promise<void> {
  const key = restoreLeaseKey(ports.keyPrefix, request.site, target.id)
  // The second look is for the loser of two functions of one restore that renewed at the same moment.
  for (let look = 1; look <= 2; look += 1) {
    const held = await holdRecord(ports.store, key, restoreLeaseShape)
    const standing = held?.value
    const isOurs = standing?.restoreId === restore.id && standing.execution === execution
    const leftSeconds = standing === undefined ? 0 : (Date.parse(standing.until) - ports.now().getTime()) / 1000
    if (standing !== undefined && !isOurs && leftSeconds > 0) throw busy(standing, request.site, target.id, ports, key)
    if (isOurs && leftSeconds > seconds - RENEW_AFTER_SECONDS) return
    const until = new Date(ports.now().getTime() + seconds * 1000).toISOString()
    const process = ports.localProcess === undefined ? {} : { process: ports.localProcess }
    const { id: restoreId, startedAt } = restore
    const lease: RestoreLease = {
      version: 1,
      restoreId,
      startedAt,
      execution,
      until,
      ...process,
      ...earlierThan(restore, standing),
    }
    const onlyIf = held === undefined ? { absent: true as const } : { etag: held.etag }
    if ((await writeRecord(ports.store, key, restoreLeaseShape, lease, { onlyIf })) !== undefined) return
  }
  const winner = await holdRecord(ports.store, key, restoreLeaseShape)
  if (winner?.value.restoreId === restore.id && winner.value.execution === execution) return
  throw busy(winner?.value, request.site, target.id, ports, key)
}

/** Whom the sweep has yet to clean up after once this restore has the id. */
function earlierThan({ id }: RestoreRef, standing: RestoreLease | undefined): Pick<RestoreLease, 'earlier'> {
  if (standing === undefined) return {}
  const { restoreId, startedAt, execution, earlier = [] } = standing
  const others = [...earlier, { restoreId, startedAt, execution }].filter((holder) => holder.restoreId !== id)
  return others.length === 0 ? {} : { earlier: others }
}

/**
 * Let others have the id. A lease that another holds by now is left alone. One whose restore died before this one took the
 * id is put back as it was, lapsed, for the sweep.
 */
export async function giveBackLease({ restore, execution }: RestoreWork, taken: Taken, ports: Needs): Promise<void> {
  const key = restoreLeaseKey(ports.keyPrefix, taken.request.site, taken.target.id)
  const held = await holdRecord(ports.store, key, restoreLeaseShape)
  if (held?.value.restoreId !== restore.id || held.value.execution !== execution) return
  const [first, ...others] = held.value.earlier ?? []
  if (first === undefined) {
    await ports.store.remove(key, { etag: held.etag })
    return
  }
  const earlier = others.length === 0 ? {} : { earlier: others }
  const lapsed: RestoreLease = { version: 1, ...first, until: ports.now().toISOString(), ...earlier }
  await writeRecord(ports.store, key, restoreLeaseShape, lapsed, { onlyIf: { etag: held.etag } })
}

/** The ids of a site that restores have, or had when they died. */
export async function leasedIds(site: string, { store, keyPrefix }: Needs): Promise<string[]> {
  const prefix = restoreLeasesPrefix(keyPrefix, site)
  return (await store.listKeys(prefix)).map((key) => key.slice(prefix.length, -'.json'.length))
}

/** `undefined` when nobody has the id any more. @throws RecordUnreadable, RecordTooNew */
export async function readLease(site: string, id: string, ports: Needs): Promise<RestoreLease | undefined> {
  return (await holdRecord(ports.store, restoreLeaseKey(ports.keyPrefix, site, id), restoreLeaseShape))?.value
}

function busy(
  lease: RestoreLease | undefined,
  site: string,
  id: string,
  { store }: Needs,
  key: string,
): RestoreRefused {
  const who = lease === undefined ? 'Another restore' : `Restore ${lease.restoreId}`
  const until = lease === undefined ? '' : ` until ${lease.until} unless it renews`
  return new RestoreRefused(
    `Site ${site}: id ${id} is being restored to. ${who} holds it${until}. ` +
      `Choose another id, or wait. If that restore is dead, remove s3://${store.bucket}/${key}.`,
  )
}

import type { PruningLease } from '../../contracts/pruning-lease.ts'
import { type KeyedGuest, pruningLeaseKey } from '../../domain/books/object-keys.ts'
import { leaseShape } from '../books/shapes.ts'
import { holdRecord, unlessUnreadable, writeRecord } from '../books/stored-json.ts'
import type { RetentionPorts } from './retention-ports.ts'

type Needs = Pick<RetentionPorts, 'store' | 'keyPrefix' | 'now' | 'ownProcess'>

/** A lease holds so long after it was taken or renewed: longer than a function lives. */
const LEASE_MILLISECONDS = 20 * 60_000
/** Nobody removes anything by a lease that is as old: what is under way ends before another may begin. */
const USABLE_MILLISECONDS = 15 * 60_000
const RENEW_MILLISECONDS = 5 * 60_000

export interface HeldLease {
  /** Whether it still holds, asked of the bucket and renewed if need be. Without it nothing may be removed any more. */
  holds(): Promise<boolean>
  /** Let others begin. One that has lapsed is left alone: it may be another's. */
  release(): Promise<void>
}

/** Who has the guest, a sentence. */
export interface Busy {
  busy: string
}

/**
 * Take a guest for one pruning: two that decide at the same time could each remove what the other counts on. The lease of
 * a pruning that died lapses, at once where its process is surely dead; its own next call goes on with it.
 * @param by names the pruning: only the same one, with the same rules, has the same name
 */
export async function takeLease(site: string, guest: KeyedGuest, by: string, ports: Needs): Promise<HeldLease | Busy> {
  const { store, now, ownProcess } = ports
  const key = pruningLeaseKey(ports.keyPrefix, site, guest)
  const found = await unlessUnreadable(holdRecord(store, key, leaseShape))
  if (found === 'unreadable') {
    return { busy: `s3://${store.bucket}/${key} can't be read. ${leaseShape.remedy}` }
  }
  const standing = found?.value
  const isDead = standing?.process !== undefined && ownProcess?.isGone(standing.process) === true
  if (standing !== undefined && standing.by !== by && !isDead && ageOf(standing, now()) < LEASE_MILLISECONDS) {
    return { busy: busyText(standing) }
  }
  const at = now().toISOString()
  const process = ownProcess === undefined ? {} : { process: ownProcess.identity }
  let lease: PruningLease = { version: 1, by, takenAt: at, renewedAt: at, ...process }
  const onlyIf = found === undefined ? { absent: true as const } : { etag: found.etag }
  let etag = await writeRecord(store, key, leaseShape, lease, { onlyIf })
  if (etag === undefined) return { busy: 'Another pruning of this guest began at the same moment.' }

  const isOurs = async (): Promise<boolean> => {
    const there = await store.readText(key)
    return there !== undefined && there.etag === etag && ageOf(lease, now()) < USABLE_MILLISECONDS
  }
  return {
    async holds() {
      if (!(await isOurs())) return false
      if (ageOf(lease, now()) < RENEW_MILLISECONDS || etag === undefined) return true
      lease = { ...lease, renewedAt: now().toISOString() }
      etag = await writeRecord(store, key, leaseShape, lease, { onlyIf: { etag } })
      return etag !== undefined
    },
    async release() {
      if (etag !== undefined && (await isOurs())) await store.remove(key, { etag })
    },
  }
}

function ageOf({ renewedAt }: PruningLease, now: Date): number {
  return now.getTime() - Date.parse(renewedAt)
}

function busyText({ by, renewedAt }: PruningLease): string {
  const until = new Date(Date.parse(renewedAt) + LEASE_MILLISECONDS).toISOString()
  return `Another pruning of this guest is at work (${by}), at most until ${until}. What is left is the next one's.`
}

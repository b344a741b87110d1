import type { OpenUpload, PartArrival } from '../../aws/archive-store.ts'
import { UploadVanished } from '../../contracts/errors.ts'
import type { SweptUpload } from '../../contracts/sweep.ts'
import { judgeUpload, lastActiveAt } from '../../domain/sweep/abandoned-upload.ts'
import { claimKey, type KeyedGuest, uploadRecordKey } from '../../domain/books/object-keys.ts'
import { standardStorage, storageDollars } from '../../domain/prices/prices.ts'
import { claimShape } from '../books/shapes.ts'
import { readRecord, unlessUnreadable } from '../books/stored-json.ts'
import type { Ports } from '../ports.ts'
import { isOnlyWitness, readUploadRecord, removeUploadRecord } from '../books/upload-record.ts'

type Needs = Pick<Ports, 'store' | 'keyPrefix' | 'now' | 'log'>

/** An open upload and whose archive it is of. */
export interface OwnedUpload extends OpenUpload {
  owner: { site: string; guest: KeyedGuest }
}

/**
 * Judge one upload, and drop it if nobody goes on with it. Never throws: what goes wrong is the outcome `failed`.
 * Returns `undefined` when the upload ended by itself meanwhile.
 */
export async function sweepOneUpload(
  upload: OwnedUpload,
  dryRun: boolean,
  ports: Needs,
): Promise<SweptUpload | undefined> {
  let seen: SweptUpload | undefined
  try {
    seen = await look(upload, ports)
    if (seen.outcome === 'kept' || dryRun) return seen
    // Reading thousands of parts takes a while: part, record or claim may have come meanwhile.
    seen = await look(upload, ports)
    if (seen.outcome === 'dropped') await drop(seen, ports)
    return seen
  } catch (error) {
    if (error instanceof UploadVanished) {
      ports.log('upload-ended-meanwhile', { key: upload.key, uploadId: upload.uploadId })
      return undefined
    }
    const reason = `It could not be swept: ${error instanceof Error ? error.message : String(error)}`
    ports.log('sweep-failed', { key: upload.key, uploadId: upload.uploadId, reason })
    return { ...(seen ?? unseen(upload)), outcome: 'failed', reason }
  }
}

async function look({ owner, ...upload }: OwnedUpload, ports: Needs): Promise<SweptUpload> {
  const { store, keyPrefix } = ports
  const { key, uploadId, openedAt } = upload
  const keyOfClaim = claimKey(keyPrefix, owner.site, owner.guest)
  const [arrivals, kept, claim] = await Promise.all([
    store.listArrivals(key, uploadId),
    unlessUnreadable(readUploadRecord(ports, key)),
    unlessUnreadable(readRecord(store, keyOfClaim, claimShape)),
  ])
  const facts = {
    uploadId,
    openedAt,
    newestPartAt: newest(arrivals),
    record: kept === 'unreadable' ? kept : kept?.record,
    claim,
    recordKey: uploadRecordKey(keyPrefix, key),
    claimKey: keyOfClaim,
  }
  const now = ports.now()
  return {
    ...upload,
    lastActiveAt: lastActiveAt(facts),
    partCount: arrivals.length,
    sizeBytes: arrivals.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
    ...judgeUpload(facts, now),
    costDollars: costOf(arrivals, now),
  }
}

async function drop({ key, uploadId, sizeBytes, costDollars, reason }: SweptUpload, ports: Needs): Promise<void> {
  await ports.store.abortUpload(key, uploadId)
  ports.log('upload-dropped', { key, uploadId, sizeBytes, costDollars, reason })
  // Read anew: the record may be another upload's by now, or become it. One that stays behind goes when it is old enough.
  const kept = await readUploadRecord(ports, key).catch(() => undefined)
  if (kept?.record.uploadId !== uploadId || (await isOnlyWitness(kept.record, ports))) return
  await removeUploadRecord(ports, key, kept).catch((error: unknown) =>
    ports.log('upload-record-left', { key, reason: String(error) }),
  )
}

function newest(arrivals: readonly PartArrival[]): string | undefined {
  let latest: string | undefined
  for (const { arrivedAt } of arrivals) if (latest === undefined || arrivedAt > latest) latest = arrivedAt
  return latest
}

/** To a millionth of a dollar: what the report shows is the sum of what it lists. */
function costOf(arrivals: readonly PartArrival[], now: Date): number {
  let dollars = 0
  for (const { sizeBytes, arrivedAt } of arrivals) {
    dollars += storageDollars(sizeBytes, new Date(arrivedAt), now, standardStorage)
  }
  return Math.round(dollars * 1e6) / 1e6
}

function unseen({ key, uploadId, openedAt }: OwnedUpload): Omit<SweptUpload, 'outcome' | 'reason'> {
  return { key, uploadId, openedAt, lastActiveAt: openedAt, partCount: 0, sizeBytes: 0, costDollars: 0 }
}

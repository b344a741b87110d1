import { LockMissing } from '../../contracts/errors.ts'
import type { StoredArtifact } from '../../contracts/nouns.ts'
import type { ShownLock } from '../../contracts/object-lock.ts'
import type { PlanItem } from '../../contracts/plan-item.ts'
import { lockInForce, lockShortfall } from '../../domain/transfer/object-lock.ts'
import { readUploadRecord } from '../books/upload-record.ts'
import type { Ports } from '../ports.ts'

type Needs = Pick<Ports, 'store' | 'keyPrefix' | 'now'>

/**
 * Ask S3 what lock holds each file of an archive: what S3 was asked for proves nothing. By the files' keys.
 * @throws LockMissing when one has less than the lock that its job or its deployment asks for
 */
export async function readLocks(
  { guest, site, objectLock }: PlanItem,
  stored: readonly StoredArtifact[],
  ports: Needs,
): Promise<ReadonlyMap<string, ShownLock>> {
  const locks = new Map<string, ShownLock>()
  for (const { key, versionId } of stored) {
    const object = await ports.store.head(key)
    // Another version's lock says nothing about the one that was proved.
    const isOther = versionId !== undefined && object?.versionId !== versionId
    const shown = isOther ? undefined : lockInForce(object?.lock, ports.now())
    if (shown !== undefined) locks.set(key, shown)
    if (objectLock === undefined) continue
    const begun = await begunAt(key, object?.lock?.writtenAt, ports)
    const shortfall = lockShortfall(shown, objectLock, begun, ports.now())
    if (shortfall === undefined) continue
    throw new LockMissing(
      `Site ${site}: s3://${ports.store.bucket}/${key} of guest ${guest.id} (${guest.name}) is not locked as asked for ` +
        `(${objectLock.mode}, ${objectLock.days} days): ${shortfall}. It is stored whole, without a manifest, and doesn't ` +
        'count as an archive. Lock it (aws s3api put-object-retention), check that the function may see locks ' +
        '(s3:GetObjectRetention), and repeat this guest.',
    )
  }
  return locks
}

/** A lock counts from the opening of the upload. Some stores date the object by its completion, which may be days later. */
async function begunAt(key: string, writtenAt: string | undefined, ports: Needs): Promise<string | undefined> {
  const opened = (await readUploadRecord(ports, key))?.record.openedAt
  const [first] = [writtenAt, opened].filter((at) => at !== undefined).toSorted((a, b) => Date.parse(a) - Date.parse(b))
  return first
}

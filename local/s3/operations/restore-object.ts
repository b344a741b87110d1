/** Objects in Glacier: what can't be read of them, and RestoreObject, which takes no time here. */
import { S3Error } from '../errors.ts'
import { parseXml } from '../protocol/xml.ts'
import type { ObjectVersion } from '../store/records.ts'
import { bucketOf, type Call, keyOf, LARGEST_XML_BYTES, type S3Response } from './call.ts'
import { findVersion } from './find-version.ts'
import { versionHeader } from './object-attributes.ts'

const FROZEN = new Set(['GLACIER', 'DEEP_ARCHIVE'])
const DAY_MILLISECONDS = 86_400_000

/** In an archive class, and no restored copy of it lasts. */
export function isFrozen({ storageClass, restoredUntil }: ObjectVersion, now: Date): boolean {
  return FROZEN.has(storageClass) && (restoredUntil === undefined || Date.parse(restoredUntil) <= now.getTime())
}

/** @throws S3Error InvalidObjectState */
export function requireThawed(version: ObjectVersion, now: Date): void {
  if (isFrozen(version, now)) {
    throw new S3Error('InvalidObjectState', { details: [['StorageClass', version.storageClass]] })
  }
}

/** `x-amz-restore`, of objects that have a restored copy now. */
export function restoreHeader(version: ObjectVersion, now: Date): Record<string, string> {
  if (version.restoredUntil === undefined || isFrozen(version, now)) return {}
  return {
    'x-amz-restore': `ongoing-request="false", expiry-date="${new Date(version.restoredUntil).toUTCString()}"`,
  }
}

export async function restoreObject(call: Call): Promise<S3Response> {
  const root = parseXml(await call.body.text(LARGEST_XML_BYTES), 'RestoreRequest')
  root.allowOnly('Days', 'GlacierJobParameters', 'Tier')
  const days = Number(root.value('Days'))
  if (!Number.isInteger(days) || days < 1) throw new S3Error('MalformedXML')
  const [bucket, key] = [bucketOf(call), keyOf(call)]
  const version = findVersion(bucket, key, call.request.query.get('versionId'))
  if (!FROZEN.has(version.storageClass)) {
    throw new S3Error('InvalidObjectState', {
      message: "Restore is not allowed for the object's current storage class",
      details: [['StorageClass', version.storageClass]],
    })
  }
  const status = isFrozen(version, call.now) ? 202 : 200
  // S3 rounds up to the next midnight in UTC.
  const end = Math.ceil((call.now.getTime() + days * DAY_MILLISECONDS) / DAY_MILLISECONDS) * DAY_MILLISECONDS
  bucket.amend(key, version.versionId, (held) => ({ ...held, restoredUntil: new Date(end).toISOString() }))
  await bucket.settleKey(key)
  return { status, headers: versionHeader(bucket.record, version.versionId) }
}

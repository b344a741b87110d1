/** Objects in Glacier: what can't be read of them, and RestoreObject, which takes as long as the server is told. */
import { S3Error } from '../errors.ts'
import { parseXml, type XmlNode } from '../protocol/xml.ts'
import type { ObjectVersion } from '../store/records.ts'
import { bucketOf, type Call, keyOf, LARGEST_XML_BYTES, type S3Response } from './call.ts'
import { findVersion } from './find-version.ts'
import { versionHeader } from './object-attributes.ts'

const FROZEN = new Set(['GLACIER', 'DEEP_ARCHIVE'])
const DAY_MILLISECONDS = 86_400_000

/** In an archive class, and there is no restored copy of it: none yet, or no more. */
export function isFrozen(version: ObjectVersion, now: Date): boolean {
  const { storageClass, restoredUntil } = version
  if (!FROZEN.has(storageClass)) return false
  return restoredUntil === undefined || Date.parse(restoredUntil) <= now.getTime() || isThawing(version, now)
}

function isThawing({ thawedAt }: ObjectVersion, now: Date): boolean {
  return thawedAt !== undefined && Date.parse(thawedAt) > now.getTime()
}

/** @throws S3Error InvalidObjectState */
export function requireThawed(version: ObjectVersion, now: Date): void {
  if (isFrozen(version, now)) {
    throw new S3Error('InvalidObjectState', { details: [['StorageClass', version.storageClass]] })
  }
}

/** `x-amz-restore`, of objects that have a restored copy now or will have one. */
export function restoreHeader(version: ObjectVersion, now: Date): Record<string, string> {
  if (isThawing(version, now)) return { 'x-amz-restore': 'ongoing-request="true"' }
  if (version.restoredUntil === undefined || isFrozen(version, now)) return {}
  return {
    'x-amz-restore': `ongoing-request="false", expiry-date="${new Date(version.restoredUntil).toUTCString()}"`,
  }
}

/** Both places of the tier are S3's own: the older one beside the days. @throws S3Error MalformedXML */
function tierOf(request: XmlNode): string {
  const tier = request.child('GlacierJobParameters')?.value('Tier') ?? request.value('Tier') ?? 'Standard'
  if (!/^(Expedited|Standard|Bulk)$/.test(tier)) throw new S3Error('MalformedXML')
  return tier
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
  if (tierOf(root) === 'Expedited' && version.storageClass === 'DEEP_ARCHIVE') {
    throw new S3Error('InvalidArgument', { message: 'Retrieval option is not supported by this storage class' })
  }
  if (isThawing(version, call.now)) throw new S3Error('RestoreAlreadyInProgress')
  const frozen = isFrozen(version, call.now)
  const begin = call.now.getTime() + (frozen ? call.thawMilliseconds : 0)
  // S3 rounds up to the next midnight in UTC.
  const end = Math.ceil((begin + days * DAY_MILLISECONDS) / DAY_MILLISECONDS) * DAY_MILLISECONDS
  const copy = { thawedAt: new Date(begin).toISOString(), restoredUntil: new Date(end).toISOString() }
  bucket.amend(key, version.versionId, (held) => ({ ...held, ...copy }))
  await bucket.settleKey(key)
  return { status: frozen ? 202 : 200, headers: versionHeader(bucket.record, version.versionId) }
}

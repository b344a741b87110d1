/** PutObject, and how a body becomes a stored version. */
import { rmSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { S3Error } from '../errors.ts'
import { checksumHeader } from '../protocol/checksums.ts'
import { PieceWriter } from '../store/durable-file.ts'
import { bucketOf, type Call, keyOf, type S3Response } from './call.ts'
import { encryptionHeaders, readAttributes, requireChecksumForLock, versionHeader } from './object-attributes.ts'
import { writeCondition } from './preconditions.ts'

/** S3's limit for one request: five gibibytes. */
export const LARGEST_PUT_BYTES = 5 * 1024 ** 3

export async function putObject(call: Call): Promise<S3Response> {
  const bucket = bucketOf(call)
  const key = keyOf(call)
  const attributes = readAttributes(call.request, bucket.record, call.now)
  requireChecksumForLock(call.request, bucket.record, call.body.declared)
  requireLength(call)
  const condition = writeCondition(call.request, bucket, key)
  const { bodyId, path } = bucket.newBody(key)
  try {
    const received = await receiveInto(call, path)
    condition.check()
    const stored = bucket.put(key, {
      ...attributes,
      lastModified: call.now.toISOString(),
      sizeBytes: received.sizeBytes,
      etag: received.md5Hex,
      bodyId,
      ...(received.checksum ? { checksum: { ...received.checksum, type: 'FULL_OBJECT' } } : {}),
    })
    await bucket.settleKey(key)
    const headers: Record<string, string> = {
      etag: `"${stored.etag}"`,
      ...encryptionHeaders(stored.encryption),
      ...versionHeader(bucket.record, stored.versionId),
    }
    if (received.checksum) {
      headers[checksumHeader(received.checksum.algorithm)] = received.checksum.value
      headers['x-amz-checksum-type'] = 'FULL_OBJECT'
    }
    return { status: 200, headers }
  } finally {
    condition.stop()
    if (bucket.current(key)?.bodyId !== bodyId && !isStored(call, bodyId)) rmSync(path, { force: true })
  }
}

/** A newer write may already have moved this one's body to the older versions: it stays. */
function isStored(call: Call, bodyId: string): boolean {
  const versions = bucketOf(call).keys.get(keyOf(call))?.versions ?? []
  return versions.some((version) => version.deleteMarker !== true && version.bodyId === bodyId)
}

/** @throws S3Error MissingContentLength, EntityTooLarge: before a byte is accepted */
export function requireLength(call: Call): number {
  if (
    call.request.header('content-length') === undefined &&
    call.request.header('x-amz-decoded-content-length') === undefined
  ) {
    throw new S3Error('MissingContentLength')
  }
  const { sizeBytes } = call.body
  if (sizeBytes > LARGEST_PUT_BYTES) {
    throw new S3Error('EntityTooLarge', {
      details: [
        ['ProposedSize', String(sizeBytes)],
        ['MaxSizeAllowed', String(LARGEST_PUT_BYTES)],
      ],
    })
  }
  return sizeBytes
}

async function receiveInto(call: Call, path: string): ReturnType<Call['body']['receive']> {
  const handle = await open(path, 'w')
  const writer = new PieceWriter(handle)
  try {
    const received = await call.body.receive((piece) => writer.write(piece))
    await writer.finish()
    return received
  } finally {
    await writer.abandon()
    await handle.close()
  }
}

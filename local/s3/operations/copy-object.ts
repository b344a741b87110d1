/** CopyObject: the server reads and writes, the client sends nothing. */
import { createHash } from 'node:crypto'
import { closeSync, rmSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { invalidArgument, invalidRequest } from '../errors.ts'
import { type ChecksumAlgorithm, parseAlgorithm, startChecksum } from '../protocol/checksums.ts'
import { element, optional, renderXml } from '../protocol/xml.ts'
import { copyRange } from '../store/durable-file.ts'
import type { ObjectAttributes, ObjectVersion } from '../store/records.ts'
import { bucketOf, type Call, keyOf, type S3Response, xmlAnswer } from './call.ts'
import { type CopySource, openSource } from './copy-source.ts'
import { encryptionHeaders, readAttributes, versionHeader } from './object-attributes.ts'
import { writeCondition } from './preconditions.ts'
import { LARGEST_PUT_BYTES } from './put-object.ts'

export async function copyObject(call: Call): Promise<S3Response> {
  const bucket = bucketOf(call)
  const key = keyOf(call)
  const wanted = call.request.header('x-amz-checksum-algorithm')
  const algorithm = wanted === undefined ? undefined : parseAlgorithm(wanted)
  const source = openSource(call)
  try {
    if (source.version.sizeBytes > LARGEST_PUT_BYTES) {
      throw invalidRequest(
        'The specified copy source is larger than the maximum allowable size for a copy source: 5368709120',
      )
    }
    refuseEmptyCopy(call, source, bucket.record.name, key)
    const attributes = copiedAttributes(call, source.version, bucket.record)
    const condition = writeCondition(call.request, bucket, key)
    const { bodyId, path } = bucket.newBody(key)
    let committed = false
    try {
      const { etag, checksum } = await copyBytes(source, path, algorithm ?? source.version.checksum?.algorithm)
      condition.check()
      const stored = bucket.put(key, {
        ...attributes,
        lastModified: call.now.toISOString(),
        sizeBytes: source.version.sizeBytes,
        etag,
        bodyId,
        ...(checksum ? { checksum: { ...checksum, type: 'FULL_OBJECT' } } : {}),
      })
      committed = true
      await bucket.settleKey(key)
      const result = element('CopyObjectResult', [
        element('ETag', `"${etag}"`),
        element('LastModified', stored.lastModified),
        ...(checksum ? [element(`Checksum${checksum.algorithm}`, checksum.value)] : []),
        ...optional('ChecksumType', checksum && 'FULL_OBJECT'),
      ])
      return xmlAnswer(renderXml(result), {
        ...encryptionHeaders(stored.encryption),
        ...versionHeader(bucket.record, stored.versionId),
        ...source.versionHeaders,
      })
    } finally {
      condition.stop()
      if (!committed) rmSync(path, { force: true })
    }
  } finally {
    closeSync(source.file)
  }
}

function directive(call: Call, name: string): 'COPY' | 'REPLACE' {
  const value = call.request.header(name) ?? 'COPY'
  if (value !== 'COPY' && value !== 'REPLACE') throw invalidArgument(`Unknown directive ${value}.`, [name, value])
  return value
}

function refuseEmptyCopy(call: Call, source: CopySource, bucketName: string, key: string): void {
  const { request } = call
  const itself = source.bucket.record.name === bucketName && source.key === key
  const isCurrent = source.bucket.current(source.key)?.versionId === source.version.versionId
  const changes =
    directive(call, 'x-amz-metadata-directive') === 'REPLACE' ||
    request.header('x-amz-storage-class') !== undefined ||
    request.header('x-amz-server-side-encryption') !== undefined ||
    request.header('x-amz-checksum-algorithm') !== undefined
  if (!itself || !isCurrent || changes) return
  throw invalidRequest(
    "This copy request is illegal because it is trying to copy an object to itself without changing the object's metadata, storage class, website redirect location or encryption attributes.",
  )
}

/** Metadata and tags follow their directives; storage class, encryption and lock are always the request's. */
function copiedAttributes(
  call: Call,
  source: ObjectVersion,
  bucket: Parameters<typeof readAttributes>[1],
): ObjectAttributes {
  const own = readAttributes(call.request, bucket, call.now)
  const keep = directive(call, 'x-amz-metadata-directive') === 'COPY'
  const keepTags = directive(call, 'x-amz-tagging-directive') === 'COPY'
  return {
    ...own,
    ...(keep ? { headers: source.headers, metadata: source.metadata } : {}),
    ...(keepTags ? { tags: source.tags } : {}),
  }
}

async function copyBytes(
  source: CopySource,
  path: string,
  algorithm: ChecksumAlgorithm | undefined,
): Promise<{ etag: string; checksum?: { algorithm: ChecksumAlgorithm; value: string } }> {
  const md5 = createHash('md5')
  const sum = algorithm && startChecksum(algorithm)
  const handle = await open(path, 'w')
  try {
    await copyRange(source.file, 0, source.version.sizeBytes, handle, 0, (piece) => {
      md5.update(piece)
      sum?.update(piece)
    })
    await handle.datasync()
  } finally {
    await handle.close()
  }
  const etag = md5.digest('hex')
  return algorithm && sum ? { etag, checksum: { algorithm, value: sum.digest().toString('base64') } } : { etag }
}

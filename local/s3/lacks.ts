/** What other stores do without, of what S3 does: so that clients can be tried with a store of each kind. */
import { createHash } from 'node:crypto'
import { invalidRequest, S3Error } from './errors.ts'
import type { S3Request } from './protocol/request.ts'

/** What a store may lack, with what it does then. */
export const LACKS = {
  checksums: 'checksums of requests are passed over, and none is kept',
  'checksum-headers': 'headers of checksums are refused',
  'full-object-crc32': 'of full-object checksums only CRC-64/NVME is known',
  'content-md5': 'Content-MD5 is passed over',
  'hash-of-hashes': 'the ETag of an object made of parts says nothing about its bytes',
  'part-hashes': 'the ETag of a part says nothing about its bytes',
  conditions: 'If-Match and If-None-Match on writes are passed over',
  'conditions-of-completions': 'the same when an upload is completed, and only then',
  'quoted-tags': 'If-Match on writes holds only for an ETag without its quotes, as with Ceph 16',
} as const satisfies Record<string, string>
export type Lack = keyof typeof LACKS

export const isLack = (word: string): word is Lack => Object.hasOwn(LACKS, word)

/** Operations that write, and whose conditions S3 keeps. */
const WRITES = /^(PutObject|CompleteMultipartUpload|DeleteObject)$/

/** The request as a store reads it that lacks these. @throws S3Error for what it refuses in place of passing over it */
export function asLacking(request: S3Request, operation: string, lacks: ReadonlySet<Lack>): S3Request {
  if (lacks.size === 0) return request
  const names = Object.keys(request.source.headers)
  const refused = names.find((name) => /^x-amz-(checksum-|sdk-checksum|trailer)/.test(name))
  if (lacks.has('checksum-headers') && refused !== undefined) {
    // Backblaze's words of 2025.
    throw new S3Error('InvalidArgument', { message: `Unsupported header '${refused}' received for this API call.` })
  }
  const algorithm = request.header('x-amz-checksum-algorithm')
  if (lacks.has('full-object-crc32') && operation === 'CreateMultipartUpload' && algorithm === 'CRC32') {
    throw invalidRequest('The FULL_OBJECT checksum type can only be used with the crc64nvme checksum algorithm.')
  }
  const passed: RegExp[] = []
  if (lacks.has('checksums')) passed.push(/^x-amz-(checksum-|sdk-checksum)/)
  if (lacks.has('content-md5')) passed.push(/^content-md5$/)
  const isCompletion = operation === 'CompleteMultipartUpload'
  if (WRITES.test(operation) && (lacks.has('conditions') || (isCompletion && lacks.has('conditions-of-completions')))) {
    passed.push(/^if-(none-)?match$/)
  }
  const wantsBare = lacks.has('quoted-tags') && WRITES.test(operation)
  return {
    ...request,
    header: (name) => {
      if (passed.some((unknown) => unknown.test(name))) return undefined
      const value = request.header(name)
      return wantsBare && name === 'if-match' && value?.startsWith('"') === true ? 'quoted' : value
    },
  }
}

/** The same for the same bytes, and not their MD5. */
export function opaqueEtag(md5Hex: string): string {
  return createHash('md5').update(`opaque ${md5Hex}`).digest('hex')
}

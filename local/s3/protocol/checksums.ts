/** S3's additional checksums: names, headers, running sums, and what may be combined how (S3 user guide, "Checking object integrity"). */
import { createHash } from 'node:crypto'
import { crc32 } from 'node:zlib'
import { invalidRequest, notImplemented, S3Error } from '../errors.ts'
import { combineCrcs } from './crc-combine.ts'
import { crc32c, crc64nvme, type RunningCrc } from './crc-tables.ts'
import type { S3Request } from './request.ts'

export const CHECKSUM_ALGORITHMS = ['CRC32', 'CRC32C', 'CRC64NVME', 'SHA1', 'SHA256'] as const
export type ChecksumAlgorithm = (typeof CHECKSUM_ALGORITHMS)[number]
export type ChecksumType = 'COMPOSITE' | 'FULL_OBJECT'

const DIGEST_BYTES: Record<ChecksumAlgorithm, number> = { CRC32: 4, CRC32C: 4, CRC64NVME: 8, SHA1: 20, SHA256: 32 }

/** `value` is base64, with `-N` behind it for a composite one. */
export interface ObjectChecksum {
  algorithm: ChecksumAlgorithm
  type: ChecksumType
  value: string
}

/** What a request says about its body's checksum. `value` is absent when it follows in the trailer. */
export interface DeclaredChecksum {
  algorithm: ChecksumAlgorithm
  value?: string
}

export function checksumHeader(algorithm: ChecksumAlgorithm): string {
  return `x-amz-checksum-${algorithm.toLowerCase()}`
}

export function startChecksum(algorithm: ChecksumAlgorithm): RunningCrc {
  switch (algorithm) {
    case 'CRC32': {
      let value = 0
      return {
        update: (data) => {
          value = crc32(data, value)
        },
        digest: () => {
          const out = Buffer.alloc(4)
          out.writeUInt32BE(value)
          return out
        },
      }
    }
    case 'CRC32C':
      return crc32c()
    case 'CRC64NVME':
      return crc64nvme()
    case 'SHA1':
    case 'SHA256': {
      const hash = createHash(algorithm.toLowerCase())
      return { update: (data) => void hash.update(data), digest: () => hash.digest() }
    }
    default:
      return algorithm satisfies never
  }
}

/** @throws S3Error NotImplemented for an algorithm that S3 may know and this server doesn't */
export function parseAlgorithm(text: string): ChecksumAlgorithm {
  const algorithm = CHECKSUM_ALGORITHMS.find((name) => name === text.toUpperCase())
  if (algorithm === undefined) throw notImplemented(`the checksum algorithm ${text}`)
  return algorithm
}

/** @throws S3Error InvalidRequest for several checksums, a malformed one, or one announced and missing */
export function declaredChecksum(request: S3Request): DeclaredChecksum | undefined {
  const given = CHECKSUM_ALGORITHMS.filter((name) => request.header(checksumHeader(name)) !== undefined)
  const trailer = request.header('x-amz-trailer')?.trim().toLowerCase()
  const inTrailer = CHECKSUM_ALGORITHMS.find((name) => checksumHeader(name) === trailer)
  if (trailer !== undefined && inTrailer === undefined) {
    throw invalidRequest('The value specified in the x-amz-trailer header is not supported')
  }
  if (given.length + (inTrailer ? 1 : 0) > 1) {
    throw invalidRequest('Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.')
  }
  const announced = request.header('x-amz-sdk-checksum-algorithm')
  const algorithm = given[0] ?? inTrailer
  if (algorithm === undefined) {
    if (announced === undefined) return undefined
    parseAlgorithm(announced)
    throw invalidRequest(
      'x-amz-sdk-checksum-algorithm specified, but no corresponding x-amz-checksum-* or x-amz-trailer headers were found.',
    )
  }
  if (announced !== undefined && parseAlgorithm(announced) !== algorithm) {
    throw invalidRequest('Value for x-amz-sdk-checksum-algorithm header is invalid.')
  }
  const value = request.header(checksumHeader(algorithm))
  if (value === undefined) return { algorithm }
  return { algorithm, value: validDigest(algorithm, value) }
}

/** @throws S3Error InvalidRequest unless `value` is base64 of the right length */
export function validDigest(algorithm: ChecksumAlgorithm, value: string): string {
  const bytes = Buffer.from(value, 'base64')
  if (bytes.length === DIGEST_BYTES[algorithm] && bytes.toString('base64') === value) return value
  throw invalidRequest(`Value for ${checksumHeader(algorithm)} header is invalid.`)
}

export function badDigest(algorithm: ChecksumAlgorithm): S3Error {
  return new S3Error('BadDigest', { message: `The ${algorithm} you specified did not match the calculated checksum.` })
}

/** The type an upload gets. @throws S3Error InvalidRequest for a pair that S3 refuses */
export function checksumType(algorithm: ChecksumAlgorithm, wanted: string | undefined): ChecksumType {
  const type = wanted?.toUpperCase() ?? (algorithm === 'CRC64NVME' ? 'FULL_OBJECT' : 'COMPOSITE')
  if (type !== 'COMPOSITE' && type !== 'FULL_OBJECT') {
    throw invalidRequest('Value for x-amz-checksum-type header is invalid.')
  }
  const impossible = algorithm === 'CRC64NVME' ? 'COMPOSITE' : algorithm.startsWith('SHA') ? 'FULL_OBJECT' : undefined
  if (type === impossible) {
    throw invalidRequest(
      `The ${type} checksum type cannot be used with the ${algorithm.toLowerCase()} checksum algorithm.`,
    )
  }
  return type
}

/** The checksum of a whole from the verified ones of its parts, in order. */
export function combineChecksums(
  algorithm: ChecksumAlgorithm,
  type: ChecksumType,
  parts: readonly { value: string; sizeBytes: number }[],
): ObjectChecksum {
  const digests = parts.map(({ value, sizeBytes }) => ({ digest: Buffer.from(value, 'base64'), sizeBytes }))
  if (type === 'FULL_OBJECT' && algorithm !== 'SHA1' && algorithm !== 'SHA256') {
    return { algorithm, type, value: combineCrcs(algorithm, digests).toString('base64') }
  }
  const sum = startChecksum(algorithm)
  for (const { digest } of digests) sum.update(digest)
  return { algorithm, type: 'COMPOSITE', value: `${sum.digest().toString('base64')}-${parts.length}` }
}

import { GetObjectCommand, type S3Client, UploadPartCommand } from '@aws-sdk/client-s3'
import { getSignedUrl } from '@aws-sdk/s3-request-presigner'
import {
  ArchiveConflict,
  ChecksumMismatch,
  GuestliftError,
  NotAnObjectStore,
  StoreDenied,
} from '../contracts/errors.ts'
import type { GetVerdict, SignedGet } from '../contracts/signed-get.ts'
import type { PutAnswer, PutVerdict, RangeSums, SignedPut } from '../contracts/signed-put.ts'
import { crc32ToBase64 } from '../domain/transfer/crc32.ts'
import { sentence } from './s3-answers.ts'
import { describeAnswer, rootElement } from './s3-wire.ts'
import type { RangeToRead } from './s3-range.ts'
import { errorCode, isPassing, isThrottle, type StoreAction, storeFact } from './s3-errors.ts'
import { confirmedEtag, confirmedMd5 } from './s3-part-upload.ts'

export interface PartToSign extends RangeSums {
  bucket: string
  key: string
  uploadId: string
  partNumber: number
  sizeBytes: number
}

/**
 * A URL is used at once, and S3 looks at its age when the request begins, not when it ends. What remains is how far
 * the signing clock may be behind; S3 allows signed headers the same quarter of an hour.
 */
const LIFETIME_SECONDS = 15 * 60

/** Left to itself the SDK moves it to the query, where the sender wouldn't have to repeat it. */
const sumHeader = 'x-amz-checksum-crc32'

/**
 * A PUT of one part that anyone may send who has it: size and sums are signed, so other bytes don't fit.
 * @throws StoreDenied and StoreUnavailable when there are no credentials to sign with
 */
export async function presignPart(client: S3Client, part: PartToSign): Promise<SignedPut> {
  const action = { bucket: part.bucket, key: part.key, verb: `have the node send part ${part.partNumber} of` }
  const headers = {
    'content-length': String(part.sizeBytes),
    'content-md5': part.md5,
    [sumHeader]: crc32ToBase64(part.crc32),
  }
  const command = new UploadPartCommand({
    Bucket: part.bucket,
    Key: part.key,
    UploadId: part.uploadId,
    PartNumber: part.partNumber,
    ContentLength: part.sizeBytes,
    ContentMD5: part.md5,
    ChecksumCRC32: headers[sumHeader],
  })
  const confirm = (answer: PutAnswer) =>
    confirmedEtag(part, { etag: answer.headers['etag'], crc32: answer.headers[sumHeader] })
  try {
    const options = { expiresIn: LIFETIME_SECONDS, unhoistableHeaders: new Set([sumHeader]) }
    const url = await getSignedUrl(client, command, options)
    assertSigned(url, Object.keys(headers))
    return { url, headers, judge: (answer) => judge(answer, part, action, confirm) }
  } catch (error) {
    throw error instanceof GuestliftError ? error : storeFact(error, action)
  }
}

/** The same to a store without CRC-32: size and MD5 are signed. `md5` is in hexadecimal. */
export async function presignBarePart(
  client: S3Client,
  part: Omit<PartToSign, keyof RangeSums> & { md5: string; etagIsMd5: boolean },
): Promise<SignedPut> {
  const action = { bucket: part.bucket, key: part.key, verb: `have the node send part ${part.partNumber} of` }
  const contentMd5 = Buffer.from(part.md5, 'hex').toString('base64')
  const headers = { 'content-length': String(part.sizeBytes), 'content-md5': contentMd5 }
  const command = new UploadPartCommand({
    Bucket: part.bucket,
    Key: part.key,
    UploadId: part.uploadId,
    PartNumber: part.partNumber,
    ContentLength: part.sizeBytes,
    ContentMD5: contentMd5,
  })
  const confirm = (answer: PutAnswer) => confirmedMd5(part, part, answer.headers['etag'])
  try {
    const url = await getSignedUrl(client, command, { expiresIn: LIFETIME_SECONDS })
    assertSigned(url, Object.keys(headers))
    return { url, headers, judge: (answer) => judge(answer, part, action, confirm) }
  } catch (error) {
    throw error instanceof GuestliftError ? error : storeFact(error, action)
  }
}

/**
 * A GET of one range of one object, the one with the ETag, that anyone may send who has it.
 * @throws StoreDenied and StoreUnavailable when there are no credentials to sign with
 */
export async function presignRange(client: S3Client, range: RangeToRead): Promise<SignedGet> {
  const { bucket, key, etag } = range
  const action = { bucket, key, verb: 'have the node read' }
  const headers = { 'if-match': etag, range: `bytes=${range.firstByte}-${range.lastByte}` }
  const command = new GetObjectCommand({ Bucket: bucket, Key: key, Range: headers.range, IfMatch: etag })
  try {
    const url = await getSignedUrl(client, command, { expiresIn: LIFETIME_SECONDS })
    assertSigned(url, Object.keys(headers))
    return { url, headers, judge: (answer) => judgeRange(answer, range, action) }
  } catch (error) {
    throw error instanceof GuestliftError ? error : storeFact(error, action)
  }
}

/**
 * A GET of a whole object for whoever has the URL. It names no header, since not everyone who fetches one can send some.
 * @throws StoreDenied and StoreUnavailable when there are no credentials to sign with
 */
export async function presignObject(client: S3Client, bucket: string, key: string, seconds: number): Promise<string> {
  try {
    const url = await getSignedUrl(client, new GetObjectCommand({ Bucket: bucket, Key: key }), { expiresIn: seconds })
    const signed = new URL(url).searchParams.get('X-Amz-SignedHeaders')
    if (signed !== 'host') throw new StoreDenied(`the signature of a URL asks for headers: ${signed}`)
    return url
  } catch (error) {
    throw error instanceof GuestliftError ? error : storeFact(error, { bucket, key, verb: 'have the platform read' })
  }
}

/** A header that isn't part of the signature could be left out or changed; better no URL than such a one. */
function assertSigned(url: string, headers: readonly string[]): void {
  const signed = new URL(url).searchParams.get('X-Amz-SignedHeaders')?.split(';') ?? []
  const open = headers.filter((name) => !signed.includes(name))
  if (open.length > 0) throw new StoreDenied(`the signature of a URL leaves out ${open.join(', ')}`)
}

function judgeRange(answer: PutAnswer, { bucket, key, etag }: RangeToRead, action: StoreAction): GetVerdict {
  const refused = (error: GuestliftError): GetVerdict => ({ given: false, again: false, slowDown: false, error })
  const where = `s3://${bucket}/${key}`
  const replaced = new ArchiveConflict(`${where} was replaced while it was restored. Restore again.`)
  // Who answers so to a range isn't asked for its body, which is the archive's own.
  if (answer.status === 206) return answer.headers['etag'] === etag ? { given: true } : refused(replaced)
  const stranger = answer.status < 300 ? 'answered with all of it, or with something else' : strangerIn(answer)
  if (stranger !== undefined) {
    return refused(new NotAnObjectStore(sentence('GetObject', { Bucket: bucket }, undefined, stranger)))
  }
  if (answer.status === 412) return refused(replaced)
  const said = saidBy(answer)
  if (errorCode(said) === 'NoSuchKey') {
    return refused(new ArchiveConflict(`${where} was removed while it was restored. Restore another archive.`))
  }
  const expired = isExpired(said)
  return {
    given: false,
    again: expired || isPassing(said),
    slowDown: isThrottle(said),
    error: expired && errorCode(said) === 'AccessDenied' ? expiredFact(where) : storeFact(said, action),
  }
}

/** The credentials behind the URL, or the URL itself, have grown too old; a new one is signed with new ones. */
function isExpired(said: Said): boolean {
  const code = errorCode(said)
  return code === 'ExpiredToken' || (code === 'AccessDenied' && /has expired/i.test(said.message))
}

function expiredFact(where: string): StoreDenied {
  return new StoreDenied(`${where}: URLs had expired when the node used them. Check the clock of this machine`)
}

function judge(
  answer: PutAnswer,
  part: Pick<PartToSign, 'bucket' | 'key' | 'partNumber'>,
  action: StoreAction,
  confirm: (answer: PutAnswer) => string,
): PutVerdict {
  const stranger = strangerIn(answer)
  if (stranger !== undefined) {
    const error = new NotAnObjectStore(sentence('UploadPart', { Bucket: part.bucket }, undefined, stranger))
    return { stored: false, again: false, damaged: false, slowDown: false, error }
  }
  if (answer.status >= 200 && answer.status < 300) {
    try {
      confirm(answer)
      return { stored: true }
    } catch (error) {
      if (!(error instanceof GuestliftError)) throw error
      return { stored: false, again: false, damaged: false, slowDown: false, error }
    }
  }
  const said = saidBy(answer)
  const code = errorCode(said)
  const expired = isExpired(said)
  const damaged = code === 'BadDigest'
  const where = `s3://${part.bucket}/${part.key}: part ${part.partNumber}`
  return {
    stored: false,
    again: expired || isPassing(said),
    damaged,
    slowDown: isThrottle(said),
    error: damaged
      ? new ChecksumMismatch(`${where} arrived damaged from the node. Check the network path and the node's memory`)
      : expired && code === 'AccessDenied'
        ? expiredFact(where)
        : storeFact(said, action),
  }
}

/** S3 takes a part without a word and refuses it with its own document; what else speaks here is somebody else. */
function strangerIn({ status, headers, body }: PutAnswer): string | undefined {
  const passing = status >= 500 || status === 429
  if (passing || body.trim() === '' || (status >= 300 && rootElement(body) === 'Error')) return undefined
  return `answered with ${describeAnswer({ statusCode: status, headers }, body)} on its way from the node`
}

const LONGEST_TEXT = 300

/** One element's text from S3's XML error. It came by way of the node, so it is short and printable, whatever it was. */
function element(body: string, name: string): string | undefined {
  const text = new RegExp(`<${name}>([^<]{1,1000})</${name}>`).exec(body)?.[1]
  return text?.replaceAll(/[^\x20-\x7E]/g, '?').slice(0, LONGEST_TEXT)
}

/** As the SDK has an error, which is what errors are known by. */
interface Said {
  name: string
  message: string
  $metadata: { httpStatusCode: number }
}

function saidBy({ status, body }: PutAnswer): Said {
  return {
    name: element(body, 'Code') ?? 'UnknownError',
    message: element(body, 'Message') ?? `answer ${status}`,
    $metadata: { httpStatusCode: status },
  }
}

/**
 * What S3 asks for beside an operation's own action (user guide, "Required permissions for Amazon S3 API operations",
 * and the pages of the operations themselves).
 */
import type { Access } from './access.ts'
import { S3Error } from './errors.ts'
import { readCopySource } from './operations/copy-source.ts'
import type { S3Request } from './protocol/request.ts'
import type { RoutedRequest } from './routing.ts'

/** @throws S3Error AccessDenied */
export function requireRights(access: Access, request: S3Request, route: RoutedRequest): void {
  const { action, operation } = route
  const { key } = request
  // Of DeleteObjects each key is asked about by itself.
  if (action !== '') access.require(action, key)
  const ask = (asked: boolean, further: string): void => {
    if (asked) access.require(`s3:${further}`, key)
  }
  const given = (...names: readonly string[]): boolean => names.some((name) => request.header(name) !== undefined)

  if (/^(PutObject|CopyObject|CreateMultipartUpload)$/.test(operation)) {
    ask(given('x-amz-tagging'), 'PutObjectTagging')
    ask(given('x-amz-acl'), 'PutObjectAcl')
    ask(given('x-amz-object-lock-mode', 'x-amz-object-lock-retain-until-date'), 'PutObjectRetention')
    ask(given('x-amz-object-lock-legal-hold'), 'PutObjectLegalHold')
  }
  if (/^(CopyObject|UploadPartCopy)$/.test(operation)) {
    const source = readCopySource(request)
    access.require(source.versionId === undefined ? 's3:GetObject' : 's3:GetObjectVersion', source.key, source.bucket)
  }
  if (operation === 'GetObjectAttributes') {
    const version = request.query.has('versionId')
    access.require(version ? 's3:GetObjectVersion' : 's3:GetObject', key)
  }
  // Anyone who compares ETags learns something of the object; `*` only asks whether there is one.
  const ifMatch = request.header('if-match')
  const conditional = /^(PutObject|CopyObject|CompleteMultipartUpload|DeleteObject)$/.test(operation)
  ask(conditional && ifMatch !== undefined && ifMatch !== '*', 'GetObject')
  const bypasses = request.header('x-amz-bypass-governance-retention')?.toLowerCase() === 'true'
  ask(bypasses && /^(DeleteObject|PutObjectRetention)$/.test(operation), 'BypassGovernanceRetention')
}

const READS = ['kms:Decrypt']
/** S3 reads the parts of an upload when they are made an object, and its list of them. */
const WRITES = ['kms:GenerateDataKey', 'kms:Decrypt']

/** What each operation does with the key of an encrypted bucket (user guide, "Protecting data with AWS KMS keys"). */
const KEY_ACTIONS: Readonly<Record<string, readonly string[]>> = {
  GetObject: READS,
  HeadObject: READS,
  ListParts: READS,
  PutObject: ['kms:GenerateDataKey'],
  CopyObject: WRITES,
  CreateMultipartUpload: WRITES,
  UploadPart: WRITES,
  UploadPartCopy: WRITES,
  CompleteMultipartUpload: WRITES,
}

/** @param keyArn of the bucket, absent where S3's own keys encrypt. @throws S3Error AccessDenied */
export function requireKeyRights(access: Access, { operation }: RoutedRequest, keyArn: string | undefined): void {
  if (keyArn === undefined) return
  for (const action of KEY_ACTIONS[operation] ?? []) access.requireKey(action, keyArn)
}

/** Only who may list the bucket learns that an object isn't there. */
export function hideAbsence(cause: unknown, access: Access, request: S3Request): void {
  if (!(cause instanceof S3Error) || request.key === undefined) return
  if (!/^(GET|HEAD)$/.test(request.method) || !/^NoSuch(Key|Version)$/.test(cause.code)) return
  access.require('s3:ListBucket', undefined)
}

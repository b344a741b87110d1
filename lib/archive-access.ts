import { Validations } from 'aws-cdk-lib'
import { Grant, type IRole } from 'aws-cdk-lib/aws-iam'
import type { IBucket } from 'aws-cdk-lib/aws-s3'
import {
  type bookFolders,
  CONTENT_INDEX_ENDING,
  type rootFiles,
  VERIFICATION_NAME,
} from '../functions/domain/books/object-keys.ts'
import { printed, wildcardFinding } from './rule-findings.ts'

/** The folders of the archive bucket; `functions/domain/books/object-keys.ts` says what lies in each. */
export type Folder = 'archives' | (typeof bookFolders)[number]

// A star stands for slashes, too.
/** Keys in one folder as IAM's patterns name them, or a file beside the folders. All claims: `claims/*`. */
export type Keys = `${Folder}/${string}` | (typeof rootFiles)[number]

/** KMS keys that archives are encrypted with, as ARNs. */
export interface ArchiveKeys {
  /** Of what is written; absent where S3 uses keys of its own. */
  present?: string
  /** Of what was written before. */
  former: readonly string[]
}

interface Further {
  /** Absent where S3 encrypts with its own. */
  keys?: ArchiveKeys
  /** Sent with each object, absent where none is. */
  objectAcl?: string | undefined
  /** Absent where they go to the archive bucket. */
  mapResults?: IBucket | undefined
}

const DECRYPT = 'kms:Decrypt'
const DATA_KEY = 'kms:GenerateDataKey'

/**
 * What S3 does with the key for each action (S3 user guide, "Protecting data with AWS KMS keys" and the pages of the API).
 * A multipart upload is read again when it is completed and listed.
 */
const keyActions: Readonly<Record<string, readonly string[]>> = {
  's3:GetObject': [DECRYPT],
  's3:GetObjectVersion': [DECRYPT],
  's3:ListMultipartUploadParts': [DECRYPT],
  's3:PutObject': [DATA_KEY, DECRYPT],
  's3:RestoreObject': [DATA_KEY, DECRYPT],
}

/** Rights on the archive bucket, each limited to keys of one folder. Only `grantPrune` can delete a version of an object. */
export class ArchiveAccess {
  readonly bucket: IBucket
  private readonly keyPrefix: string
  private readonly keys: ArchiveKeys
  private readonly objectAcl: string | undefined
  /** Where results of distributed maps go. */
  readonly mapResults: IBucket

  constructor(bucket: IBucket, keyPrefix: string, { keys = { former: [] }, objectAcl, mapResults }: Further = {}) {
    this.bucket = bucket
    this.keyPrefix = keyPrefix
    this.keys = keys
    this.objectAcl = objectAcl
    this.mapResults = mapResults ?? bucket
  }

  /**
   * Read objects. A missing object answers 404 only to those who may list the bucket, else 403; S3 then asks without a
   * prefix, so the list can't be limited to one.
   */
  grantRead(role: IRole, keys: Keys): void {
    this.allow(role, ['s3:GetObject'], keys)
    this.allowOnBucket(role, ['s3:ListBucket'])
  }

  /** Write objects. With `If-Match`, S3 asks for the right to read as well; the bucket's policy guards archives. */
  grantWrite(role: IRole, keys: Keys): void {
    this.allow(role, ['s3:PutObject'], keys)
  }

  /**
   * Write what reading an archive found, and where its members lie, beside its manifest, and nothing else among the
   * archives; and hide it again when the archive was removed meanwhile. A copy of what was found is kept by its day.
   */
  grantWriteVerification(role: IRole): void {
    for (const name of [VERIFICATION_NAME, `*${CONTENT_INDEX_ENDING}`] as const) {
      this.allow(role, ['s3:PutObject', 's3:DeleteObject'], `archives/*/${name}`)
    }
    this.grantWrite(role, 'verifications/*/verdicts/*')
  }

  /** Hide objects behind a delete marker. */
  grantRemove(role: IRole, keys: Keys): void {
    this.allow(role, ['s3:DeleteObject'], keys)
  }

  /** Open multipart uploads of archives and fill them. Neither makes an object, and nothing else is allowed by it. */
  grantFillUpload(role: IRole): void {
    this.allow(role, ['s3:PutObject'], 'archives/*', { Bool: { 's3:ObjectCreationOperation': 'false' } })
    this.grantInspectUpload(role)
  }

  /** Make archives of multipart uploads, where none is. */
  grantCompleteUpload(role: IRole): void {
    this.allow(role, ['s3:PutObject'], 'archives/*', { Null: { 's3:if-none-match': 'false' } })
    this.grantInspectUpload(role)
  }

  /** Take disks out of archives into objects, and read them back. */
  grantUnpack(role: IRole): void {
    this.allow(role, ['s3:PutObject', 's3:GetObject', 's3:ListMultipartUploadParts'], 'unpacked/*')
  }

  /** Remove what was unpacked, and what wasn't to its end. */
  grantRemoveUnpacked(role: IRole): void {
    this.allow(role, ['s3:DeleteObject', 's3:AbortMultipartUpload'], 'unpacked/*')
    this.allowOnBucket(role, ['s3:ListBucket', 's3:ListBucketMultipartUploads'])
  }

  /** All that a test of the store does, and only where it does it. */
  grantTestStore(role: IRole): void {
    this.allow(role, ['s3:PutObject', 's3:GetObject', 's3:ListMultipartUploadParts'], 'uploads/test/*')
    this.grantSweepTests(role)
  }

  /** Find and remove the uploads and objects that tests of the store left. */
  grantSweepTests(role: IRole): void {
    this.allow(role, ['s3:AbortMultipartUpload', 's3:DeleteObject'], 'uploads/test/*')
    this.allowOnBucket(role, ['s3:ListBucket', 's3:ListBucketMultipartUploads'])
  }

  /** See what parts multipart uploads of archives have. */
  grantInspectUpload(role: IRole): void {
    this.allow(role, ['s3:ListMultipartUploadParts'], 'archives/*')
  }

  /** Find and abort multipart uploads of archives. */
  grantAbortUpload(role: IRole): void {
    this.allow(role, ['s3:AbortMultipartUpload'], 'archives/*')
    this.allowOnBucket(role, ['s3:ListBucketMultipartUploads'])
  }

  /** See until when archives are locked: S3 leaves that out of its answers to others. */
  grantSeeRetention(role: IRole): void {
    this.allow(role, ['s3:GetObjectRetention'], 'archives/*')
  }

  /** The same, and whether people hold them. */
  grantSeeLocks(role: IRole): void {
    this.grantSeeRetention(role)
    this.allow(role, ['s3:GetObjectLegalHold'], 'archives/*')
  }

  /**
   * Lock archives when they are written, for so many days at most. No lock can be shortened or lifted with it. The bound
   * keeps whoever took over a function from locking everything for a hundred years.
   */
  grantLock(role: IRole, mostDays: number): void {
    // A clock may be minutes ahead. Not every page of S3's says that an upload's opening brings this key.
    const bound = { 's3:object-lock-remaining-retention-days': String(mostDays + 1) }
    this.allow(role, ['s3:PutObjectRetention'], 'archives/*', { NumericLessThanEqualsIfExists: bound })
  }

  /** See all versions of archives and what locks them, and remove versions for good. Locks hold against it. */
  grantPrune(role: IRole): void {
    const actions = ['s3:GetObjectVersion', 's3:GetObjectRetention', 's3:GetObjectLegalHold', 's3:DeleteObjectVersion']
    this.allow(role, actions, 'archives/*')
    this.allowOnBucket(role, ['s3:ListBucketVersions'])
  }

  /** Have S3 make archives readable that lie in an archive class. It costs money, and changes nothing of them. */
  grantThaw(role: IRole): void {
    this.allow(role, ['s3:RestoreObject'], 'archives/*')
  }

  /** What a distributed map needs around its plan and its results, as far as a workflow's own role goes. */
  grantMapFiles(role: IRole, folder: 'runs' | 'verifications'): void {
    this.allow(role, ['s3:GetObject'], `${folder}/*/plan.json`)
    // Large results go up in parts, which a cancelled map takes back.
    const actions = ['s3:GetObject', 's3:PutObject', 's3:ListMultipartUploadParts', 's3:AbortMultipartUpload']
    const keys: Keys = `${folder}/*/map/*`
    if (this.mapResults === this.bucket) this.allow(role, actions, keys)
    else this.allowIn(this.mapResults, role, actions, keys)
  }

  private allow(role: IRole, actions: string[], keys: Keys, conditions?: Record<string, Record<string, string>>): void {
    this.allowIn(this.bucket, role, actions, keys, conditions)
    this.allowOnKeys(role, new Set(actions.flatMap((action) => keyActions[action] ?? [])))
    if (this.objectAcl === undefined || !actions.includes('s3:PutObject')) return
    // S3 asks for it where a request brings an ACL. Of an object that is there, it could change the ACL to this one only.
    const thisAcl = { StringEquals: { 's3:x-amz-acl': this.objectAcl } }
    this.allowIn(this.bucket, role, ['s3:PutObjectAcl'], keys, thisAcl)
  }

  private allowIn(
    bucket: IBucket,
    role: IRole,
    actions: string[],
    keys: Keys,
    conditions?: Record<string, Record<string, string>>,
  ): void {
    const objects = bucket.arnForObjects(`${this.keyPrefix}${keys}`)
    Grant.addToPrincipal({ grantee: role, actions, resourceArns: [objects], ...(conditions && { conditions }) })
    if (!keys.includes('*')) return
    Validations.of(role).acknowledge({
      id: wildcardFinding(printed(role, objects)),
      reason: `Keys like ${keys} are named after sites, guests and times, which nobody knows when the role is made.`,
    })
  }

  /** Only by way of S3, which so checks its own rights as well. */
  private allowOnKeys(role: IRole, actions: ReadonlySet<string>): void {
    const { present, former } = this.keys
    const conditions = { StringLike: { 'kms:ViaService': 's3.*' } }
    for (const action of actions) {
      const resourceArns = [...(present === undefined ? [] : [present]), ...(action === DECRYPT ? former : [])]
      if (resourceArns.length > 0) Grant.addToPrincipal({ grantee: role, actions: [action], resourceArns, conditions })
    }
  }

  private allowOnBucket(role: IRole, actions: string[]): void {
    Grant.addToPrincipal({ grantee: role, actions, resourceArns: [this.bucket.bucketArn] })
  }
}

import { Validations } from 'aws-cdk-lib'
import { Grant, type IRole } from 'aws-cdk-lib/aws-iam'
import type { IBucket } from 'aws-cdk-lib/aws-s3'
import type { bookFolders } from '../functions/domain/object-keys.ts'
import { printed, wildcardFinding } from './rule-findings.ts'

/** The folders of the archive bucket; `functions/domain/object-keys.ts` says what lies in each. */
export type Folder = 'archives' | (typeof bookFolders)[number]

/** Rights on the archive bucket, each limited to one folder. Only `grantPrune` can delete a version of an object. */
export class ArchiveAccess {
  readonly bucket: IBucket
  private readonly keyPrefix: string

  constructor(bucket: IBucket, keyPrefix: string) {
    this.bucket = bucket
    this.keyPrefix = keyPrefix
  }

  /** Read a folder's objects. A missing object answers 404 only to those who may list the bucket, else 403. */
  grantRead(role: IRole, folder: Folder): void {
    this.allow(role, ['s3:GetObject'], folder)
    Grant.addToPrincipal({ grantee: role, actions: ['s3:ListBucket'], resourceArns: [this.bucket.bucketArn] })
  }

  grantWrite(role: IRole, folder: Folder): void {
    this.allow(role, ['s3:PutObject'], folder)
  }

  /**
   * Write what reading an archive found, beside its manifest, and nothing else among the archives; and hide it again when
   * the archive was removed meanwhile.
   */
  grantWriteVerification(role: IRole): void {
    this.allow(role, ['s3:PutObject', 's3:DeleteObject'], 'archives', '*/verification.json')
  }

  /** Hide a folder's objects behind a delete marker. */
  grantRemove(role: IRole, folder: Folder): void {
    this.allow(role, ['s3:DeleteObject'], folder)
  }

  /** Open multipart uploads of archives, fill and complete them. */
  grantUpload(role: IRole): void {
    this.allow(role, ['s3:PutObject', 's3:ListMultipartUploadParts'], 'archives')
  }

  /** All that a test of the store does, and only where it does it. */
  grantTestStore(role: IRole): void {
    const actions = ['s3:PutObject', 's3:GetObject', 's3:DeleteObject', 's3:ListMultipartUploadParts']
    this.allow(role, actions, 'uploads', 'test/*')
    this.grantSweepTests(role)
  }

  /** Find and abort the uploads that tests of the store left. */
  grantSweepTests(role: IRole): void {
    this.allow(role, ['s3:AbortMultipartUpload'], 'uploads', 'test/*')
    const actions = ['s3:ListBucket', 's3:ListBucketMultipartUploads']
    Grant.addToPrincipal({ grantee: role, actions, resourceArns: [this.bucket.bucketArn] })
  }

  /** See what parts multipart uploads of archives have. */
  grantInspectUpload(role: IRole): void {
    this.allow(role, ['s3:ListMultipartUploadParts'], 'archives')
  }

  /** Find and abort multipart uploads of archives. */
  grantAbortUpload(role: IRole): void {
    this.allow(role, ['s3:AbortMultipartUpload'], 'archives')
    const resourceArns = [this.bucket.bucketArn]
    Grant.addToPrincipal({ grantee: role, actions: ['s3:ListBucketMultipartUploads'], resourceArns })
  }

  /** See all versions of archives and what locks them, and remove versions for good. Locks hold against it. */
  grantPrune(role: IRole): void {
    const actions = ['s3:GetObjectVersion', 's3:GetObjectRetention', 's3:GetObjectLegalHold', 's3:DeleteObjectVersion']
    this.allow(role, actions, 'archives')
    const resourceArns = [this.bucket.bucketArn]
    Grant.addToPrincipal({ grantee: role, actions: ['s3:ListBucketVersions'], resourceArns })
  }

  /** What a distributed map needs around its plan and its results, as far as a workflow's own role goes. */
  grantMapFiles(role: IRole, folder: Folder = 'runs'): void {
    // Large results go up in parts, which a cancelled map takes back.
    const actions = ['s3:GetObject', 's3:PutObject', 's3:ListMultipartUploadParts', 's3:AbortMultipartUpload']
    this.allow(role, actions, folder)
  }

  private allow(role: IRole, actions: string[], folder: Folder, names = '*'): void {
    const objects = this.bucket.arnForObjects(`${this.keyPrefix}${folder}/${names}`)
    Grant.addToPrincipal({ grantee: role, actions, resourceArns: [objects] })
    Validations.of(role).acknowledge({
      id: wildcardFinding(printed(role, objects)),
      reason: `Keys under ${folder}/ are named after sites, guests and times, which nobody knows when the role is made.`,
    })
  }
}

/** What is kept beside the bytes: one JSON file per key with all its versions, one per bucket, one per open upload. */
import type { ChecksumAlgorithm, ChecksumType, ObjectChecksum } from '../protocol/checksums.ts'

/** Pairs and not objects: names come from clients, and some of them mean something to JavaScript. */
export type Pairs = readonly (readonly [string, string])[]

export interface Encryption {
  algorithm: 'AES256' | 'aws:kms' | 'aws:kms:dsse'
  kmsKeyId?: string
  context?: string
  bucketKey?: boolean
}

export interface Retention {
  mode: 'GOVERNANCE' | 'COMPLIANCE'
  /** ISO instant. */
  retainUntil: string
}

/** What a client may say about an object when it creates it. */
export interface ObjectAttributes {
  /** Content-Type and its like, as sent. */
  headers: Pairs
  metadata: Pairs
  tags: Pairs
  storageClass: string
  encryption: Encryption
  retention?: Retention
  legalHold?: boolean
}

/** `place` says where the bytes belong: under the object's own name, or in the bodies folder. */
export interface ObjectVersion extends ObjectAttributes {
  deleteMarker?: false
  versionId: string
  lastModified: string
  sizeBytes: number
  /** Without quotes. */
  etag: string
  bodyId: string
  place: 'key' | 'bodies'
  checksum?: ObjectChecksum
  /** Of the upload that made it: a repeated completion finds its own result by it. */
  uploadId?: string
  partsCount?: number
  /** ISO instant from which it can be read although it lies in Glacier. Absent: from the start. */
  thawedAt?: string
  /** ISO instant until which it can be read although it lies in Glacier. */
  restoredUntil?: string
}

export interface DeleteMarker {
  deleteMarker: true
  versionId: string
  lastModified: string
}

export type VersionRecord = ObjectVersion | DeleteMarker

/** Newest first. */
export interface KeyRecord {
  key: string
  versions: VersionRecord[]
}

export interface BucketRecord {
  name: string
  createdAt: string
  region: string
  versioning?: 'Enabled' | 'Suspended'
  objectLock?: { mode?: 'GOVERNANCE' | 'COMPLIANCE'; days?: number; years?: number }
  /** Configurations that are kept and handed back as they were given, by their sub-resource's name. */
  settings: Record<string, string>
}

/** Where a finished part's bytes lie: a file of the upload's folder and an offset in it. */
export interface PartRecord {
  partNumber: number
  sizeBytes: number
  /** MD5 in hex. */
  etag: string
  lastModified: string
  checksum?: { algorithm: ChecksumAlgorithm; value: string }
  file: string
  offset: number
}

/** A part of a finished object, as GetObject and GetObjectAttributes tell of it. */
export interface ObjectPart {
  partNumber: number
  sizeBytes: number
  etag: string
  checksum?: string
}

export interface UploadRecord {
  uploadId: string
  key: string
  initiatedAt: string
  attributes: ObjectAttributes
  checksum?: { algorithm: ChecksumAlgorithm; type: ChecksumType }
}

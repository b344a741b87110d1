import { GetObjectLegalHoldCommand, PutObjectLegalHoldCommand, type S3Client } from '@aws-sdk/client-s3'
import type { HoldStore } from './version-store.ts'
import { errorCode, storeFact } from './s3-errors.ts'
import { lockRefusal } from './s3-object-lock.ts'

/** `HoldStore` on Amazon S3. */
export class S3HoldStore implements HoldStore {
  readonly #client: S3Client
  readonly #bucket: string

  constructor(client: S3Client, bucket: string) {
    this.#client = client
    this.#bucket = bucket
  }

  async holdOf(key: string, versionId: string): Promise<boolean> {
    const question = new GetObjectLegalHoldCommand({ Bucket: this.#bucket, Key: key, VersionId: versionId })
    try {
      // Not asked with HeadObject: that leaves a hold out for those who may not see it.
      return (await this.#client.send(question)).LegalHold?.Status === 'ON'
    } catch (error) {
      if (errorCode(error) === 'NoSuchObjectLockConfiguration') return false
      throw this.#fact(error, key, 'see the legal hold of')
    }
  }

  async setHold(key: string, versionId: string, on: boolean): Promise<void> {
    const LegalHold = { Status: on ? ('ON' as const) : ('OFF' as const) }
    const order = new PutObjectLegalHoldCommand({ Bucket: this.#bucket, Key: key, VersionId: versionId, LegalHold })
    try {
      await this.#client.send(order)
    } catch (error) {
      throw this.#fact(error, key, on ? 'hold' : 'release')
    }
  }

  #fact(error: unknown, key: string, verb: string): Error {
    return lockRefusal(error, this.#bucket, key) ?? storeFact(error, { bucket: this.#bucket, key, verb })
  }
}

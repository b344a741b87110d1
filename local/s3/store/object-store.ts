/** All buckets of a directory. */
import { accessSync, constants, mkdirSync, readdirSync, rmdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { S3Error } from '../errors.ts'
import { BucketStore } from './bucket-store.ts'
import { readJson, replaceJson } from './durable-file.ts'
import { bucketPaths } from './layout.ts'
import type { BucketRecord } from './records.ts'

export class ObjectStore {
  readonly directory: string
  readonly #buckets = new Map<string, BucketStore>()

  /** Reads everything that is there and finishes what a kill interrupted. @throws when the directory can't be written */
  constructor(directory: string) {
    this.directory = directory
    const meta = join(directory, '.s3')
    mkdirSync(meta, { recursive: true })
    accessSync(directory, constants.W_OK)
    accessSync(meta, constants.W_OK)
    for (const name of readdirSync(meta)) {
      const record = readJson<BucketRecord>(bucketPaths(directory, name).record)
      if (record) this.#buckets.set(name, new BucketStore(directory, record))
    }
  }

  list(): BucketStore[] {
    return [...this.#buckets.values()].toSorted((a, b) => (a.record.name < b.record.name ? -1 : 1))
  }

  find(name: string): BucketStore | undefined {
    return this.#buckets.get(name)
  }

  /** @throws S3Error NoSuchBucket */
  bucket(name: string): BucketStore {
    const bucket = this.#buckets.get(name)
    if (bucket === undefined) throw new S3Error('NoSuchBucket', { details: [['BucketName', name]] })
    return bucket
  }

  create(record: BucketRecord): BucketStore {
    const paths = bucketPaths(this.directory, record.name)
    mkdirSync(paths.meta, { recursive: true })
    replaceJson(paths.record, record)
    const bucket = new BucketStore(this.directory, record)
    this.#buckets.set(record.name, bucket)
    return bucket
  }

  /** Open uploads go with it, as in S3. Files in its folder that aren't ours stay. @throws S3Error BucketNotEmpty */
  delete(bucket: BucketStore): void {
    if (bucket.keys.size > 0) throw new S3Error('BucketNotEmpty', { details: [['BucketName', bucket.record.name]] })
    for (const upload of bucket.uploads.inOrder()) bucket.uploads.remove(upload)
    this.#buckets.delete(bucket.record.name)
    rmSync(bucket.paths.record, { force: true })
    rmSync(bucket.paths.meta, { recursive: true, force: true })
    try {
      rmdirSync(bucket.paths.objects)
    } catch {
      // Someone keeps files of their own in there.
    }
  }
}

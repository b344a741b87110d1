/** One bucket on disk with its index in memory. `layout.ts` tells where things lie and why a commit is safe. */
import { randomBytes } from 'node:crypto'
import { mkdirSync, openSync, readdirSync, renameSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { readJson, replaceJson, settle } from './durable-file.ts'
import { OrderedMap } from './key-order.ts'
import {
  type BucketPaths,
  bucketPaths,
  exists,
  keyRecordPath,
  makeRoom,
  newBodyId,
  plainPath,
  removeEmptyFolders,
} from './layout.ts'
import type { BucketRecord, DeleteMarker, KeyRecord, ObjectPart, ObjectVersion, VersionRecord } from './records.ts'
import { UploadStore } from './upload-store.ts'

/** A version to be stored: the bucket decides on its id and place. Its bytes wait in `bodies` under `bodyId`. */
export type NewVersion = Omit<ObjectVersion, 'versionId' | 'place'>

export class BucketStore {
  readonly paths: BucketPaths
  record: BucketRecord
  readonly keys = new OrderedMap<KeyRecord>()
  readonly uploads: UploadStore
  /** Writes under a condition that are under way, by key: a deletion in between is S3's 409. */
  readonly #watches = new Map<string, Set<{ deleted: boolean }>>()

  constructor(directory: string, record: BucketRecord) {
    this.paths = bucketPaths(directory, record.name)
    this.record = record
    for (const path of [this.paths.objects, this.paths.keys, this.paths.bodies, this.paths.parts, this.paths.uploads]) {
      mkdirSync(path, { recursive: true })
    }
    const bodies = this.#load()
    this.uploads = new UploadStore(this.paths, bodies)
    this.#sweep(bodies)
  }

  /** Read all records; returns the ids of all bodies in use. */
  #load(): Set<string> {
    const bodies = new Set<string>()
    for (const file of readdirSync(this.paths.keys, { recursive: true, withFileTypes: true })) {
      if (!file.isFile()) continue
      const path = join(file.parentPath, file.name)
      const record = file.name.endsWith('.json') ? readJson<KeyRecord>(path) : undefined
      if (record === undefined) {
        rmSync(path, { force: true })
        continue
      }
      this.keys.set(record.key, record)
      for (const version of record.versions) if (version.deleteMarker !== true) bodies.add(version.bodyId)
      this.#finishMove(record)
    }
    return bodies
  }

  /** A kill between commit and move leaves the current body in `bodies`. */
  #finishMove(record: KeyRecord): void {
    const current = record.versions[0]
    if (current === undefined || current.deleteMarker === true || current.place !== 'key') return
    const waiting = this.#bodyPath(current.bodyId)
    const path = plainPath(this.paths, record.key)
    if (path !== undefined && exists(waiting) && makeRoom(path)) renameSync(waiting, path)
  }

  #sweep(bodies: ReadonlySet<string>): void {
    for (const name of readdirSync(this.paths.bodies)) {
      if (!bodies.has(name)) rmSync(join(this.paths.bodies, name), { force: true })
    }
    for (const name of readdirSync(this.paths.parts)) {
      if (!bodies.has(name.replace(/\.json$/, ''))) rmSync(join(this.paths.parts, name), { force: true })
    }
  }

  saveRecord(change: Partial<BucketRecord>): void {
    this.record = { ...this.record, ...change }
    replaceJson(this.paths.record, this.record)
  }

  /** The current object; `undefined` when there is none or it is deleted. */
  current(key: string): ObjectVersion | undefined {
    const version = this.keys.get(key)?.versions[0]
    return version === undefined || version.deleteMarker === true ? undefined : version
  }

  version(key: string, versionId: string): VersionRecord | undefined {
    return this.keys.get(key)?.versions.find((version) => version.versionId === versionId)
  }

  newBody(key: string): { bodyId: string; path: string } {
    const bodyId = newBodyId(key)
    return { bodyId, path: this.#bodyPath(bodyId) }
  }

  #bodyPath(bodyId: string): string {
    return join(this.paths.bodies, bodyId)
  }

  /** Open at once, in the same turn as the version was looked up: the next commit may move the file. */
  openBody(key: string, version: ObjectVersion): number {
    const plain = version.place === 'key' ? plainPath(this.paths, key) : undefined
    const path = plain ?? this.#bodyPath(version.bodyId)
    try {
      return openSync(path, 'r')
    } catch (cause) {
      throw new Error(`The bytes of ${this.record.name}/${key} are missing on disk: ${path}`, { cause })
    }
  }

  saveParts(bodyId: string, parts: readonly ObjectPart[]): void {
    replaceJson(join(this.paths.parts, `${bodyId}.json`), parts)
  }

  parts(version: ObjectVersion): ObjectPart[] {
    return readJson<ObjectPart[]>(join(this.paths.parts, `${version.bodyId}.json`)) ?? []
  }

  /** Watch for deletions of a key while a conditional write to it is under way. */
  watch(key: string): { deleted: boolean; stop: () => void } {
    const watches = this.#watches.get(key) ?? new Set()
    this.#watches.set(key, watches)
    const watch = {
      deleted: false,
      stop: () => {
        watches.delete(watch)
        if (watches.size === 0) this.#watches.delete(key)
      },
    }
    watches.add(watch)
    return watch
  }

  #noteDeletion(key: string): void {
    for (const watch of this.#watches.get(key) ?? []) watch.deleted = true
  }

  /** Make a version the current one. On a bucket without versioning it replaces what was there. */
  put(key: string, version: NewVersion): ObjectVersion {
    const versionId = this.record.versioning === 'Enabled' ? newVersionId() : 'null'
    const older = this.#versions(key).filter((other) => other.versionId !== versionId)
    const placed: ObjectVersion = { ...version, versionId, place: 'bodies' }
    this.#commit(key, [placed, ...older])
    return this.current(key) ?? placed
  }

  /** Delete without a version: for good on a bucket without versioning, else with a marker, which is returned. */
  deleteCurrent(key: string, now: Date): DeleteMarker | undefined {
    this.#noteDeletion(key)
    if (this.record.versioning === undefined) {
      this.#commit(key, [])
      return undefined
    }
    const versionId = this.record.versioning === 'Enabled' ? newVersionId() : 'null'
    const marker: DeleteMarker = { deleteMarker: true, versionId, lastModified: now.toISOString() }
    this.#commit(key, [marker, ...this.#versions(key).filter((other) => other.versionId !== versionId)])
    return marker
  }

  deleteVersion(key: string, versionId: string): void {
    this.#noteDeletion(key)
    this.#commit(
      key,
      this.#versions(key).filter((version) => version.versionId !== versionId),
    )
  }

  /** Change what is recorded of a version: tags, retention, hold. */
  amend(key: string, versionId: string, change: (version: ObjectVersion) => ObjectVersion): void {
    const versions = this.#versions(key).map((version) =>
      version.versionId === versionId && version.deleteMarker !== true ? change(version) : version,
    )
    this.#commit(key, versions)
  }

  #versions(key: string): readonly VersionRecord[] {
    return this.keys.get(key)?.versions ?? []
  }

  /** The only way a key changes. Synchronous from first to last: no request sees it half done. */
  #commit(key: string, after: VersionRecord[]): void {
    const before = this.#versions(key)
    const plain = plainPath(this.paths, key)
    const old = before[0]
    const next = after[0]
    const lifted =
      old !== undefined && old.deleteMarker !== true && old.place === 'key' && !sameBody(old, next) ? old : undefined
    if (lifted && plain !== undefined) renameSync(plain, this.#bodyPath(lifted.bodyId))
    try {
      const record: KeyRecord = { key, versions: after.map((version, at) => this.#placed(version, at, plain, old)) }
      this.#writeRecord(record)
    } catch (cause) {
      if (lifted && plain !== undefined) renameSync(this.#bodyPath(lifted.bodyId), plain)
      throw cause
    }
    this.#moveIntoPlace(key, plain)
    this.#dropBodies(before, after)
    if (plain !== undefined && lifted && this.current(key)?.place !== 'key') removeEmptyFolders(this.paths, plain)
  }

  #placed(
    version: VersionRecord,
    at: number,
    plain: string | undefined,
    old: VersionRecord | undefined,
  ): VersionRecord {
    if (version.deleteMarker === true) return version
    if (at > 0) return { ...version, place: 'bodies' }
    if (version.place === 'key' && sameBody(version, old)) return version
    // Anything found there isn't ours, or is another key's on a file system that ignores case: it stays untouched.
    const free = plain !== undefined && makeRoom(plain) && !exists(plain)
    return { ...version, place: free ? 'key' : 'bodies' }
  }

  #writeRecord(record: KeyRecord): void {
    const path = keyRecordPath(this.paths, record.key)
    if (record.versions.length === 0) {
      rmSync(path, { force: true })
      this.keys.delete(record.key)
      return
    }
    mkdirSync(dirname(path), { recursive: true })
    replaceJson(path, record)
    this.keys.set(record.key, record)
  }

  #moveIntoPlace(key: string, plain: string | undefined): void {
    const current = this.current(key)
    if (plain === undefined || current?.place !== 'key') return
    const waiting = this.#bodyPath(current.bodyId)
    if (exists(waiting)) renameSync(waiting, plain)
  }

  #dropBodies(before: readonly VersionRecord[], after: readonly VersionRecord[]): void {
    for (const version of before) {
      if (version.deleteMarker === true || after.some((other) => sameBody(version, other))) continue
      rmSync(this.#bodyPath(version.bodyId), { force: true })
      rmSync(join(this.paths.parts, `${version.bodyId}.json`), { force: true })
    }
  }

  /** Wait until a key's record and place are on the disk: only then may the client hear of success. */
  async settleKey(key: string): Promise<void> {
    const record = keyRecordPath(this.paths, key)
    const plain = this.current(key)?.place === 'key' ? plainPath(this.paths, key) : undefined
    await settle(record, dirname(record), plain === undefined ? this.paths.bodies : dirname(plain))
  }
}

function sameBody(a: VersionRecord | undefined, b: VersionRecord | undefined): boolean {
  return (
    a !== undefined && b !== undefined && a.deleteMarker !== true && b.deleteMarker !== true && a.bodyId === b.bodyId
  )
}

/** Looks like S3's: 32 characters without meaning. */
function newVersionId(): string {
  return randomBytes(24).toString('base64url').replaceAll('-', '.')
}

import { ObjectFrozen } from '../../functions/contracts/errors.ts'
import type { StoredText } from '../../functions/aws/archive-store.ts'
import type { JudgedVersion, StoredVersion, VersionRemoval } from '../../functions/aws/version-store.ts'
import { archiveFolder, manifestKey, verificationKey } from '../../functions/domain/books/object-keys.ts'
import type { Random } from '../chaos/random.ts'
import { manifestOf } from './manifest.ts'
import { MemoryStore } from './memory-store.ts'
import { MemoryVersions } from './memory-versions.ts'

const DAY = 86_400_000
const guest = { kind: 'vm', id: '100', name: 'web', node: 'pve1' } as const
const OWNERS = [undefined, { id: 'first', witness: '1' }, { id: 'second', witness: '2' }] as const

/** A store in which objects have classes, as S3 has: what lies in Glacier isn't read. Counts what is. */
export class ClassyStore extends MemoryStore {
  readonly classes = new Map<string, string>()
  readonly read: string[] = []

  override async readText(key: string): Promise<StoredText | undefined> {
    if (!this.objects.has(key)) return undefined
    this.read.push(key)
    if (['GLACIER', 'DEEP_ARCHIVE', 'INTELLIGENT_TIERING'].includes(this.classes.get(key) ?? '')) {
      throw new ObjectFrozen(`${key} lies in Glacier`)
    }
    return super.readText(key)
  }
}

/** With classes, versions that are overwritten, and delete markers. */
export class ClassyVersions extends MemoryVersions {
  /** By key: versions behind the one that the store has, or behind a marker. */
  readonly older = new Map<string, StoredVersion[]>()
  readonly #classy: ClassyStore

  constructor(store: ClassyStore) {
    super(store)
    this.#classy = store
  }

  override async *listVersions(prefix: string): AsyncGenerator<StoredVersion, void, void> {
    const all: StoredVersion[] = []
    for await (const version of super.listVersions(prefix)) {
      all.push({ ...version, storageClass: this.#classy.classes.get(version.key) ?? 'STANDARD' })
    }
    for (const [key, versions] of this.older) if (key.startsWith(prefix)) all.push(...versions)
    yield* all.toSorted((a, b) => (a.key === b.key ? Number(b.latest) - Number(a.latest) : a.key < b.key ? -1 : 1))
  }

  override async removeVersion(version: JudgedVersion): Promise<VersionRemoval> {
    if (version.versionId === 'null') return super.removeVersion(version)
    const rest = (this.older.get(version.key) ?? []).filter(({ versionId }) => versionId !== version.versionId)
    this.older.set(version.key, rest)
    return { outcome: 'removed' }
  }
}

/** The archives of one guest id in a bucket, in all the states that a bucket can bring them into, drawn with a seed. */
export class MixedBucket {
  readonly store: ClassyStore
  readonly versions: ClassyVersions
  readonly #random: Random
  readonly #times: string[]
  /** Some buckets are in better order than others: of many states at once, everything would be kept. */
  readonly #mess: number

  constructor(random: Random, now: Date) {
    this.#random = random
    this.store = new ClassyStore(() => now)
    this.versions = new ClassyVersions(this.store)
    this.#mess = random.pick([0.1, 0.3, 1])
    const count = random.between(4, 12)
    this.#times = Array.from({ length: count }, (_, at) => new Date(now.getTime() - (count - at) * DAY).toISOString())
    for (const createdAt of this.#times) this.#draw(createdAt)
  }

  /** Draw some archives anew, in place: what an index said of them may be true no more. */
  change(): void {
    for (const createdAt of this.#times) if (this.#random.chance(0.3)) this.#draw(createdAt)
  }

  #odd(probability: number): boolean {
    return this.#random.chance(probability * this.#mess)
  }

  #draw(createdAt: string): void {
    const random = this.#random
    const folder = archiveFolder('', 'hq', guest, createdAt)
    for (const key of this.store.objects.keys()) if (key.startsWith(folder) && random.chance(0.8)) this.#drop(key)
    const sizeBytes = this.#odd(0.2) ? 300 : random.between(95, 105)
    this.#put(`${folder}disk`, 'x'.repeat(this.#odd(0.15) ? 5 : sizeBytes))
    if (this.#odd(0.1)) this.#drop(`${folder}disk`)
    if (random.chance(0.2)) this.#put(`${folder}theirs`, 'not ours')
    if (random.chance(0.5)) this.#put(`${folder}log`, 'log')
    if (!this.#odd(0.15)) this.#put(manifestKey(folder), this.#manifest(folder, createdAt, sizeBytes))
    if (random.chance(0.5)) this.#put(verificationKey(folder), this.#verification())
    if (this.#odd(0.2)) this.#hide(random.pick([manifestKey(folder), `${folder}disk`, verificationKey(folder)]))
    for (const key of [manifestKey(folder), verificationKey(folder)]) {
      const storageClass = random.pick(['STANDARD_IA', 'GLACIER', 'DEEP_ARCHIVE', 'INTELLIGENT_TIERING'])
      if (this.#odd(0.2)) this.store.classes.set(key, storageClass)
    }
    if (random.chance(0.2)) this.versions.locks.set(`${folder}disk`, { legalHold: true })
  }

  #manifest(folder: string, createdAt: string, sizeBytes: number): string {
    const random = this.#random
    if (this.#odd(0.2)) return random.pick(['', '{"version":', '<html></html>', '{"version":9}'])
    const owner = this.#odd(0.5) ? random.pick(OWNERS) : OWNERS[1]
    const bare = manifestOf(this.#odd(0.1) ? '2026-01-01T00:00:00.000Z' : createdAt, [sizeBytes], {
      ...guest,
      ...(owner === undefined ? {} : { identity: owner }),
    })
    const artifacts = bare.artifacts.map((one) => ({ ...one, key: `${folder}disk`, fileName: 'disk' }))
    const compress = this.#odd(0.2) ? 'gzip' : 'zstd'
    return JSON.stringify({
      ...bare,
      writtenAt: this.#odd(0.1) ? '2030-01-01T00:00:00.000Z' : createdAt,
      // Nobody wrote the same twice: its time is part of it.
      runId: `run-${random.between(0, 1e9)}`,
      verdict: { ...bare.verdict, ...(this.#odd(0.2) ? { unmet: true } : {}) },
      backup: {
        ...bare.backup,
        compress,
        protected: this.#odd(0.3) ? random.pick<unknown>([true, 'so to speak']) : false,
      },
      artifacts,
      sideFiles: this.#odd(0.3) ? random.pick([['elsewhere/log'], undefined]) : [`${folder}log`],
    })
  }

  #verification(): string {
    const random = this.#random
    if (this.#odd(0.2)) return random.pick(['', '{"version":9}', '<html></html>'])
    const result = this.#odd(0.4) ? random.pick(['refused', 'not-verified']) : 'accepted'
    const verifiedAt = new Date(1.79e12 + random.between(0, 1e9)).toISOString()
    return JSON.stringify({ version: 1, verifiedAt, tool: 't', result, findings: [], notes: [], evidence: [] })
  }

  #put(key: string, text: string): void {
    if (this.#random.chance(0.1)) this.#keepVersion(key)
    this.store.classes.delete(key)
    // MemoryStore writes before it returns its promise.
    void this.store.writeText(key, text)
  }

  #drop(key: string): void {
    this.store.objects.delete(key)
    this.store.classes.delete(key)
    this.versions.locks.delete(key)
  }

  #keepVersion(key: string, marker = false): void {
    const found = this.store.objects.get(key)
    const kept = this.versions.older.get(key) ?? []
    if (found === undefined) return
    const rest = { key, writtenAt: found.writtenAt ?? '', storageClass: 'STANDARD' }
    const version = {
      ...rest,
      versionId: `v${this.#random.between(0, 1e9)}`,
      latest: false,
      deleteMarker: false,
      sizeBytes: found.body.length,
      etag: found.etag,
    }
    const hiding = { ...rest, versionId: `m${kept.length}`, latest: true, deleteMarker: true, sizeBytes: 0 }
    this.versions.older.set(key, [...(marker ? [hiding] : []), version, ...kept.filter(({ latest }) => !latest)])
  }

  /** As a removal without a version does. */
  #hide(key: string): void {
    this.#keepVersion(key, true)
    this.#drop(key)
  }
}

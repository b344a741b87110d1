import type {
  JudgedVersion,
  StoredVersion,
  VersionLock,
  VersionRemoval,
  VersionStore,
} from '../../functions/aws/version-store.ts'
import type { MemoryStore } from './memory-store.ts'

/** The versions of a memory store, which has one of each object. */
export class MemoryVersions implements VersionStore {
  readonly bucket = 'memory'
  /** What holds objects, by key. */
  readonly locks = new Map<string, VersionLock>()
  /** Keys whose end was asked for, in this order, locked ones included. */
  readonly asked: string[] = []
  readonly #store: MemoryStore

  constructor(store: MemoryStore) {
    this.#store = store
  }

  async *listVersions(prefix: string): AsyncGenerator<StoredVersion, void, void> {
    for (const { key, writtenAt } of await this.#store.listDatedKeys(prefix)) {
      const { body, etag } = this.#store.objects.get(key) ?? { body: Buffer.alloc(0), etag: '' }
      const sizeBytes = body.length
      const rest = { versionId: 'null', etag, latest: true, deleteMarker: false, storageClass: 'STANDARD' }
      yield { key, sizeBytes, writtenAt, ...rest }
    }
  }

  async lockOf(key: string): Promise<VersionLock | undefined> {
    return this.locks.get(key)
  }

  async removeVersion({ key, etag }: JudgedVersion): Promise<VersionRemoval> {
    this.asked.push(key)
    const lock = this.locks.get(key)
    if (lock !== undefined) return { outcome: 'locked', lock }
    const removed = await this.#store.remove(key, etag === undefined ? undefined : { etag })
    return { outcome: removed ? 'removed' : 'changed' }
  }
}

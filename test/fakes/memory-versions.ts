import type { StoredVersion, VersionRemoval, VersionStore } from '../../functions/aws/version-store.ts'
import type { MemoryStore } from './memory-store.ts'

/** The versions of a memory store, which has one of each object and no locks. */
export class MemoryVersions implements VersionStore {
  readonly bucket = 'memory'
  readonly #store: MemoryStore

  constructor(store: MemoryStore) {
    this.#store = store
  }

  async *listVersions(prefix: string): AsyncGenerator<StoredVersion, void, void> {
    for (const { key, writtenAt } of await this.#store.listDatedKeys(prefix)) {
      const sizeBytes = this.#store.objects.get(key)?.body.length ?? 0
      const rest = { versionId: 'null', latest: true, deleteMarker: false, storageClass: 'STANDARD' }
      yield { key, sizeBytes, writtenAt, ...rest }
    }
  }

  async lockOf(): Promise<undefined> {
    return undefined
  }

  async removeVersion(key: string): Promise<VersionRemoval> {
    await this.#store.remove(key)
    return { outcome: 'removed' }
  }
}

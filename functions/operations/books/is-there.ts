import type { ArchiveStore } from '../../aws/archive-store.ts'

/** Whether there is an object, for those who may list the bucket and not read what lies there. */
export async function isThere(store: Pick<ArchiveStore, 'listKeys'>, key: string): Promise<boolean> {
  return (await store.listKeys(key)).includes(key)
}

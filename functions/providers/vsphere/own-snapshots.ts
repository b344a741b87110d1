import type { SnapshotEntry } from '../../vsphere-api/snapshot-tree.ts'
import { isOurs, type Mark, markOf, type Owner } from './identifiers.ts'

/** `createdAt` is by the server's clock: where the tree doesn't say it, when its backup began. */
export type OwnSnapshot = SnapshotEntry & { mark: Mark; createdAt: string }

/** Snapshots that this site's backups made, in this installation. */
export function ownSnapshots(tree: readonly SnapshotEntry[], owner: Owner): OwnSnapshot[] {
  return tree.flatMap((entry) => {
    const mark = markOf(entry.name, entry.description)
    const isOwn = mark !== undefined && isOurs(mark, owner)
    return isOwn ? [{ ...entry, mark, createdAt: entry.createdAt ?? mark.at }] : []
  })
}

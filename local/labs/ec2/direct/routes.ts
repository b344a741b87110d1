/** Paths of EBS direct, and what each asks for. */
import type { Operation } from './call.ts'
import { getSnapshotBlock, listChangedBlocks, listSnapshotBlocks } from './reads.ts'
import { completeSnapshot, putSnapshotBlock, startSnapshot } from './writes.ts'

const OPERATIONS: { name: string; method: string; path: RegExp; operation: Operation }[] = [
  { name: 'StartSnapshot', method: 'POST', path: /^\/snapshots$/, operation: startSnapshot },
  { name: 'CompleteSnapshot', method: 'POST', path: /^\/snapshots\/completion\/([^/]+)$/, operation: completeSnapshot },
  { name: 'ListSnapshotBlocks', method: 'GET', path: /^\/snapshots\/([^/]+)\/blocks$/, operation: listSnapshotBlocks },
  {
    name: 'ListChangedBlocks',
    method: 'GET',
    path: /^\/snapshots\/([^/]+)\/changedblocks$/,
    operation: listChangedBlocks,
  },
  {
    name: 'GetSnapshotBlock',
    method: 'GET',
    path: /^\/snapshots\/([^/]+)\/blocks\/(\d+)$/,
    operation: getSnapshotBlock,
  },
  {
    name: 'PutSnapshotBlock',
    method: 'PUT',
    path: /^\/snapshots\/([^/]+)\/blocks\/(\d+)$/,
    operation: putSnapshotBlock,
  },
]

export interface DirectRoute {
  name: string
  operation: Operation
  snapshotId: string
  blockIndex: number
}

export function directRoute(method: string, path: string): DirectRoute | undefined {
  for (const { name, method: of, path: pattern, operation } of OPERATIONS) {
    const found = of === method ? pattern.exec(path) : null
    if (found !== null)
      return { name, operation, snapshotId: decodeURIComponent(found[1] ?? ''), blockIndex: Number(found[2] ?? 0) }
  }
  return undefined
}

/** Reading snapshots: which blocks there are, which differ, and their bytes. */
import { BLOCK_BYTES, blocksOf, placeOf } from '../disk.ts'
import { invalid, notFound } from '../errors.ts'
import type { LabSnapshot } from '../world.ts'
import { type DirectAnswer, type DirectCall, numberIn, type Operation, readable } from './call.ts'

/** A page of a listing: some indexes, and the token for those that follow. */
function page(
  call: DirectCall,
  of: string,
  indexes: readonly number[],
): { part: readonly number[]; nextToken?: string } {
  const { query, tokens, world } = call
  const asked = numberIn(query, 'maxResults') ?? 10_000
  if (asked < 100 || asked > 10_000)
    throw invalid('INVALID_PARAMETER_VALUE', `maxResults is ${asked}: give 100 to 10000.`)
  const token = query.get('pageToken')
  const from =
    token === null
      ? { next: numberIn(query, 'startingBlockIndex') ?? 0, empty: world.settings.emptyFirstPage }
      : tokens.readPage(token, of)
  if (from.empty) return { part: [], nextToken: tokens.page({ of, next: from.next, empty: false }) }
  const start = placeOf(indexes, from.next)
  const end = start + Math.min(asked, world.settings.mostBlocksInPage)
  const part = indexes.slice(start, end)
  const next = indexes[end]
  // The page after the first is empty and yet not the last one, as AWS allows: a reader that stops there is wrong.
  return next === undefined ? { part } : { part, nextToken: tokens.page({ of, next, empty: token === null }) }
}

const about = ({ tokens }: DirectCall, { sizeGiB }: LabSnapshot, nextToken: string | undefined) => ({
  ExpiryTime: tokens.expiry(),
  VolumeSize: sizeGiB,
  BlockSize: BLOCK_BYTES,
  ...(nextToken === undefined ? {} : { NextToken: nextToken }),
})

export const listSnapshotBlocks: Operation = (call): DirectAnswer => {
  const { snapshotId, tokens } = call
  const snapshot = readable(call)
  const { part, nextToken } = page(call, `blocks ${snapshotId}`, snapshot.disk.indexes)
  const Blocks = part.map((index) => ({ BlockIndex: index, BlockToken: tokens.block(snapshotId, index) }))
  return { status: 200, json: { ...about(call, snapshot, nextToken), Blocks } }
}

function related(one: LabSnapshot, other: LabSnapshot): boolean {
  const sameVolume = one.volumeId === other.volumeId && one.volumeId !== 'vol-ffffffff'
  return sameVolume || one.parentId === other.id || other.parentId === one.id
}

export const listChangedBlocks: Operation = (call): DirectAnswer => {
  const { snapshotId, tokens, query } = call
  const second = readable(call)
  const firstId = query.get('firstSnapshotId')
  const first = firstId === null ? undefined : readable(call, firstId)
  if (first !== undefined && !related(first, second))
    throw invalid('UNRELATED_SNAPSHOTS', `The snapshots '${first.id}' and '${second.id}' are of different volumes.`)
  if (first !== undefined && first.sizeGiB > second.sizeGiB)
    throw invalid('INVALID_VOLUME_SIZE', `The snapshot '${first.id}' is of a larger volume than '${second.id}'.`)
  const all = [...new Set([...(first?.disk.indexes ?? []), ...second.disk.indexes])].toSorted((a, b) => a - b)
  const changed = first === undefined ? all : all.filter((index) => !first.disk.agrees(second.disk, index))
  const { part, nextToken } = page(call, `changes ${firstId ?? ''} ${snapshotId}`, changed)
  const ChangedBlocks = part.map((index) => ({
    BlockIndex: index,
    ...(first?.disk.has(index) === true ? { FirstBlockToken: tokens.block(first.id, index) } : {}),
    ...(second.disk.has(index) ? { SecondBlockToken: tokens.block(snapshotId, index) } : {}),
  }))
  return { status: 200, json: { ...about(call, second, nextToken), ChangedBlocks } }
}

export const getSnapshotBlock: Operation = (call): DirectAnswer => {
  const { snapshotId, blockIndex, query, rights, tokens } = call
  const snapshot = readable(call)
  const token = query.get('blockToken')
  if (token === null) throw invalid('INVALID_BLOCK_TOKEN', 'The request has no blockToken.')
  if (blockIndex >= blocksOf(snapshot.sizeGiB))
    throw invalid('INVALID_BLOCK', `The snapshot '${snapshotId}' has no block ${blockIndex}.`)
  tokens.checkBlock(token, snapshotId, blockIndex)
  if (!snapshot.disk.has(blockIndex)) throw notFound('BLOCK_NOT_FOUND', `The block ${blockIndex} was never written.`)
  if (snapshot.kmsKeyId !== undefined) rights.need('kms:Decrypt', snapshot.kmsKeyId)
  const { bytes, sum } = call.serve(snapshotId, blockIndex, snapshot.disk.read(blockIndex))
  return {
    status: 200,
    headers: { 'x-amz-Data-Length': String(BLOCK_BYTES), 'x-amz-Checksum': sum, 'x-amz-Checksum-Algorithm': 'SHA256' },
    bytes,
  }
}

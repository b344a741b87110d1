/** One call of EBS direct, as its operation sees it. */
import type { IncomingHttpHeaders } from 'node:http'
import { invalid, notFound, Refusal } from '../errors.ts'
import { carried, type Rights } from '../rights.ts'
import type { LabSnapshot, Region, World } from '../world.ts'
import type { Tokens } from './tokens.ts'

export interface DirectCall {
  world: World
  region: Region
  rights: Rights
  tokens: Tokens
  name: string
  /** The snapshot in the path, and the block. */
  snapshotId: string
  blockIndex: number
  query: URLSearchParams
  headers: IncomingHttpHeaders
  body: Uint8Array
  /** Bytes as they are served, and their sum as the header says it: what a test wants wrong is wrong here. */
  serve(snapshotId: string, index: number, bytes: Uint8Array): { bytes: Uint8Array; sum: string }
}

export interface DirectAnswer {
  status: number
  headers?: Record<string, string>
  json?: Record<string, unknown>
  bytes?: Uint8Array
}

export type Operation = (call: DirectCall) => DirectAnswer

const arn = ({ region }: DirectCall, id: string): string => `arn:aws:ec2:${region.name}::snapshot/${id}`

/** A snapshot that is there, and that the caller may do this to. */
export function snapshotFor(call: DirectCall, id = call.snapshotId): LabSnapshot {
  const { region, rights, name, world } = call
  if (!/^snap-[0-9a-f]+$/.test(id)) throw invalid('INVALID_SNAPSHOT_ID', `The snapshot id '${id}' is invalid.`)
  const snapshot = region.snapshots.get(id)
  if (snapshot !== undefined || world.settings.goneIsDenied)
    rights.need(`ebs:${name}`, arn(call, id), snapshot === undefined ? {} : carried(snapshot.tags))
  if (snapshot === undefined) throw notFound('SNAPSHOT_NOT_FOUND', `The snapshot '${id}' does not exist.`)
  if (snapshot.ownerId !== world.account)
    throw new Refusal(403, 'AccessDeniedException', 'The snapshot belongs to another account.', 'UNAUTHORIZED_ACCOUNT')
  return snapshot
}

/** One that can be read: finished, and in the tier where its blocks are at hand. */
export function readable(call: DirectCall, id = call.snapshotId): LabSnapshot {
  const snapshot = snapshotFor(call, id)
  if (snapshot.state !== 'completed')
    throw invalid(
      'INVALID_SNAPSHOT_ID',
      `The snapshot '${id}' is not in the 'completed' state (it is ${snapshot.state}).`,
    )
  if (snapshot.storageTier === 'archive')
    throw invalid('INVALID_SNAPSHOT_ID', `The snapshot '${id}' is in the archive tier. Restore it first.`)
  return snapshot
}

export function numberIn(query: URLSearchParams, name: string): number | undefined {
  const text = query.get(name)
  if (text === null) return undefined
  if (!/^\d+$/.test(text)) throw invalid('INVALID_PARAMETER_VALUE', `${name} is no number: '${text}'.`)
  return Number(text)
}

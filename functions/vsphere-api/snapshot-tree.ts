/** The snapshots of a virtual machine, as its `snapshot` property has them. Pure. */
import { childOf, childrenOf, type Ref, refOf, textOf, type Xml } from './xml.ts'

export interface SnapshotEntry {
  ref: Ref
  name: string
  description: string
  /** By the server's clock; absent where it can't be read. */
  createdAt: string | undefined
  quiesced: boolean
  /** 1 for one without a parent. */
  depth: number
}

/** Absent means none: a guest without snapshots has no such property. */
export function snapshotTree(snapshot: Xml | undefined): SnapshotEntry[] {
  return childrenOf(snapshot, 'rootSnapshotList').flatMap((entry) => entriesFrom(entry, 1))
}

function entriesFrom(xml: Xml, depth: number): SnapshotEntry[] {
  const ref = refOf(childOf(xml, 'snapshot'))
  const below = childrenOf(xml, 'childSnapshotList').flatMap((child) => entriesFrom(child, depth + 1))
  if (ref === undefined) return below
  const entry = {
    ref,
    name: textOf(childOf(xml, 'name')),
    description: textOf(childOf(xml, 'description')),
    createdAt: instantOf(childOf(xml, 'createTime')),
    quiesced: textOf(childOf(xml, 'quiesced')) === 'true',
    depth,
  }
  return [entry, ...below]
}

/** vSphere writes up to nine decimals, and a zone or `Z`. `undefined` for anything else: an unknown time is not an old one. */
export function instantOf(xml: Xml | undefined): string | undefined {
  const at = Date.parse(textOf(xml))
  return Number.isNaN(at) ? undefined : new Date(at).toISOString()
}

/** The snapshots of a virtual machine, as its `snapshot` property has them. Pure. */
import { childOf, childrenOf, type Ref, refOf, textOf, type Xml } from '../../vsphere-api/xml.ts'
import { isOurs, type Mark, markOf, type Owner } from './identifiers.ts'

export interface SnapshotEntry {
  ref: Ref
  name: string
  description: string
  /** By the server's clock. */
  createdAt: string
  quiesced: boolean
  /** 1 for one without a parent. */
  depth: number
  hasChildren: boolean
}

/** Absent means none: a guest without snapshots has no such property. */
export function snapshotTree(snapshot: Xml | undefined): SnapshotEntry[] {
  return childrenOf(snapshot, 'rootSnapshotList').flatMap((entry) => entriesFrom(entry, 1))
}

function entriesFrom(xml: Xml, depth: number): SnapshotEntry[] {
  const children = childrenOf(xml, 'childSnapshotList')
  const ref = refOf(childOf(xml, 'snapshot'))
  const below = children.flatMap((child) => entriesFrom(child, depth + 1))
  if (ref === undefined) return below
  const entry = {
    ref,
    name: textOf(childOf(xml, 'name')),
    description: textOf(childOf(xml, 'description')),
    createdAt: instantOf(textOf(childOf(xml, 'createTime'))),
    quiesced: textOf(childOf(xml, 'quiesced')) === 'true',
    depth,
    hasChildren: children.length > 0,
  }
  return [entry, ...below]
}

/** vSphere writes up to nine decimals, and a zone or `Z`; the beginning of time where it writes something else. */
export function instantOf(text: string): string {
  const at = Date.parse(text)
  return new Date(Number.isNaN(at) ? 0 : at).toISOString()
}

export type OwnSnapshot = SnapshotEntry & { mark: Mark }

/** Snapshots that this site's backups made, in this installation. */
export function ownSnapshots(tree: readonly SnapshotEntry[], owner: Owner): OwnSnapshot[] {
  return tree.flatMap((entry) => {
    const mark = markOf(entry.name, entry.description)
    return mark !== undefined && isOurs(mark, owner) ? [{ ...entry, mark }] : []
  })
}

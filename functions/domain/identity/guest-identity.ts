import type { GuestIdentity } from '../../contracts/nouns.ts'

/**
 * Whether two identities are of one guest. A missing witness says nothing; two different ones say that somebody gave
 * the same identity to two guests. `undefined`: at least one of them is unknown, and nothing follows.
 */
export function sameGuest(one: GuestIdentity | undefined, other: GuestIdentity | undefined): boolean | undefined {
  if (one === undefined || other === undefined) return undefined
  const contradicted = one.witness !== undefined && other.witness !== undefined && one.witness !== other.witness
  return one.id === other.id && !contradicted
}

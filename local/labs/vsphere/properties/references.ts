/** References to what the inventory holds, as values. */
import { list, ref, type Reference } from '../wire/values.ts'
import type { Entry } from '../world/world.ts'

export const refTo = ({ type, id }: { type: string; id: string }): Reference => ({ kind: 'reference', type, id })

export const refsTo = (entries: readonly Entry[]) => list('ManagedObjectReference', entries.map(refTo))

export const snapshotRef = (id: string): Reference => ref('VirtualMachineSnapshot', id)

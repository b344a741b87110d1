import { describe, expect, it } from 'vitest'
import { type GuestFilter, guestSelectionSchema } from '../../../../functions/contracts/selection.ts'
import type { SelectableGuest } from '../../../../functions/domain/selection/guest-filter.ts'
import { selectGuests } from '../../../../functions/domain/selection/guest-selection.ts'

const guest = (its: Partial<SelectableGuest>): SelectableGuest => ({
  id: '100',
  kind: 'vm',
  name: 'web01',
  node: 'pve1',
  state: 'running',
  template: false,
  tags: [],
  ...its,
})
const verdict = (its: Partial<SelectableGuest>, filter: GuestFilter) => {
  const [decision] = selectGuests([guest(its)], guestSelectionSchema.parse(filter)).decisions
  return decision?.verdict
}

/** One guest that is meant and one that isn't, and nothing else that could keep the second out. */
describe('a filter', () => {
  it.each<[string, GuestFilter, Partial<SelectableGuest>, Partial<SelectableGuest>]>([
    ['ids', { vmids: [100] }, {}, { id: '101' }],
    ['ranges', { ranges: ['100-199'] }, { id: '199' }, { id: '200' }],
    ['ranges from their first', { ranges: ['100-199'] }, { id: '100' }, { id: '99' }],
    ['names', { names: ['web*', 'db01'] }, { name: 'web01' }, { name: 'app01' }],
    ['the second of its names', { names: ['web*', 'db01'] }, { name: 'db01' }, { name: 'db02' }],
    ['tags', { tags: ['prod'] }, { tags: ['other', 'Prod'] }, { tags: ['production'] }],
    ['pools with their sub-pools', { pools: ['shop'] }, { pool: 'shop/test' }, { pool: 'shopping' }],
    ['pools without their sub-pools', { pools: ['shop'], subPools: false }, { pool: 'shop' }, { pool: 'shop/test' }],
    ['pools, and none', { pools: ['shop'] }, { pool: 'shop' }, {}],
    ['nodes', { nodes: ['pve1'] }, {}, { node: 'pve2' }],
    ['states', { states: ['running'] }, {}, { state: 'stopped' }],
    ['kinds', { kinds: ['container'] }, { kind: 'container' }, { kind: 'vm' }],
    ['the HA state', { ha: ['started'] }, { haState: 'started' }, { haState: 'error' }],
    ['being managed by HA', { ha: ['managed'] }, { haState: 'error' }, {}],
    ['not being managed by HA', { ha: ['unmanaged'] }, {}, { haState: 'started' }],
  ])('by %s chooses the one and leaves out the other', (_, filter, meant, other) => {
    expect(verdict(meant, filter)).toBe('chosen')
    expect(verdict(other, filter)).toBe('left-out')
    expect(verdict(other, { ...filter, exclude: { names: ['nobody'] } } as GuestFilter)).toBe('left-out')
  })
})

import { describe, expect, it } from 'vitest'
import type { GuestSelection } from '../../../../functions/contracts/selection.ts'
import { describeSelection } from '../../../../functions/domain/selection/describe-selection.ts'

describe('a selection in words', () => {
  it.each<[string, GuestSelection]>([
    ['guests 100, 101', { vmids: [100, 101] }],
    ['guests 100, 200-299', { vmids: [100], ranges: ['200-299'] }],
    ['all guests', { all: true }],
    ['all guests (templates too)', { all: true, templates: 'include' }],
    ['templates', { templates: 'only' }],
    ['all guests except those with tag scratch or test', { all: true, exclude: { tags: ['scratch', 'test'] } }],
    ['guests in pool a or b (without sub-pools)', { pools: ['a', 'b'], subPools: false }],
    ['all guests except templates in pool x', { all: true, exclude: { templates: 'only', pools: ['x'] } }],
    [
      'guests named web* in pool shop on node pve1 that are running of kind vm with HA started',
      { names: ['web*'], pools: ['shop'], nodes: ['pve1'], states: ['running'], kinds: ['vm'], ha: ['started'] },
    ],
  ])('%s', (words, selection) => {
    expect(describeSelection(selection)).toBe(words)
  })

  it('stays short for a long list', () => {
    const vmids = Array.from({ length: 10_000 }, (_, index) => 100 + index)
    expect(describeSelection({ vmids })).toMatch(/^guests 100, 101, .*119 and 9980 more$/)
  })
})

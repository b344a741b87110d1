import { expect, it } from 'vitest'
import { byTurnsOfNodes } from '../../../../functions/domain/selection/node-order.ts'

it('takes guests up by turns of their nodes, each node in its own order', () => {
  const items = ['1a', '2a', '3a', '4b', '5c', '6b'].map((text) => ({ guest: { id: text, node: text.slice(1) } }))
  expect(byTurnsOfNodes(items).map(({ guest }) => guest.id)).toEqual(['1a', '4b', '5c', '2a', '6b', '3a'])
  expect(byTurnsOfNodes([])).toEqual([])
})

/**
 * Guests in the order in which a run takes them up: the first of each node, then the second of each, and so on. A node
 * dumps one guest at a time, so in any other order the first ones could keep a run from the other nodes.
 */
export function byTurnsOfNodes<Item extends { guest: { node: string } }>(items: readonly Item[]): Item[] {
  const before = new Map<string, number>()
  const rounds = items.map((item) => {
    const round = before.get(item.guest.node) ?? 0
    before.set(item.guest.node, round + 1)
    return { item, round }
  })
  return rounds.toSorted((one, other) => one.round - other.round).map(({ item }) => item)
}

/** Dividing something among those who want it, first come first served where it doesn't reach for all. Pure. */

/** Less than `least` is of no use to it, more than `most` neither. */
export interface Demand {
  least: number
  most: number
}

/**
 * What each demand, in order, is due of `limit`. As many as can have their least are served, from the front; the first
 * always is, if only with what there is. They get equal shares, except where that is below one's least or above its
 * most: what one leaves or needs changes the share of the others. With
 * `whole`, whole needs and wishes yield whole shares.
 */
export function fairShares(demands: readonly Demand[], limit: number, whole: boolean): number[] {
  let needed = 0
  const served = demands.filter((demand, index) => {
    needed += demand.least
    return index === 0 || needed <= limit
  })
  const shares = new Map<Demand, number>()
  let left = limit
  // Those whose share isn't the equal one come first: the highest needs, then the lowest wishes.
  const byDeviation = served.toSorted((one, two) => two.least - one.least || one.most - two.most)
  for (const [index, demand] of byDeviation.entries()) {
    const equal = left / (served.length - index)
    const share = Math.min(left, demand.most, Math.max(demand.least, whole ? Math.floor(equal) : equal))
    shares.set(demand, share)
    left -= share
  }
  return demands.map((demand) => shares.get(demand) ?? 0)
}

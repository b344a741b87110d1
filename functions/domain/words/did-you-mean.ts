/** A guess at what was meant by a word that isn't known, for messages. */

/**
 * The known word that is nearest: the same but for case and separators (`keepLast`, `keep-last`), or with few letters
 * added, dropped, changed or swapped. `undefined` when none is near, or two are as near: a wrong guess is worse than none.
 */
export function didYouMean(word: string, known: readonly string[]): string | undefined {
  const ranked = known
    .filter((one) => one !== word)
    .map((one) => ({ one, distance: editDistance(plain(word), plain(one)) }))
    .toSorted((a, b) => a.distance - b.distance)
  const [nearest, next] = ranked
  if (nearest === undefined || nearest.distance > mostEdits(word) || nearest.distance === next?.distance)
    return undefined
  return nearest.one
}

/** One in three letters, and at least one in a word of two or more. */
function mostEdits(word: string): number {
  return word.length < 2 ? 0 : Math.max(1, Math.floor(plain(word).length / 3))
}

function plain(word: string): string {
  return word.toLowerCase().replaceAll(/[\s_.-]/g, '')
}

/** Optimal string alignment: letters that are added, dropped or changed, and neighbours that are swapped, count as one each. */
function editDistance(from: string, to: string): number {
  let beforeLast: number[] = []
  let last = Array.from({ length: to.length + 1 }, (_, index) => index)
  for (let row = 1; row <= from.length; row += 1) {
    const current = [row]
    for (let column = 1; column <= to.length; column += 1) {
      const same = from[row - 1] === to[column - 1]
      const swapped = from[row - 1] === to[column - 2] && from[row - 2] === to[column - 1]
      current.push(
        Math.min(
          (last[column] ?? 0) + 1,
          (current[column - 1] ?? 0) + 1,
          (last[column - 1] ?? 0) + (same ? 0 : 1),
          swapped ? (beforeLast[column - 2] ?? 0) + 1 : Number.POSITIVE_INFINITY,
        ),
      )
    }
    beforeLast = last
    last = current
  }
  return last[to.length] ?? 0
}

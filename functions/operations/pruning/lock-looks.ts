/** Of how many archives a dry run asks S3 for locks: a request for each version, so not of all. */

/** One guest's share of the looks. */
export interface LockLooks {
  /** So many of those that it wants, once every guest before it has taken its own. */
  take(wanted: number): Promise<number>
  /** It takes none, or no more: the next guest's turn. */
  done(): void
}

/**
 * Hands looks out in the order in which it is called, however far each guest is: guests are worked on side by side, and
 * the outcome may not depend on who was faster.
 */
export function dealLockLooks(most: number): () => LockLooks {
  let before = Promise.resolve(most)
  return () => {
    const left = before
    const { promise, resolve } = Promise.withResolvers<number>()
    before = promise
    return {
      take: async (wanted) => {
        const there = await left
        const taken = Math.min(there, wanted)
        resolve(there - taken)
        return taken
      },
      done: () => void left.then(resolve),
    }
  }
}

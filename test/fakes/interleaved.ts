/** Several pieces of work over one store, of which one at a time makes one call: every interleaving can be tried. */

/** Nobody catches it: it is no Error. */
const death: unknown = Symbol('death')

export type Ending<Result> = { ended: 'done'; result: Result } | { ended: 'dead' } | { ended: 'failed'; error: unknown }

interface Actor {
  /** Calls that wait for their turn. */
  waiting: { go: () => void; die: () => void }[]
  calls: number
  finished: boolean
}

export interface Turn {
  actor: number
  /** Calls that it makes before the next turn; those that are left when it ends are nobody's. */
  calls: number
}

/**
 * Run pieces of work by turns, each call of a store a step; behind the last turn they end one after the other. `diesAt`
 * says at which call of its own an actor dies: from then on none of its calls arrives.
 */
export async function interleave<Result>(
  works: readonly ((wrap: <Store extends object>(store: Store) => Store) => Promise<Result>)[],
  turns: readonly Turn[],
  diesAt: Readonly<Record<number, number>> = {},
): Promise<{ endings: Ending<Result>[]; calls: number[] }> {
  const actors: Actor[] = works.map(() => ({ waiting: [], calls: 0, finished: false }))
  const endings: Promise<Ending<Result>>[] = works.map(async (work, index) => {
    const actor = actors[index]
    if (actor === undefined) throw new Error('no such actor')
    try {
      return { ended: 'done', result: await work((store) => gated(store, actor)) } as const
    } catch (error) {
      return error === death ? ({ ended: 'dead' } as const) : ({ ended: 'failed', error } as const)
    } finally {
      actor.finished = true
    }
  })
  const step = async (index: number): Promise<boolean> => {
    const actor = actors[index]
    if (actor === undefined) return false
    await settle(() => actor.finished || actor.waiting.length > 0)
    const call = actor.waiting.shift()
    if (call === undefined) return false
    actor.calls += 1
    if (actor.calls >= (diesAt[index] ?? Number.POSITIVE_INFINITY)) call.die()
    else call.go()
    return true
  }
  for (const { actor, calls } of turns) {
    for (let made = 0; made < calls; made += 1) if (!(await step(actor))) break
  }
  for (const index of actors.keys()) while (await step(index));
  return { endings: await Promise.all(endings), calls: actors.map(({ calls }) => calls) }
}

/** What was begun goes as far as it can without a further call: in memory, a few rounds of the loop. */
async function settle(isReached: () => boolean): Promise<void> {
  do {
    await new Promise((resolve) => setImmediate(resolve))
  } while (!isReached())
}

function gated<Store extends object>(store: Store, actor: Actor): Store {
  const turn = () => new Promise<void>((go, die) => actor.waiting.push({ go, die: () => die(death) }))
  return new Proxy(store, {
    get(target, name) {
      const method: unknown = Reflect.get(target, name)
      if (typeof method !== 'function') return method
      // Listings are generators, and one page is one call.
      if (name === 'listVersions' || name === 'listObjects') {
        return async function* (...args: unknown[]): AsyncGenerator {
          await turn()
          const all: unknown[] = []
          for await (const one of method.apply(target, args) as AsyncIterable<unknown>) all.push(one)
          yield* all
        }
      }
      return async (...args: unknown[]): Promise<unknown> => {
        await turn()
        return method.apply(target, args)
      }
    },
  })
}

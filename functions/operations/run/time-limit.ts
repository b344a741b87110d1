import type { Ports } from '../ports.ts'

/** For a test that has to end: how long it may take, and what is tried again meanwhile. */
export interface TimeLimit {
  milliseconds: number
  /** Nobody answered, which may be different in a moment. Anything else is a clear answer and ends the test at once. */
  mayPass: (error: unknown) => boolean
  /** The test's error when its time is over. `last` is why the last try failed; `undefined` when no try has ended. */
  late: (last: unknown) => Error
}

const PAUSE_MILLISECONDS = 2_000

/**
 * Try something, and again while nobody answers, until the time is over. A try that is under way by then is left to its
 * own time limits: nobody waits for it any more.
 * @throws what `attempt` throws where that is clear, else what `late` makes of it
 */
export async function withinTime<Result>(
  { milliseconds, mayPass, late }: TimeLimit,
  { now, sleep, timer }: Pick<Ports, 'now' | 'sleep' | 'timer'>,
  attempt: () => Promise<Result>,
): Promise<Result> {
  const begunAt = now().getTime()
  let [over, last]: [boolean, unknown] = [false, undefined]
  const expiry = Promise.withResolvers<never>()
  const cancel = timer(milliseconds, () => expiry.reject(late(last)))
  const work = async (): Promise<Result> => {
    for (;;) {
      try {
        return await attempt()
      } catch (error) {
        if (!mayPass(error)) throw error
        last = error
        const leftMilliseconds = milliseconds - (now().getTime() - begunAt)
        if (over || leftMilliseconds <= PAUSE_MILLISECONDS) throw late(error)
        await sleep(PAUSE_MILLISECONDS)
      }
    }
  }
  try {
    return await Promise.race([work(), expiry.promise])
  } finally {
    over = true
    cancel()
  }
}

/** What the answers to the test of a store mean. */

/**
 * Whether a store refused a request for what a header of it asks, by status 501, or by 400 with words about it: then it
 * can do the rest without.
 */
export function refusesHeader(error: unknown, words: RegExp): boolean {
  for (let one = error; one instanceof Error; one = one.cause) {
    const status = statusOf(one)
    if (status === 501 || (status === 400 && words.test(`${one.name} ${one.message}`))) return true
  }
  return false
}

/** As the SDK's errors have it. */
function statusOf(error: object): unknown {
  const metadata: unknown = Reflect.get(error, '$metadata')
  return typeof metadata === 'object' && metadata !== null ? Reflect.get(metadata, 'httpStatusCode') : undefined
}

/** At the same time, and all of them over before the first failure is told: what they leave behind is known by then. */
export async function together<Works extends readonly Promise<unknown>[]>(
  works: readonly [...Works],
): Promise<{ -readonly [Index in keyof Works]: Awaited<Works[Index]> }> {
  await Promise.allSettled(works)
  return (await Promise.all(works)) as { -readonly [Index in keyof Works]: Awaited<Works[Index]> }
}

/** Lists that come a page at a time. */
import { NotAnObjectStore } from '../contracts/errors.ts'

/** What S3 says of a page, and where the next one begins. */
export interface Page<Answer, Marker> {
  answer: Answer
  truncated: boolean | undefined
  next: Marker | undefined
}

/**
 * All pages of a list. A list that breaks off without saying where it goes on would look short, and one that goes on
 * where it has been before would never end.
 * @throws NotAnObjectStore
 */
export async function* allPages<Answer, Marker>(
  list: string,
  ask: (marker: Marker | undefined) => Promise<Page<Answer, Marker>>,
): AsyncGenerator<Answer, void, void> {
  const seen = new Set<string>()
  let marker: Marker | undefined
  for (;;) {
    const { answer, truncated, next } = await ask(marker)
    yield answer
    if (truncated !== true) return
    if (next === undefined)
      throw new NotAnObjectStore(`${list} breaks off without saying where it goes on. ${unusable}`)
    const place = JSON.stringify(next)
    if (seen.has(place)) throw new NotAnObjectStore(`${list} goes round in circles. ${unusable}`)
    seen.add(place)
    marker = next
  }
}

const unusable =
  'Nothing can be concluded from it. Check the endpoint: it has to be S3, or a store that lists as S3 does.'

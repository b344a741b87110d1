/** Reports as pages: no script, no server, no network, no other file. */
import { escaped, pageHead } from '../domain/words/html.ts'
import { REPORT_STYLE } from './style.ts'

/**
 * A whole page around its body, in pieces.
 * @param sha256 base64 of the digest of a text in UTF-8
 */
export function* page(
  title: string,
  body: Iterable<string>,
  sha256: (text: string) => string,
): Generator<string, void, void> {
  yield pageHead({ title, style: REPORT_STYLE }, sha256)
  yield* body
  yield `</body>
</html>
`
}

/** A number with what it counts, for the row of figures at the top. @param mark colours it where it isn't 0 */
export function figure(value: string | number, what: string, mark: '' | 'bad' | 'warned' | 'verified' = ''): string {
  const shown = mark !== '' && value !== 0 ? ` class="${mark}"` : ''
  return `<li${shown}><b>${escaped(String(value))}</b> ${escaped(what)}</li>`
}

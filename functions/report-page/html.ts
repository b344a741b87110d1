/** Pages that need nothing else: no script, no server, no network, no other file. */
import { REPORT_STYLE } from './style.ts'

/** A text as HTML shows it, whatever it holds. */
export function escaped(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll("'", '&#39;')
}

/** `2026-11-22 02:00:05Z`, with the whole instant for machines. */
export function time(instant: string): string {
  return `<time datetime="${escaped(instant)}">${escaped(`${instant.slice(0, 19).replace('T', ' ')}Z`)}</time>`
}

/**
 * A whole page around its body, in pieces.
 * @param sha256 base64 of the digest of a text in UTF-8: the browser takes this page's own style, and no script at all
 */
export function* page(
  title: string,
  body: Iterable<string>,
  sha256: (text: string) => string,
): Generator<string, void, void> {
  const policy = `default-src 'none'; style-src 'sha256-${sha256(REPORT_STYLE)}'; base-uri 'none'; form-action 'none'`
  yield `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${escaped(policy)}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<title>${escaped(title)}</title>
<style>${REPORT_STYLE}</style>
</head>
<body>
`
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

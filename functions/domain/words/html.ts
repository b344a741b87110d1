/** What pages share that need nothing else: no server, no network, no other file. */

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

/** Of a page: what it is called, and the text of its style and of its script, where it has one. */
export interface PageHead {
  title: string
  style: string
  script?: string
  /** Further facts for machines, by their names. */
  facts?: Readonly<Record<string, string>>
}

/**
 * A page up to its body.
 * @param sha256 base64 of the digest of a text in UTF-8: the browser takes the page's own style and script and no other,
 * whatever a guest's name may hold
 */
export function pageHead({ title, style, script, facts = {} }: PageHead, sha256: (text: string) => string): string {
  const scripts = script === undefined ? '' : `script-src 'sha256-${sha256(script)}'; `
  const policy = `default-src 'none'; ${scripts}style-src 'sha256-${sha256(style)}'; base-uri 'none'; form-action 'none'`
  const metas = Object.entries(facts).map(([name, content]) => `<meta name="${name}" content="${escaped(content)}">\n`)
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${escaped(policy)}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
${metas.join('')}<title>${escaped(title)}</title>
<style>${style}</style>
</head>
<body>
`
}

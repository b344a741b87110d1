/** Build an API path from a template, with every inserted value percent-encoded: apiPath`/nodes/${node}/status`. */
export function apiPath(fixed: TemplateStringsArray, ...values: readonly string[]): string {
  return fixed.reduce((path, part, index) => `${path}${encodeSegment(values[index - 1] ?? '')}${part}`)
}

/** A query string with its question mark. */
export function apiQuery(parameters: Readonly<Record<string, string | number>>): string {
  const pairs = Object.entries(parameters).map(([name, value]) => `${name}=${encodeSegment(String(value))}`)
  return `?${pairs.join('&')}`
}

/** `encodeURIComponent` leaves `!'()*` alone; in a path behind strict proxies they are safer encoded (tokens hold a `!`). */
function encodeSegment(value: string): string {
  return encodeURIComponent(value.toWellFormed()).replace(
    /[!'()*]/g,
    (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`,
  )
}

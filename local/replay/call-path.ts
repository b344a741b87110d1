/** Paths of the API as the server takes them: decoded once as a whole, before they are taken apart. */

const BASE = '/api2/json'

export interface CallPath {
  /** Below `/api2/json`, decoded, without the query. */
  path: string
  query: URLSearchParams
}

/** `undefined` for what isn't a path of the JSON API. */
export function readCallPath(target: string): CallPath | undefined {
  if (!target.startsWith(`${BASE}/`)) return undefined
  const [bare = '', ...rest] = target.slice(BASE.length).split('?')
  return { path: decode(bare), query: new URLSearchParams(rest.join('?')) }
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

/**
 * Names and values of a path's variable parts: `/nodes/{node}/tasks` takes one segment for `{node}`. A part `{volume}` at
 * the end takes the slashes as well, as the server does.
 */
export function matchPath(template: string, path: string): Record<string, string> | undefined {
  const names = [...template.matchAll(/\{(\w+)\}/g)].map((match) => match[1] ?? '')
  const pattern = template.replace(/[.*+?^$()|[\]\\]/g, '\\$&').replace(/\{(\w+)\}/g, (_, name) => {
    return name === 'volume' ? '(.+)' : '([^/]+)'
  })
  const match = new RegExp(`^${pattern}$`).exec(path)
  return match === null ? undefined : Object.fromEntries(names.map((name, index) => [name, match[index + 1] ?? '']))
}

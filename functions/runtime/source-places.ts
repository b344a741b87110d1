import { readFileSync } from 'node:fs'
import { SourceMap } from 'node:module'

/** Maps by the bundle that they are of; `undefined` for one without. */
const maps = new Map<string, SourceMap | undefined>()

/**
 * Lines of a stack trace, with places in the sources in place of those in a bundle. A bundle's map lies beside it, and is
 * read when a trace is first logged. Node.js's own `--enable-source-maps` reads it at every start, and makes its table
 * whenever anything looks at an error's stack, which the end of a connection does: up to a second of CPU time each.
 */
export function inSources(lines: readonly string[]): string[] {
  return lines.map((line) => {
    const [, before = '', file, row = '', column = '', after = ''] =
      /^(.*?\(?)(\/[^()]+\.js):(\d+):(\d+)(\)?)$/.exec(line) ?? []
    if (file === undefined) return line
    // Both count from one in a trace, and from zero in a map.
    const entry = mapOf(file)?.findEntry(Number(row) - 1, Number(column) - 1)
    if (entry === undefined || !('originalSource' in entry)) return line
    return `${before}${entry.originalSource}:${entry.originalLine + 1}:${entry.originalColumn + 1}${after}`
  })
}

function mapOf(file: string): SourceMap | undefined {
  if (!maps.has(file)) maps.set(file, readMap(`${file}.map`))
  return maps.get(file)
}

/** A trace is for people: without its map it is logged as it is. */
function readMap(path: string): SourceMap | undefined {
  try {
    return new SourceMap(JSON.parse(readFileSync(path, 'utf8')))
  } catch {
    return undefined
  }
}

import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'

/** What each file loads at run time, by paths from the root; imports of types load nothing. */
export type ImportGraph = ReadonlyMap<string, readonly string[]>

const IMPORT = /^(?:import|export)\s+(?!type\s)[^;'"]*?from\s+['"](\.[^'"]+)['"]|^import\s+['"](\.[^'"]+)['"]/gm
const DYNAMIC = /\bimport\(\s*['"](\.[^'"]+)['"]/g

export function importGraph(root: string, folders: readonly string[]): ImportGraph {
  const files = folders.flatMap((folder) => sourceFiles(root, folder))
  return new Map(files.map((file) => [file, importsOf(root, file)]))
}

export function sourceFiles(root: string, place: string): string[] {
  if (!existsSync(join(root, place))) return []
  if (statSync(join(root, place)).isFile()) return [place]
  return readdirSync(join(root, place), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts') && !entry.name.endsWith('.d.ts'))
    .map((entry) => relative(root, join(entry.parentPath, entry.name)))
    .toSorted()
}

function importsOf(root: string, file: string): string[] {
  const text = readFileSync(join(root, file), 'utf8')
  return [...text.matchAll(IMPORT), ...text.matchAll(DYNAMIC)].map((match) =>
    relative(root, join(root, dirname(file), match[1] ?? match[2] ?? '')),
  )
}

/** Every file that loads this one, through however many others, with the least number of steps; itself with none. The nearest first. */
export function reaching(file: string, graph: ImportGraph): Map<string, number> {
  const distances = new Map([[file, 0]])
  for (const [one, distance] of distances) {
    for (const [from, loads] of graph) {
      if (!distances.has(from) && loads.includes(one)) distances.set(from, distance + 1)
    }
  }
  return distances
}

/**
 * Files of tests in the order in which they are asked about a changed file: those that load it by the fewest steps, and of
 * equals those whose path has most in common with its own: `test/a/b.test.ts` is about `a/b.ts`.
 */
export function nearestFirst(file: string, distances: ReadonlyMap<string, number>): string[] {
  const own = join('test', file.replace(/\.ts$/, ''))
  const kinship = (testFile: string): number => {
    let at = 0
    while (at < own.length && own[at] === testFile[at]) at += 1
    return at
  }
  return [...distances]
    .filter(([one]) => one.endsWith('.test.ts'))
    .toSorted(([one, far], [other, farther]) => far - farther || kinship(other) - kinship(one))
    .map(([one]) => one)
}

import { changesOf, type Replacement } from './operators.ts'
import { parse, runtimeNodes, type SyntaxNode } from './syntax.ts'

/** One small change of a file that some test should notice. */
export interface Mutant extends Replacement {
  /** From the root of the repository. */
  file: string
  /** Of its first and last character, counted from one. */
  line: number
  lastLine: number
  /** The lines it is in, before and after, on one line each: by these it is known when lines move. */
  before: string
  after: string
  /** Runs when the file is loaded, not when a function is called. */
  atLoad: boolean
}

const SHOWN_CHARACTERS = 200

/** All mutants of a file, in the order of the text. */
export function mutantsOf(file: string, source: string): Mutant[] {
  const seen = new Set<string>()
  const found: Mutant[] = []
  for (const [node, within] of runtimeNodes(parse(source))) {
    for (const change of changesOf({ node, within, source })) {
      const key = mutated(source, change)
      if (seen.has(key) || key === source) continue
      seen.add(key)
      found.push(described(file, source, change, within))
    }
  }
  return found.toSorted((one, other) => one.start - other.start)
}

/** The file with the change in it. */
export function mutated(source: string, { start, end, text }: Replacement): string {
  return source.slice(0, start) + text + source.slice(end)
}

function described(file: string, source: string, change: Replacement, within: readonly SyntaxNode[]): Mutant {
  const from = source.lastIndexOf('\n', change.start - 1) + 1
  const to = source.indexOf('\n', change.end) === -1 ? source.length : source.indexOf('\n', change.end)
  return {
    ...change,
    file,
    line: source.slice(0, change.start).split('\n').length,
    lastLine: source.slice(0, change.end).split('\n').length,
    before: onOneLine(source.slice(from, to)),
    after: onOneLine(source.slice(from, change.start) + change.text + source.slice(change.end, to)),
    atLoad: !within.some(({ type }) => type.includes('Function')),
  }
}

function onOneLine(text: string): string {
  const line = text.replace(/\s+/g, ' ').trim()
  return line.length > SHOWN_CHARACTERS ? `${line.slice(0, SHOWN_CHARACTERS)} …` : line
}

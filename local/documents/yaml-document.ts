/** YAML 1.2: one document of plain values. Anchors are welcome, tags of programming languages are not. */
import { type Document, type ErrorCode, isAlias, isMap, isScalar, isSeq, parseDocument, type YAMLError } from 'yaml'
import { TWICE } from './json-document.ts'
import type { Flaw, Located, LocatedPart, ReadDocument } from '../../functions/domain/words/text-places.ts'

export function readYaml(text: string): ReadDocument | Flaw {
  // Without its own excerpts: the text may be a secret.
  const document = parseDocument(text, { prettyErrors: false, logLevel: 'error' })
  const [error] = [...document.errors, ...document.warnings]
  if (error !== undefined) return flawOf(error)
  if (document.contents === null) return { offset: 0, cause: 'the file is empty', fix: 'Write it as its page shows.' }
  const lost: number[] = []
  const root = located(document.contents, document, lost)
  const [alias] = lost
  if (alias !== undefined) {
    return { offset: alias, cause: 'a * begins a reference in YAML, and nothing has that name', fix: QUOTES }
  }
  try {
    return { value: document.toJS(), root }
  } catch {
    return { offset: 0, cause: 'its references hold more than a person writes', fix: 'Write it without & and *.' }
  }
}

const QUOTES = 'Put the text in quotes.'

/** @param lost gets the places of references to nothing */
function located(node: unknown, document: Document, lost: number[], within: readonly unknown[] = []): Located {
  if (isAlias(node)) {
    const meant = node.resolve(document)
    if (meant === undefined) lost.push(startOf(node))
    // A reference to what holds it has no end.
    return meant === undefined || within.includes(meant)
      ? { start: startOf(node) }
      : { ...located(meant, document, lost, [...within, meant]), start: startOf(node) }
  }
  const parts: [string, LocatedPart][] = isMap(node)
    ? node.items.map(({ key, value }) => {
        const at = startOf(key)
        const below = value === null ? { start: at } : located(value, document, lost, [...within, node])
        return [isScalar(key) ? String(key.value) : String(key), { key: at, value: below }]
      })
    : isSeq(node)
      ? node.items.map((item, index) => [
          String(index),
          { key: startOf(item), value: located(item, document, lost, [...within, node]) },
        ])
      : []
  return { start: startOf(node), parts: new Map(parts) }
}

function startOf(node: unknown): number {
  const isPlaced = isScalar(node) || isMap(node) || isSeq(node) || isAlias(node)
  return (isPlaced ? node.range?.[0] : undefined) ?? 0
}

/** What the parser found, by its code: its own messages may quote the text. */
const flaws: Readonly<Partial<Record<ErrorCode, { cause: string; fix: string }>>> = {
  TAB_AS_INDENT: { cause: 'a tab indents this line', fix: 'Indent with blanks.' },
  BAD_INDENT: {
    cause: 'this is not indented as its neighbours, or a bracket is never closed',
    fix: 'Line it up with them.',
  },
  DUPLICATE_KEY: TWICE,
  MISSING_CHAR: {
    cause: 'a quote, colon or bracket is missing',
    fix: 'Write "name: value", and close what was opened.',
  },
  BLOCK_AS_IMPLICIT_KEY: { cause: 'a second colon is on this line', fix: QUOTES },
  MULTILINE_IMPLICIT_KEY: { cause: 'a colon is missing behind a name', fix: 'Write "name: value", with a blank.' },
  UNEXPECTED_TOKEN: { cause: 'this character has a meaning of its own in YAML', fix: QUOTES },
  BAD_SCALAR_START: { cause: 'this character has a meaning of its own in YAML', fix: QUOTES },
  BAD_ALIAS: { cause: 'a * begins a reference in YAML', fix: QUOTES },
  TAG_RESOLVE_FAILED: { cause: 'a ! begins a tag in YAML, and this one is not known', fix: QUOTES },
  BAD_DQ_ESCAPE: { cause: 'this text has a backslash that YAML does not know', fix: 'Use single quotes.' },
  MULTIPLE_DOCS: { cause: 'a second document begins with ---', fix: 'Put it in a file of its own.' },
}

function flawOf({ code, pos: [offset] }: YAMLError): Flaw {
  return { offset, ...(flaws[code] ?? { cause: 'this is no YAML', fix: 'Correct it, or put texts in quotes.' }) }
}

/** JSON as people write it: comments and a comma behind the last entry are welcome. */
import { type Node, type ParseError, parseTree, printParseErrorCode } from 'jsonc-parser'
import type { Flaw, Located, LocatedPart, ReadDocument } from '../../functions/domain/words/text-places.ts'

export function readJson(text: string): ReadDocument | Flaw {
  const errors: ParseError[] = []
  const root = parseTree(text, errors, { allowTrailingComma: true })
  const [error] = errors
  if (error !== undefined || root === undefined) return flawOf(text, error)
  const twice = writtenTwice(root)
  if (twice !== undefined) return twice
  return { value: valueOf(root), root: located(root) }
}

function valueOf(node: Node): unknown {
  if (node.type === 'array') return (node.children ?? []).map(valueOf)
  if (node.type !== 'object') return node.value as unknown
  // As `JSON.parse` does it: `__proto__` is a field like any other.
  return Object.fromEntries(propertiesOf(node).map(({ name, value }) => [name, valueOf(value)]))
}

function located(node: Node): Located {
  const parts: [string, LocatedPart][] =
    node.type === 'array'
      ? (node.children ?? []).map((child, index) => [String(index), { key: child.offset, value: located(child) }])
      : propertiesOf(node).map(({ name, key, value }) => [name, { key: key.offset, value: located(value) }])
  return { start: node.offset, parts: new Map(parts) }
}

function propertiesOf(node: Node): { name: string; key: Node; value: Node }[] {
  if (node.type !== 'object') return []
  return (node.children ?? []).flatMap(({ children: [key, value] = [] }) =>
    key === undefined || value === undefined ? [] : [{ name: String(key.value), key, value }],
  )
}

/** The last of both would count, silently. */
function writtenTwice(node: Node): Flaw | undefined {
  const seen = new Set<string>()
  for (const { name, key } of propertiesOf(node)) {
    if (seen.has(name)) return { offset: key.offset, ...TWICE }
    seen.add(name)
  }
  for (const child of node.type === 'array' ? (node.children ?? []) : propertiesOf(node).map(({ value }) => value)) {
    const flaw = writtenTwice(child)
    if (flaw !== undefined) return flaw
  }
  return undefined
}

export const TWICE = { cause: 'the field is written twice', fix: 'Remove one of both.' }

const COMMA = { cause: 'a comma is missing before this', fix: 'Put a comma behind the entry above.' }
const END = 'the file ends too early'

/** What the parser found, by its name for it. */
const flaws: Readonly<Record<string, { cause: string; fix: string }>> = {
  CommaExpected: COMMA,
  ColonExpected: { cause: 'a colon is missing before this', fix: 'Write "name": value.' },
  PropertyNameExpected: { cause: 'a name in quotes is missing', fix: 'Write "name": value.' },
  ValueExpected: { cause: 'a value is missing', fix: 'Write a value, or remove the field.' },
  CloseBraceExpected: { cause: `${END}: a { is never closed`, fix: 'Add the missing }.' },
  CloseBracketExpected: { cause: `${END}: a [ is never closed`, fix: 'Add the missing ].' },
  EndOfFileExpected: {
    cause: 'something stands behind the end',
    fix: 'Remove it: a file holds one value in { }.',
  },
  InvalidNumberFormat: { cause: 'this is no number', fix: 'Write it as 12 or 0.5, or in quotes.' },
  UnexpectedEndOfString: {
    cause: 'a text has no end on its line',
    fix: 'Close it with ", and write line breaks in it as \\n.',
  },
  InvalidEscapeCharacter: {
    cause: 'this text has a backslash that JSON does not know',
    fix: 'Write each backslash twice: \\\\.',
  },
  InvalidUnicode: { cause: 'this text has \\u without four digits', fix: 'Write it as \\u00e4.' },
  InvalidCharacter: {
    cause: 'this text holds a tab or another invisible character',
    fix: 'Write it as \\t, or remove it.',
  },
  UnexpectedEndOfComment: { cause: 'a comment is never closed', fix: 'Close it with */.' },
}

function flawOf(text: string, error: ParseError | undefined): Flaw {
  if (text.trim() === '') return { offset: 0, cause: 'the file is empty', fix: 'Write it as its page in docs/ shows.' }
  if (error === undefined) return { offset: 0, cause: 'it holds nothing', fix: 'Write fields in { }.' }
  const word = text.slice(error.offset, error.offset + error.length)
  const name = printParseErrorCode(error.error)
  const symbol = name === 'InvalidSymbol' ? ofSymbol(word) : undefined
  // `0100` is read as 0, and 100 behind it.
  const zeros = /(^|[^\w.])0$/.test(text.slice(0, error.offset)) && /^\d/.test(word)
  const known = zeros ? { cause: 'a number begins with 0', fix: 'Write it without the 0, or in quotes.' } : symbol
  const unclosed = name === 'CommaExpected' ? ofBracket(word) : undefined
  const { cause, fix } = known ?? unclosed ?? flaws[name] ?? { cause: 'this is no JSON', fix: 'Correct it.' }
  return { offset: error.offset, cause, fix }
}

/** Where a comma or the end of a list could stand, the bracket of something else closes. */
function ofBracket(word: string): { cause: string; fix: string } | undefined {
  if (word === '}') return { cause: 'a [ is not closed before this }', fix: 'Add the missing ].' }
  return word === ']' ? { cause: 'a { is not closed before this ]', fix: 'Add the missing }.' } : undefined
}

function ofSymbol(word: string): { cause: string; fix: string } {
  if (/^(true|false|null|none)$/i.test(word)) {
    return { cause: 'this word is spelt otherwise in JSON', fix: 'Write true, false or null.' }
  }
  if (/^['“”‘’`]/.test(word)) return { cause: 'these are other quotes than JSON has', fix: 'Write "text".' }
  if (word.startsWith('#')) return { cause: 'this is no comment in JSON', fix: 'Begin it with //.' }
  if (word.startsWith('=')) return { cause: 'a colon is missing here', fix: 'Write "name": value.' }
  return { cause: 'a word has no quotes', fix: 'Write "text" in double quotes.' }
}

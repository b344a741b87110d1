import { stripVTControlCharacters } from 'node:util'
import { foldedText, terminalWidth } from './terminal.ts'

/** Rows as aligned columns, two blanks apart. Colours count for nothing; nothing follows the last column. */
export function columns(rows: readonly (readonly string[])[]): string[] {
  const width = (text: string) => stripVTControlCharacters(text).length
  const widths = rows.reduce<number[]>(
    (widest, row) => row.map((cell, index) => Math.max(width(cell), widest[index] ?? 0)),
    [],
  )
  return rows.map((row) =>
    row
      .map((cell, index) => cell + ' '.repeat(Math.max(0, (widths[index] ?? 0) - width(cell))))
      .join('  ')
      .trimEnd(),
  )
}

/**
 * The same, in lines of a width: what is too wide is cut at words in one column. Cells of it hold plain text.
 * @param flexible index of that column; `undefined`: none is cut
 * @param width `undefined`: cut nothing, as for a file or a pipe
 * @param spare indexes of columns that are left out where that is not enough, in this order
 */
export function fittedColumns(
  rows: readonly (readonly string[])[],
  flexible: number | undefined,
  width: number | undefined,
  spare: readonly number[] = [],
): string[] {
  const widest = Math.max(0, ...columns(rows).map((line) => stripVTControlCharacters(line).length))
  if (width === undefined || widest <= width) return columns(rows)
  const own = flexible === undefined ? 0 : Math.max(0, ...rows.map((row) => (row[flexible] ?? '').length))
  const room = Math.max(LEAST_WIDTH, own - (widest - width))
  const [first, ...others] = spare
  if (own - (widest - width) < LEAST_WIDTH && first !== undefined) {
    const fewer = (index: number) => (index > first ? index - 1 : index)
    const without = rows.map((row) => row.toSpliced(first, 1))
    return fittedColumns(without, flexible && fewer(flexible), width, others.map(fewer))
  }
  return columns(rows.map((row) => row.map((cell, index) => (index === flexible ? cutAtWord(cell, room) : cell))))
}

const LEAST_WIDTH = 8

/** How a table gives way to a narrow terminal. */
export interface Layout {
  /** Index of the column that is cut at words. */
  cut?: number
  /** Indexes of columns that are left out where that is not enough, in this order. */
  spare?: readonly number[]
  /** `undefined`: a file or a pipe, where nothing gives way. */
  width?: number | undefined
}

/**
 * Rows as aligned columns of which the last is a text: it is folded at words beside the others, or below its row where
 * they leave too little room. The lines of each row.
 */
export function textColumns(
  rows: readonly (readonly string[])[],
  { cut, spare = [], ...given }: Layout = {},
): string[][] {
  const width = 'width' in given ? given.width : terminalWidth()
  const whole = columns(rows)
  const widest = (lines: readonly string[]) =>
    Math.max(0, ...lines.map((line) => stripVTControlCharacters(line).length))
  if (width === undefined || widest(whole) <= width) return whole.map((line) => [line])
  const last = Math.max(0, ...rows.map((row) => row.length)) - 1
  const texts = rows.map((row) => row[last] ?? '')
  const lead = rows.map((row) => row.slice(0, last))
  const room = width - widest(columns(lead)) - 2
  const isBeside = (text: string) => room >= LEAST_TEXT && text.split(' ').every((word) => widest([word]) <= room)
  if (room < LEAST_TEXT) return withTexts(fittedColumns(lead, cut, width, spare), texts, width)
  const parts = texts.map((text) => (isBeside(text) ? foldedText(text, room) : []))
  const filled = lead.map((row) => [...row, ...Array<string>(last - row.length).fill('')])
  const first = columns(filled.map((row, index) => [...row, parts[index]?.[0] ?? '']))
  const further = parts.map(([, ...others]) => others.map((part) => `${' '.repeat(width - room)}${part}`))
  const below = texts.map((text) => (isBeside(text) ? '' : text))
  return withTexts(first, below, width).map((lines, index) => [...lines, ...(further[index] ?? [])])
}

/** Each line with the text that belongs to it below. */
function withTexts(lines: readonly string[], texts: readonly string[], width: number): string[][] {
  return lines.map((line, index) => {
    const indent = ' '.repeat((/^ */.exec(line)?.[0].length ?? 0) + 4)
    const text = texts[index] ?? ''
    return [line, ...(text === '' ? [] : foldedText(text, width - indent.length).map((part) => `${indent}${part}`))]
  })
}

/** Below it, a text is a column of single words. */
const LEAST_TEXT = 26

/** Without the columns in which only the head says something. @param head the first row is one */
export function withoutEmpty(rows: readonly (readonly string[])[]): (readonly string[])[] {
  const says = (rows[0] ?? []).map((_, index) => rows.slice(1).some((row) => (row[index] ?? '') !== ''))
  return rows.map((row) => row.filter((_, index) => says[index] === true))
}

/** A text of at most so many characters: without its last words, or where its first one is too long, its end. */
export function cutAtWord(text: string, width: number): string {
  if (text.length <= width) return text
  const head = text.slice(0, width - 1)
  const space = head.search(/[\s._-]+[^\s._-]*$/)
  return `${space > width / 2 ? head.slice(0, space) : head}…`
}

/** What a platform or a person wrote, fit for a terminal: without control characters. */
export function plain(text: string): string {
  return text.replaceAll(/\p{Cc}+/gu, ' ')
}

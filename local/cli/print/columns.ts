import { stripVTControlCharacters } from 'node:util'

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
 * @param flexible index of that column
 * @param width `undefined`: cut nothing, as for a file or a pipe
 * @param spare indexes of columns that are left out where that is not enough, in this order
 */
export function fittedColumns(
  rows: readonly (readonly string[])[],
  flexible: number,
  width: number | undefined,
  spare: readonly number[] = [],
): string[] {
  const widest = Math.max(0, ...columns(rows).map((line) => stripVTControlCharacters(line).length))
  if (width === undefined || widest <= width) return columns(rows)
  const own = Math.max(0, ...rows.map((row) => (row[flexible] ?? '').length))
  const room = Math.max(LEAST_WIDTH, own - (widest - width))
  const [first, ...others] = spare
  if (own - (widest - width) < LEAST_WIDTH && first !== undefined) {
    const fewer = (index: number) => (index > first ? index - 1 : index)
    const without = rows.map((row) => row.toSpliced(first, 1))
    return fittedColumns(without, fewer(flexible), width, others.map(fewer))
  }
  return columns(rows.map((row) => row.map((cell, index) => (index === flexible ? cutAtWord(cell, room) : cell))))
}

const LEAST_WIDTH = 8

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

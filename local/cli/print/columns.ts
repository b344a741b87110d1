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

/** What a platform or a person wrote, fit for a terminal: without control characters. */
export function plain(text: string): string {
  return text.replaceAll(/\p{Cc}+/gu, ' ')
}

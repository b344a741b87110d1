/**
 * Splits CSV text into rows of cells (RFC 4180: quoted cells may hold delimiters, line breaks and doubled quotes). Blank lines are skipped.
 * Throws Error for a quote that is never closed.
 */
export function parseCsv(text: string, delimiter: string): string[][] {
  const rows: string[][] = []
  let row: string[] = []
  let cell = ''
  let quoted = false
  let index = 0
  const endRow = () => {
    row.push(cell)
    cell = ''
    if (row.length > 1 || row[0] !== '') rows.push(row)
    row = []
  }
  while (index < text.length) {
    const char = text.charAt(index)
    if (quoted) {
      if (char !== '"') cell += char
      else if (text.charAt(index + 1) === '"') {
        cell += '"'
        index += 1
      } else quoted = false
    } else if (char === '"' && cell === '') quoted = true
    else if (char === delimiter) {
      row.push(cell)
      cell = ''
    } else if (char === '\n') endRow()
    else if (!(char === '\r' && text.charAt(index + 1) === '\n')) cell += char
    index += 1
  }
  if (quoted) throw new Error('a quoted cell is never closed')
  endRow()
  return rows
}

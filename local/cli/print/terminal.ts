/** What is printed fits the terminal: lines are folded at words. A file or a pipe gets them whole. */
import { stripVTControlCharacters } from 'node:util'
import { wrapAnsi } from 'fast-wrap-ansi'

/** A line that is to be copied, as a command: folded, it would be another one. */
export class Verbatim {
  readonly text: string

  constructor(text: string) {
    this.text = text
  }
}

export type Line = string | Verbatim

/** Characters of a line; `undefined` where nobody looks at a terminal. */
export function terminalWidth(stream: Pick<NodeJS.WriteStream, 'isTTY' | 'columns'> = process.stdout) {
  // A terminal that doesn't say how wide it is, as that of some consoles, has 0 columns.
  return stream.isTTY && stream.columns > 0 ? stream.columns : undefined
}

/** The text of lines. What follows the first line of one is indented by two more blanks. */
export function textOf(lines: readonly Line[], width: number | undefined = terminalWidth()): string {
  return lines
    .flatMap((line) => (typeof line === 'string' ? folded(line, width) : [line.text]))
    .map((line) => `${line}\n`)
    .join('')
}

/** Print lines for a person on standard output. */
export function printLines(lines: readonly Line[]): void {
  process.stdout.write(textOf(lines))
}

/** The same on standard error, for what isn't asked for. */
export function printNotes(lines: readonly Line[]): void {
  process.stderr.write(textOf(lines, terminalWidth(process.stderr)))
}

/** A line, in lines of at most so many characters. A word is never cut: an address stays one that can be copied. */
export function folded(line: string, width: number | undefined): string[] {
  if (width === undefined) return [line]
  // Blanks at its beginning may stand behind the code of a colour.
  const own = /^ */.exec(stripVTControlCharacters(line))?.[0].length ?? 0
  const [first = '', ...others] = foldedText(line.replace(' '.repeat(own), ''), width - own, width - own - FURTHER)
  return [`${' '.repeat(own)}${first}`, ...others.map((text) => `${' '.repeat(own + FURTHER)}${text}`)]
}

const FURTHER = 2

/** @param room characters of the first line @param others characters of each further one */
export function foldedText(text: string, room: number, others = room): string[] {
  const whole = wrapAnsi(text, room, { trim: true }).split('\n')
  return whole.length === 1 ? whole : wrapAnsi(text, others, { trim: true }).split('\n')
}

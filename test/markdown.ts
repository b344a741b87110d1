/** What the tests of the documentation read of a page: its prose, headings and sections. */

/** The lines of a page with those of code blocks empty, so that a comment in a command is no heading. */
export function proseLines(text: string): string[] {
  let fence: string | undefined
  return text.split('\n').map((line) => {
    const [, mark] = /^\s*(`{3,}|~{3,})/.exec(line) ?? []
    if (fence !== undefined) {
      if (mark?.startsWith(fence) === true && line.trim() === mark) fence = undefined
      return ''
    }
    fence = mark
    return mark === undefined ? line : ''
  })
}

/** As GitHub names a heading: what it shows in lower case, blanks as hyphens, anything but letters, digits, - and _ left out. */
export function slugOf(heading: string): string {
  return heading
    .replaceAll(/!?\[([^\]]*)\]\([^)]*\)/g, '$1')
    .replaceAll(/(?<![\p{L}\p{N}])_(.+?)_(?![\p{L}\p{N}])/gu, '$1')
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{M}\p{N}\p{Pc} -]/gu, '')
    .replaceAll(' ', '-')
}

interface Heading {
  anchor: string
  /** 1 is the title of the page. */
  level: number
  /** Index of its line. */
  line: number
}

/** The headings of a page. GitHub numbers anchors that would be the same from the second on: `time`, `time-1`. */
export function headingsOf(text: string): Heading[] {
  const taken = new Set<string>()
  return proseLines(text).flatMap((content, line) => {
    const [, marks, heading] = /^ {0,3}(#{1,6}) +(.*?)(?: +#+)? *$/.exec(content) ?? []
    if (marks === undefined || heading === undefined) return []
    const slug = slugOf(heading)
    let anchor = slug
    for (let count = 1; taken.has(anchor); count += 1) anchor = `${slug}-${count}`
    taken.add(anchor)
    return [{ anchor, level: marks.length, line }]
  })
}

export function anchorsOf(text: string): Set<string> {
  return new Set(headingsOf(text).map(({ anchor }) => anchor))
}

/** What stands below a heading, up to the next one of its level or above; empty when the page has no such heading. */
export function sectionOf(text: string, anchor: string): string {
  const headings = headingsOf(text)
  const index = headings.findIndex((heading) => heading.anchor === anchor)
  const start = headings[index]
  if (start === undefined) return ''
  const end = headings.slice(index + 1).find(({ level }) => level <= start.level)
  return text
    .split('\n')
    .slice(start.line + 1, end?.line)
    .join('\n')
}

interface Sentence {
  /** Counted from 1. */
  line: number
  /** Code is one word, and a link is its text. */
  text: string
}

/** The sentences of a page's prose and lists, in order. */
export function sentencesOf(text: string): Sentence[] {
  return proseLines(text).flatMap((content, index) => {
    if (/^\s*(\||#{1,6} |<!--)/.test(content)) return []
    return content
      .replace(/^\s*(?:[-*]|\d+\.)\s+/, '')
      .replaceAll(/!?\[([^\]]*)\]\([^)]*\)/g, '$1')
      .replaceAll(/(`+)(?!`).*?(?<!`)\1(?!`)/g, '`code`')
      .split(/(?<=[.!?][)"'*]*)(?<!^\d+\.)\s+(?=[(*"'`]*\p{Lu}|`)/u)
      .map((sentence) => ({ line: index + 1, text: sentence.trim() }))
      .filter((sentence) => sentence.text !== '')
  })
}

export function wordsOf(sentence: string): number {
  return sentence.split(/\s+/).filter((word) => /[\p{L}\p{N}]/u.test(word)).length
}

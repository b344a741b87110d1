/** vzdump takes an archive's notes as a template: at most 1024 characters, backslash escapes, `{{variables}}`. */

const LONGEST = 1024
/** As the template writes it. */
const LINE_BREAK = '\\n'
/**
 * The last line of the notes names the job as ours: `guestlift:0f1e2d3c4b5a6978`. A job's log opens with its template, so
 * that it shows whose it is before it has made anything, and on storages that keep no notes as well.
 */
const MARK = 'guestlift:'
const MARKED = new RegExp(`^${MARK}([0-9a-z]{8,64})$`)
/** The variables vzdump knows; they are Proxmox's own feature, so a note may use them. */
const VARIABLES = 'cluster|guestname|node|vmid'

/**
 * A note as a template that vzdump accepts. A backslash is doubled and a line break becomes `\n`, the only two escapes
 * there are. Braces can't be escaped, and an unknown variable is refused (400), so `{{` that doesn't open one of the
 * four known variables is pulled apart: `{{x}}` is kept as `{ {x}}`. The token, if there is one, gets a line of its own
 * below what people wrote, and its room whatever they wrote.
 */
export function notesTemplate(notes: string, token?: string): string {
  const mark = token === undefined ? '' : markOf(token)
  const longest = LONGEST - (mark === '' ? 0 : LINE_BREAK.length + mark.length)
  const apart = notes
    .replace(/\r\n?/g, '\n')
    // oxlint-disable-next-line no-control-regex -- control characters are what is meant
    .replace(/[\u0000-\u0009\u000B-\u001F\u007F]/g, ' ')
    .replace(new RegExp(`(?!\\{\\{(?:${VARIABLES})\\}\\})\\{(?=\\{)`, 'g'), '{ ')
  let template = ''
  for (const char of apart) {
    const escaped = char === '\\' ? '\\\\' : char === '\n' ? '\\n' : char
    if (template.length + escaped.length > longest) break
    template += escaped
  }
  return [template, mark].filter((part) => part !== '').join(LINE_BREAK)
}

function markOf(token: string): string {
  return `${MARK}${token}`
}

/** The token in the notes template of a job, read from its log. */
export function tokenIn(template: string): string | undefined {
  return MARKED.exec(template.split(LINE_BREAK).at(-1) ?? '')?.[1]
}

/** Nobody but us wrote anything into the template. */
export function isMarkAlone(template: string): boolean {
  return MARKED.test(template)
}

/** The token in the notes of an archive. */
export function tokenInNotes(notes: string): string | undefined {
  return MARKED.exec(notes.trimEnd().split('\n').at(-1) ?? '')?.[1]
}

/** Notes of an archive as people wrote them. */
export function withoutMark(notes: string): string {
  const lines = notes.trimEnd().split('\n')
  return MARKED.test(lines.at(-1) ?? '') ? lines.slice(0, -1).join('\n') : notes
}

/**
 * What stands in the notes as a variable and is none, as `{{foo}}`. It can't be escaped, and vzdump would refuse it; the
 * backup's notes would come out otherwise than they were written.
 */
export function unknownVariables(notes: string): string[] {
  const known = new RegExp(`^(?:${VARIABLES})$`)
  const names = [...notes.matchAll(/\{\{([^{}]*)\}\}/g)].map(([, name = '']) => name)
  return [...new Set(names.filter((name) => !known.test(name)))].map((name) => `{{${name}}}`)
}

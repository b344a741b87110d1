/** vzdump takes an archive's notes as a template: at most 1024 characters, backslash escapes, `{{variables}}`. */

const LONGEST = 1024
/** The variables vzdump knows; they are Proxmox's own feature, so a note may use them. */
const VARIABLES = 'cluster|guestname|node|vmid'

/**
 * A note as a template that vzdump accepts. A backslash is doubled and a line break becomes `\n`, the only two escapes
 * there are. Braces can't be escaped, and an unknown variable is refused (400), so `{{` that doesn't open one of the
 * four known variables is pulled apart: `{{x}}` is kept as `{ {x}}`.
 */
export function notesTemplate(notes: string): string {
  const apart = notes
    .replace(/\r\n?/g, '\n')
    // oxlint-disable-next-line no-control-regex -- control characters are what is meant
    .replace(/[\u0000-\u0009\u000B-\u001F\u007F]/g, ' ')
    .replace(new RegExp(`(?!\\{\\{(?:${VARIABLES})\\}\\})\\{(?=\\{)`, 'g'), '{ ')
  let template = ''
  for (const char of apart) {
    const escaped = char === '\\' ? '\\\\' : char === '\n' ? '\\n' : char
    if (template.length + escaped.length > LONGEST) break
    template += escaped
  }
  return template
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

/** Notes on a guest, as its archive and its platform hold them, and the note that a restore adds. */

/** Lines of a configuration as text that begin with `#` and aren't the backup's own. Percent-encoding is undone. */
export function descriptionIn(configuration: string): string {
  const [own = ''] = configuration.split(/^\[/m)
  const lines = own.split('\n').filter((line) => line.startsWith('#') && !line.startsWith('#qmdump#'))
  return lines.map((line) => decoded(line.slice(1))).join('\n')
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    // Written by hand, with a percent sign that stands for itself.
    return text
  }
}

const NOTE = /(?:^|\n+)Restored by Guestlift from [^\n]*\.\n(guestlift|guestlift-over):([0-9a-z]{8,64})\s*$/

/** What a restore notes on the guest that it makes. */
export interface RestoreNote {
  /** The archive it came from, as people name it. */
  origin: string
  /** Marks the restore. */
  token: string
  /** It took the place of a guest that was there. */
  replaced: boolean
}

/** The archived description with the note of this restore at its end; the note of an earlier one makes way for it. */
export function withRestoreNote(description: string, { origin, token, replaced }: RestoreNote): string {
  const own = withoutRestoreNote(description)
  const mark = `${replaced ? 'guestlift-over' : 'guestlift'}:${token}`
  const note = `Restored by Guestlift from ${origin.replace(/\s+/g, ' ')}.\n${mark}`
  return own === '' ? note : `${own}\n\n${note}`
}

export function withoutRestoreNote(description: string): string {
  return description.replace(NOTE, '').trimEnd()
}

/** Whose restore made the guest, and whether one was there before; `undefined` without a note at the end. */
export function restoreNoteIn(description: string): Pick<RestoreNote, 'token' | 'replaced'> | undefined {
  const [, mark, token] = NOTE.exec(description) ?? []
  return token === undefined ? undefined : { token, replaced: mark === 'guestlift-over' }
}

/** What the words of all commands mean, as Markdown: for docs/cli.md and for the manual page of `guestlift`. */

/** By what they are for: how it is written. */
export const writtenForms: readonly (readonly [string, string])[] = [
  ['a guest', 'its id (`100`), `vm-100`, `hq/vm-100`, or its name'],
  ['an archive', 'a guest, for its newest whole one; a folder or a key in the bucket; an `s3://` address'],
  ['a duration', '`90m`, `24h`, `7d`, `2w`, `1h30m`, `36 hours`'],
  ['a day', '`2026-11-24`, `today`, `yesterday`, `tuesday` (the latest one)'],
  ['a time', 'a day, `2026-11-24 02:00`, `2026-11-24T02:00:00Z`, `7d` for so long ago'],
]

/** A paragraph each, a sentence on each line. */
export const sharedRules: readonly string[] = [
  `Days and times are those of local time, and times are shown with their zone; \`--utc\` reads and shows them in UTC.
JSON always has UTC.`,
  `In a terminal, tables and reports fit its width.
Texts are folded at words, names are cut, and the columns that are missed least are left out.
A file or a pipe gets whole lines, and \`--json\` has everything.
Addresses and commands stay whole, so that they can be copied.`,
]

import { styleText } from 'node:util'
import type { ConfigurationChange, KeptConfiguration } from '../../../functions/contracts/site-configuration.ts'
import { plain } from './columns.ts'

/** Longer lists belong into `guestlift site configuration --changes`. */
const MOST_LINES = 10

/** What the notes of a run don't say of the site's set-up: the record, each change, and each part that may lack entries. */
export function configurationLines(
  { key, changes, changeCount, incomplete }: KeptConfiguration,
  bucket: string,
): string[] {
  const shown = changes.slice(0, MOST_LINES)
  const more = changeCount - shown.length
  return [
    `How the site is set up: s3://${bucket}/${plain(key)}`,
    ...shown.map((change) => `    ${changeText(change)}`),
    ...(more > 0 ? [`    ${more} more: see "guestlift site configuration --changes"`] : []),
    // The notes say the first.
    ...incomplete.slice(1).map((lack) => `    ${styleText('yellow', 'incomplete:')} ${plain(lack)}`),
  ]
}

/** `users: a@pve changed (enable)`. */
export function changeText({ part, entry, change, fields }: ConfigurationChange): string {
  const what = fields === undefined ? '' : ` (${fields.map(plain).join(', ')})`
  return `${part}: ${plain(entry)} ${change}${what}`
}

import { open, rename, rm } from 'node:fs/promises'
import packageJson from '../../../package.json' with { type: 'json' }
import { guestText, type PageGuestText } from '../../../functions/catalogue-page/page.ts'
import { pagePieces } from '../../../functions/operations/catalogue/catalogue-page-file.ts'
import { type LastWritten, lastRunPage, lastWritten } from '../../../functions/operations/catalogue/last-run-page.ts'
import { rehearsalsBySite } from '../../../functions/operations/books/rehearsals.ts'
import { requireKnownSite } from '../../../functions/operations/catalogue/known-sites.ts'
import { openBucket, requestLine } from '../bucket-store.ts'
import { CliError } from '../../run/cli-error.ts'
import { exitCodes } from '../exit-codes.ts'
import { type ListArchivesOptions, readGuests } from './list-command.ts'
import { counted } from '../../../functions/domain/words/counted.ts'

export interface PageOptions extends ListArchivesOptions {
  out: string
}

/** Write the catalogue as one HTML file. What was there is replaced at once, and only by a whole page. */
export async function writePage(options: PageOptions): Promise<number> {
  const opened = openBucket(options)
  const { store, keyPrefix } = opened
  if (options.site !== undefined) await requireKnownSite(options.site, { store, keyPrefix })
  const readAt = new Date().toISOString()
  const guests: PageGuestText[] = []
  let archives = 0
  let last: LastWritten | undefined
  const rehearsalsOf = rehearsalsBySite({ store, keyPrefix })
  for await (const guest of readGuests(options, { store, keyPrefix })) {
    const rehearsals = await rehearsalsOf(guest.site)
    guests.push(guestText(guest, 'unknown' in rehearsals ? undefined : rehearsals))
    archives += guest.entries.length
    last = lastWritten(last, guest.entries)
  }
  const about = {
    bucket: options.bucket,
    keyPrefix,
    s3Url: options.s3,
    readAt,
    runPageKey: await lastRunPage(last, { store, keyPrefix }),
    toolVersion: `guestlift/${packageJson.version}`,
  }
  const unfinished = `${options.out}.${process.pid}.part`
  const file = await open(unfinished, 'w').catch((cause: unknown) => {
    throw new CliError(`The page can't be written to ${options.out}: ${String(cause)}`, { cause })
  })
  try {
    for (const piece of pagePieces(about, guests)) await file.write(piece)
    await file.close()
    await rename(unfinished, options.out)
  } catch (error) {
    await file.close().catch(() => undefined)
    await rm(unfinished, { force: true })
    throw error
  }
  process.stderr.write(`${requestLine(opened)}\n`)
  process.stdout.write(`${options.out}: ${counted(archives, 'archive')} of ${counted(guests.length, 'guest')}.\n`)
  return exitCodes.succeeded
}

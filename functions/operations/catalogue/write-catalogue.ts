import type { TaskInput, TaskOutput } from '../../contracts/tasks.ts'
import { pageGuest, type PageGuestText } from '../../catalogue-page/page.ts'
import { cataloguePageKey } from '../../domain/books/object-keys.ts'
import { showRehearsals } from '../books/rehearsals.ts'
import { storePage } from './catalogue-page-file.ts'
import { type LastWritten, lastRunPage, lastWritten } from './last-run-page.ts'
import type { Ports } from '../ports.ts'
import { rebuildCatalogue } from './rebuild-catalogue.ts'
import { writeRestoreTexts } from './restore-texts.ts'

type Needs = Pick<Ports, 'store' | 'keyPrefix' | 's3Url' | 'now' | 'log' | 'toolVersion'>

/**
 * Bring the index objects of a site in line and write its page, from one reading, and the text on how to restore. The page is written even if nothing
 * changed, since it says when it was read. Index objects are written guest by guest: a call that comes to its time limit
 * leaves what it has done to the next one. Of a guest, only its rows of the page stay in memory.
 * @throws StoreUnavailable, StoreDenied
 */
export async function writeCatalogue(
  { site }: TaskInput<'WriteCatalogue'>,
  ports: Needs,
): Promise<TaskOutput<'WriteCatalogue'>> {
  // Before the listing: what is archived while it goes on may be missing from the page.
  const readAt = ports.now().toISOString()
  const page: PageGuestText[] = []
  let last: LastWritten | undefined
  const rehearsals = await showRehearsals(site, ports, { keep: true })
  const known = 'unknown' in rehearsals ? undefined : rehearsals
  const { reading, ...rebuilt } = await rebuildCatalogue({ site }, ports, (guest) => {
    page.push(pageGuest(guest, known))
    last = lastWritten(last, guest.entries)
  })
  const { store, keyPrefix, s3Url, toolVersion } = ports
  const about = {
    bucket: store.bucket,
    keyPrefix,
    s3Url,
    readAt,
    toolVersion,
    runPageKey: await lastRunPage(last, ports),
  }
  const pageWritten = await storePage(cataloguePageKey(keyPrefix, site), about, page, ports)
  ports.log('catalogue-written', { site, ...rebuilt, ...reading, readAt, pageWritten })
  const { guests, archives } = rebuilt
  const unread = 'unknown' in rehearsals ? [rehearsals.unknown] : []
  const notes = [...notesOf(site, reading.damagedIndexes), ...unread, ...(await writeRestoreTexts(ports))]
  return { guests, archives, notes }
}

function notesOf(site: string, damaged: number): string[] {
  if (damaged === 0) return []
  const objects = damaged === 1 ? '1 index object was' : `${damaged} index objects were`
  return [
    `Catalogue of site ${site}: ${objects} damaged and written anew from the manifests; nothing had gone by what they said.`,
  ]
}

import type { CatalogueEntry } from '../../domain/catalogue/catalogue.ts'
import { runPageKey, runsOfDayPrefix } from '../../domain/books/object-keys.ts'
import type { Ports } from '../ports.ts'

const DAY_MILLISECONDS = 86_400_000

/** The archive that was written last, as far as it names its run. */
export interface LastWritten {
  runId: string
  writtenAt: string
}

/** The later one of what is known and a guest's archives. */
export function lastWritten(
  known: LastWritten | undefined,
  entries: readonly Pick<CatalogueEntry, 'facts'>[],
): LastWritten | undefined {
  return entries.reduce<LastWritten | undefined>((last, { facts }) => {
    if (facts === undefined || (last !== undefined && last.writtenAt >= facts.writtenAt)) return last
    return { runId: facts.runId, writtenAt: facts.writtenAt }
  }, known)
}

/** Runs lie by the day of their begin, and may take days. Further back, the page goes without a link. */
const DAYS_BEFORE = 3

/** Where the page of the run lies that wrote an archive; `undefined` where its folder isn't found. */
export async function lastRunPage(
  last: LastWritten | undefined,
  { store, keyPrefix }: Pick<Ports, 'store' | 'keyPrefix'>,
): Promise<string | undefined> {
  if (last === undefined) return undefined
  for (let before = 0; before <= DAYS_BEFORE; before += 1) {
    const day = new Date(Date.parse(last.writtenAt) - before * DAY_MILLISECONDS).toISOString()
    const folder = `${runsOfDayPrefix(keyPrefix, day)}${last.runId}/`
    if ((await store.listFolders(runsOfDayPrefix(keyPrefix, day))).includes(folder)) return runPageKey(folder)
  }
  return undefined
}

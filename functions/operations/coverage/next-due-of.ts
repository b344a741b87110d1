import { RecordTooNew, RecordUnreadable, StoreDenied } from '../../contracts/errors.ts'
import { lastCoverageKey } from '../../domain/books/object-keys.ts'
import type { CatalogueEntry } from '../../domain/catalogue/catalogue.ts'
import type { CataloguedGuest } from '../../domain/catalogue/catalogue-guests.ts'
import { type KnownSchedules, nextDue } from '../../domain/coverage/next-due.ts'
import { coverageReportShape } from '../books/shapes.ts'
import { readRecord } from '../books/stored-json.ts'
import type { Ports } from '../ports.ts'

export interface DueTimes {
  /** When the next archive of a guest is due; `undefined` where nothing is known. */
  of(
    guest: Pick<CataloguedGuest, 'site' | 'guest' | 'former'>,
    entries: readonly CatalogueEntry[],
  ): Promise<string | undefined>
  /** Of which sites nobody can tell, a sentence each. */
  readonly unknown: readonly string[]
}

/** When next archives are due, by the last check of each site's coverage: one object is read of each site. */
export function dueTimes({ store, keyPrefix, now }: Pick<Ports, 'store' | 'keyPrefix' | 'now'>): DueTimes {
  const reports = new Map<string, Promise<KnownSchedules | undefined>>()
  const unknown: string[] = []
  const read = async (site: string): Promise<KnownSchedules | undefined> => {
    try {
      return await readRecord(store, lastCoverageKey(keyPrefix, site), coverageReportShape)
    } catch (error) {
      const isUnread =
        error instanceof RecordUnreadable || error instanceof RecordTooNew || error instanceof StoreDenied
      if (!isUnread) throw error
      unknown.push(`When archives of site ${site} are due is not known. ${error.message}`)
      return undefined
    }
  }
  return {
    unknown,
    of: async ({ site, guest, former }, entries) => {
      // Another guest has its id now, and its schedules.
      if (former) return undefined
      const reading = reports.get(site) ?? read(site)
      reports.set(site, reading)
      const report = await reading
      const newest = entries.findLast(({ state }) => state === 'complete')
      return report === undefined ? undefined : nextDue(guest, newest, report, now().getTime())
    },
  }
}

import type { RunReport } from '../../contracts/report.ts'
import { reportKey, runsOfDayPrefix } from '../../domain/books/object-keys.ts'
import { inOrder } from '../books/ordered-lookahead.ts'
import { runReportShape } from '../books/shapes.ts'
import { readRecord, unlessUnreadable } from '../books/stored-json.ts'
import type { Ports } from '../ports.ts'

const DAY_MILLISECONDS = 86_400_000
const READ_AHEAD = 8

/** A run by what it left. Without a report it is under way, or died; what an unreadable one says isn't known. */
export interface FoundRun {
  /** With a slash at its end. */
  folder: string
  report: RunReport | 'unreadable' | undefined
}

/** The runs that began within so many days, the latest first; a day at a time, so that who has enough reads no further. */
export async function* latestRuns(
  days: number,
  { store, keyPrefix, now }: Pick<Ports, 'store' | 'keyPrefix' | 'now'>,
): AsyncGenerator<FoundRun, void, void> {
  // A folder of tomorrow, too: another clock may be ahead.
  const today = Math.floor(now().getTime() / DAY_MILLISECONDS) + 1
  const read = async (folder: string): Promise<FoundRun> => ({
    folder,
    report: await unlessUnreadable(readRecord(store, reportKey(folder), runReportShape)),
  })
  for (let day = today; day >= today - days - 1; day -= 1) {
    const folders = runsOfDayPrefix(keyPrefix, new Date(day * DAY_MILLISECONDS).toISOString())
    const found: FoundRun[] = []
    for await (const run of inOrder(await store.listFolders(folders), READ_AHEAD, read)) found.push(run)
    yield* found.toSorted((one, other) => startOf(other) - startOf(one))
  }
}

/** A run without a report that can be read stands first: it needs a look. */
function startOf({ report }: FoundRun): number {
  return report === undefined || report === 'unreadable' ? Number.MAX_SAFE_INTEGER : Date.parse(report.startedAt)
}

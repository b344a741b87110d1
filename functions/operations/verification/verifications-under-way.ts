import { planKey, reportKey, verificationsOfDayPrefix } from '../../domain/books/object-keys.ts'
import { verificationPlanShape } from '../books/shapes.ts'
import { readRecord } from '../books/stored-json.ts'
import type { Ports } from '../ports.ts'

const HOUR_MILLISECONDS = 3_600_000
/** The larger runner's longest, and its queue. An earlier run that says nothing after that is dead. */
const LONGEST_HOURS = 46

/**
 * Archives that don't fit a function and that an earlier run without a report has planned: the larger runner may take
 * longer than a day, and reading an archive of terabytes twice at once costs money. By folder, since when.
 */
export async function readAtLength(
  ownPrefix: string,
  startedAt: string,
  { store, keyPrefix, now }: Pick<Ports, 'store' | 'keyPrefix' | 'now'>,
): Promise<Map<string, string>> {
  const underWay = new Map<string, string>()
  for (const daysBefore of [0, 1, 2]) {
    const day = new Date(Date.parse(startedAt) - daysBefore * 24 * HOUR_MILLISECONDS).toISOString()
    const keys = await store.listDatedKeys(verificationsOfDayPrefix(keyPrefix, day))
    const there = new Set(keys.map(({ key }) => key))
    for (const { key, writtenAt } of keys) {
      const prefix = key.slice(0, key.lastIndexOf('/') + 1)
      if (key !== planKey(prefix) || prefix === ownPrefix || there.has(reportKey(prefix))) continue
      if (now().getTime() - Date.parse(writtenAt) > LONGEST_HOURS * HOUR_MILLISECONDS) continue
      const plan = await readRecord(store, key, verificationPlanShape)
      for (const { folder, sizeBytes, mostBytesInFunction } of plan ?? []) {
        if (sizeBytes > mostBytesInFunction) underWay.set(folder, writtenAt)
      }
    }
  }
  return underWay
}

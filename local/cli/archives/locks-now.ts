/** What `guestlift show --locks` asks S3: what holds each file of an archive now. */
import type { VersionStore } from '../../../functions/aws/version-store.ts'
import type { CatalogueEntry } from '../../../functions/domain/catalogue/catalogue.ts'
import { lockModeSchema, type ShownLock } from '../../../functions/contracts/object-lock.ts'
import { lockWords, wholeLock } from '../../../functions/domain/transfer/object-lock.ts'
import { counted } from '../../../functions/domain/words/counted.ts'

/** Of one file; without a lock where S3 shows none. */
export interface FileLock {
  fileName: string
  lock?: ShownLock
}

/** A request for each file. A file whose version the manifest doesn't name can't be asked for, and counts as not locked. */
export async function locksNow({ facts }: CatalogueEntry, versions: Pick<VersionStore, 'lockOf'>): Promise<FileLock[]> {
  const asked = (facts?.artifacts ?? []).map(async ({ key, fileName, versionId }): Promise<FileLock> => {
    const found = versionId === undefined ? undefined : await versions.lockOf(key, versionId)
    if (found === undefined) return { fileName }
    const mode = lockModeSchema.safeParse(found.mode?.toLowerCase())
    const lock = {
      ...(mode.success ? { mode: mode.data } : {}),
      ...(found.retainUntil === undefined ? {} : { until: found.retainUntil }),
      ...(found.legalHold ? { legalHold: true as const } : {}),
    }
    return { fileName, lock }
  })
  return Promise.all(asked)
}

/** What holds all of them together: the earliest end, and whether a person holds each. */
export function locksNowText(files: readonly FileLock[]): string {
  const locked = files.filter(({ lock }) => lock !== undefined)
  if (locked.length < files.length)
    return `${counted(files.length - locked.length, 'file')} of ${files.length} without a lock`
  const held = files.every(({ lock }) => lock?.legalHold === true)
  const whole = wholeLock(files.map(({ lock }) => lock))
  return lockWords({ ...whole, ...(held ? { legalHold: true } : {}) }) || 'each file in another way'
}

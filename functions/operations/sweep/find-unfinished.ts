import type { PriceTable } from '../../contracts/prices.ts'
import { storageClassSchema } from '../../contracts/prices.ts'
import type { UnfinishedArchive } from '../../contracts/unfinished.ts'
import type { UploadRecord } from '../../contracts/upload-record.ts'
import { type ArchiveFiles, manifestFile } from '../../domain/catalogue/catalogue.ts'
import { claimKey, removalRecordKey } from '../../domain/books/object-keys.ts'
import { monthlyDollars, roundDollars } from '../../domain/prices/prices.ts'
import { judgeUnfinished } from '../../domain/sweep/unfinished.ts'
import { claimShape } from '../books/shapes.ts'
import { readRecord, unlessUnreadable } from '../books/stored-json.ts'
import { isThere } from '../books/is-there.ts'
import { type CatalogueFilter, listArchives } from '../catalogue/list-archives.ts'
import type { Ports } from '../ports.ts'
import { readUploadRecord } from '../books/upload-record.ts'

export type UnfinishedPorts = Pick<Ports, 'store' | 'keyPrefix' | 'now'> & { prices: PriceTable }

/** A folder without a manifest, and the records that prove objects in it. */
export interface FoundUnfinished {
  archive: UnfinishedArchive
  witnesses: UploadRecord[]
}

/** Folders among the archives that have files and no manifest, in the order of their keys. */
export async function* findUnfinished(
  filter: CatalogueFilter,
  ports: UnfinishedPorts,
): AsyncGenerator<FoundUnfinished, void, void> {
  for await (const { archives } of listArchives(filter, ports, () => undefined)) {
    for (const archive of archives) {
      if (manifestFile(archive) === undefined) yield await look(archive, ports)
    }
  }
}

async function look(found: ArchiveFiles, ports: UnfinishedPorts): Promise<FoundUnfinished> {
  const { folder, site, guest, keyedAt, files } = found
  const { store, keyPrefix } = ports
  const claim = await unlessUnreadable(readRecord(store, claimKey(keyPrefix, site, guest), claimShape))
  const kept = await Promise.all(files.map(({ key }) => unlessUnreadable(readUploadRecord(ports, key))))
  const records = kept
    .filter((one) => one !== undefined)
    .map((one): UploadRecord | 'unreadable' => (one === 'unreadable' ? one : one.record))
  const going = await isThere(store, removalRecordKey(keyPrefix, site, guest, folder))
  const judged = judgeUnfinished({ claim, records, going }, ports.now())
  const dollars = files.reduce((sum, { sizeBytes, storageClass }) => {
    const { data = 'STANDARD' } = storageClassSchema.safeParse(storageClass)
    return sum + monthlyDollars(sizeBytes, data, ports.prices)
  }, 0)
  return {
    archive: {
      folder,
      site,
      guest: { kind: guest.kind, id: guest.id },
      keyedAt,
      files: files.length,
      sizeBytes: files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
      dollarsPerMonth: roundDollars(dollars),
      ...judged,
    },
    witnesses: records.filter((record) => record !== 'unreadable').filter(({ crc32 }) => crc32 !== undefined),
  }
}

import type { ArchiveStore } from '../../aws/archive-store.ts'
import type { VersionStore } from '../../aws/version-store.ts'
import { StoreDenied } from '../../contracts/errors.ts'
import { type Destination, type PriceTable, type StorageClass, storageClassSchema } from '../../contracts/prices.ts'
import { BillCounter, type MonthlyBill } from '../../domain/prices/monthly-bill.ts'
import { readFolder } from '../../domain/catalogue/catalogue.ts'
import { bookFolders, manifestKey, readArtifactKey, rootFiles } from '../../domain/books/object-keys.ts'
import { type RestorePrice, restorePrices } from '../../domain/prices/restore-price.ts'

export interface BucketBill extends MonthlyBill {
  version: 1
  bucket: string
  /** Of everything below `archives/`, by class: one price for each way of retrieval. Not in the bill. */
  restore: { storageClass: StorageClass; objects: number; sizeBytes: number; ways: RestorePrice[] }[]
}

/** What Guestlift writes beside archives: runs, claims, ledgers, reports. */
const BOOKS = "Guestlift's own books"
const OTHERS = 'other objects'
/** What `guestlift unfinished list` tells more of. */
const UNFINISHED = ' (without a manifest)'

const books: ReadonlySet<string> = new Set([...bookFolders, ...rootFiles])

/** What a listing tells; `hidden`: an older or removed version, which is billed and isn't read. */
interface Listed {
  key: string
  sizeBytes: number
  storageClass: string
  hidden: boolean
}

interface Needs {
  store: Pick<ArchiveStore, 'bucket' | 'listObjects'>
  versions: Pick<VersionStore, 'listVersions'>
  /** Ends with `/` or is empty. */
  keyPrefix: string
}

interface Terms {
  table: PriceTable
  destination: Destination
}

/**
 * Bill all that lies below the prefix, hidden versions included: S3 bills them like any other. Who may not list versions
 * gets the bill without them, and is told. Holds a line for each guest and class, however many objects there are.
 */
export async function billBucket(needs: Needs, terms: Terms): Promise<BucketBill> {
  const { bucket } = needs.store
  try {
    return { version: 1, bucket, ...(await billListed(allVersions(needs), needs.keyPrefix, terms, [])) }
  } catch (error) {
    if (!(error instanceof StoreDenied)) throw error
    const missed = `older and hidden versions of objects, which can't be listed: ${error.message}`
    return { version: 1, bucket, ...(await billListed(currentObjects(needs), needs.keyPrefix, terms, [missed])) }
  }
}

async function* allVersions({ versions, keyPrefix }: Needs): AsyncGenerator<Listed, void, void> {
  for await (const { deleteMarker, latest, ...version } of versions.listVersions(keyPrefix)) {
    if (!deleteMarker) yield { ...version, hidden: !latest }
  }
}

async function* currentObjects({ store, keyPrefix }: Needs): AsyncGenerator<Listed, void, void> {
  // Stores other than AWS may name no class.
  for await (const object of store.listObjects(keyPrefix)) yield { storageClass: 'STANDARD', ...object, hidden: false }
}

async function billListed(
  listed: AsyncIterable<Listed>,
  keyPrefix: string,
  { table, destination }: Terms,
  missed: readonly string[],
): Promise<Omit<BucketBill, 'version' | 'bucket'>> {
  const counter = new BillCounter(table)
  const archived = new Map<StorageClass, { objects: number; sizeBytes: number }>()
  const unknown = new Map<string, number>()
  for await (const { key, sizeBytes, storageClass: name, hidden, finished } of byFolder(listed, keyPrefix)) {
    const { data: storageClass } = storageClassSchema.safeParse(name)
    if (storageClass === undefined) {
      unknown.set(name, (unknown.get(name) ?? 0) + 1)
      continue
    }
    const owner = ownerOf(keyPrefix, key)
    const which = hidden ? ' (hidden versions)' : finished ? '' : UNFINISHED
    counter.add({ owner: `${owner}${which}`, storageClass, sizeBytes })
    if (hidden || owner === BOOKS || owner === OTHERS) continue
    const sum = archived.get(storageClass) ?? { objects: 0, sizeBytes: 0 }
    archived.set(storageClass, { objects: sum.objects + 1, sizeBytes: sum.sizeBytes + sizeBytes })
  }
  const restore = [...archived].map(([storageClass, sum]) => ({
    storageClass,
    ...sum,
    ways: restorePrices({ ...sum, storageClass }, destination, table),
  }))
  return { ...counter.bill([...missed, ...leftOut(unknown)]), restore }
}

/** Each object, and whether it has a manifest beside it: a folder's keys follow one another, and few are held at a time. */
async function* byFolder(
  listed: AsyncIterable<Listed>,
  keyPrefix: string,
): AsyncGenerator<Listed & { finished: boolean }, void, void> {
  let folder: string | undefined
  let held: Listed[] = []
  const flush = () => {
    const finished =
      folder === undefined || held.some(({ key, hidden }) => !hidden && key === manifestKey(folder ?? ''))
    return held.map((one) => ({ ...one, finished }))
  }
  for await (const one of listed) {
    const its = readFolder(keyPrefix, one.key)?.folder
    if (its === undefined || its !== folder) {
      yield* flush()
      held = []
    }
    folder = its
    held.push(one)
  }
  yield* flush()
}

function ownerOf(keyPrefix: string, key: string): string {
  const artifact = readArtifactKey(keyPrefix, key)
  if (artifact !== undefined) return `${artifact.site}/${artifact.guest.kind}-${artifact.guest.id}`
  return books.has(key.slice(keyPrefix.length).split('/')[0] ?? '') ? BOOKS : OTHERS
}

function leftOut(unknown: ReadonlyMap<string, number>): string[] {
  return [
    ...[...unknown].map(([name, count]) => `${count} objects of class ${name}, which the table has no price for`),
    'parts of open uploads, which guestlift sweep --dry-run shows',
    'requests, reading and transfer; early deletion; volume tiers, free allowances, discounts and taxes',
    'replicas in other buckets, and cheaper tiers that INTELLIGENT_TIERING may have moved objects to',
  ]
}

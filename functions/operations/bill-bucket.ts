import type { ListedObject } from '../aws/archive-store.ts'
import { type Destination, type PriceTable, type StorageClass, storageClassSchema } from '../contracts/prices.ts'
import { BillCounter, type MonthlyBill } from '../domain/monthly-bill.ts'
import { readArtifactKey } from '../domain/object-keys.ts'
import { type RestorePrice, restorePrices } from '../domain/restore-price.ts'
import type { Ports } from './ports.ts'

export interface BucketBill extends MonthlyBill {
  version: 1
  bucket: string
  /** Of everything below `archives/`, by class: one price for each way of retrieval. Not in the bill. */
  restore: { storageClass: StorageClass; objects: number; sizeBytes: number; ways: RestorePrice[] }[]
}

/** What Guestlift writes beside archives: runs, claims, ledgers, reports. */
const BOOKS = "Guestlift's own books"
const OTHERS = 'other objects'

/** Top folders in which only Guestlift writes. */
const bookFolders = new Set([
  'runs',
  'claims',
  'uploads',
  'schedules',
  'streams',
  'dumps',
  'sweeps',
  'catalogue',
  'retention',
])

/** Bill all that lies below the prefix. Holds a line for each guest and class, however many objects there are. */
export async function billBucket(
  { store, keyPrefix }: Pick<Ports, 'store' | 'keyPrefix'>,
  { table, destination }: { table: PriceTable; destination: Destination },
): Promise<BucketBill> {
  const counter = new BillCounter(table)
  const archived = new Map<StorageClass, { objects: number; sizeBytes: number }>()
  const unknown = new Map<string, number>()
  for await (const object of store.listObjects(keyPrefix)) {
    // Stores other than AWS may name no class.
    const { storageClass: name = 'STANDARD' } = object
    const storageClass = storageClassSchema.safeParse(name)
    if (!storageClass.success) {
      unknown.set(name, (unknown.get(name) ?? 0) + 1)
      continue
    }
    const owner = ownerOf(keyPrefix, object)
    counter.add({ owner, storageClass: storageClass.data, sizeBytes: object.sizeBytes })
    if (owner === BOOKS || owner === OTHERS) continue
    const sum = archived.get(storageClass.data) ?? { objects: 0, sizeBytes: 0 }
    archived.set(storageClass.data, { objects: sum.objects + 1, sizeBytes: sum.sizeBytes + object.sizeBytes })
  }
  const restore = [...archived].map(([storageClass, sum]) => ({
    storageClass,
    ...sum,
    ways: restorePrices({ ...sum, storageClass }, destination, table),
  }))
  return { version: 1, bucket: store.bucket, ...counter.bill(leftOut(unknown)), restore }
}

function ownerOf(keyPrefix: string, { key }: ListedObject): string {
  const artifact = readArtifactKey(keyPrefix, key)
  if (artifact !== undefined) return `${artifact.site}/${artifact.guest.kind}-${artifact.guest.id}`
  return bookFolders.has(key.slice(keyPrefix.length).split('/')[0] ?? '') ? BOOKS : OTHERS
}

function leftOut(unknown: ReadonlyMap<string, number>): string[] {
  return [
    ...[...unknown].map(([name, count]) => `${count} objects of class ${name}, which the table has no price for`),
    'older and hidden versions of objects, and parts of open uploads (guestlift sweep --dry-run tells them)',
    'requests, reading and transfer; early deletion; volume tiers, free allowances, discounts and taxes',
    'replicas in other buckets, and cheaper tiers that INTELLIGENT_TIERING may have moved objects to',
  ]
}

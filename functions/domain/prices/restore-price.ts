import {
  type Destination,
  type Priced,
  type PriceTable,
  type Retrieval,
  type StorageClass,
  storageClassSchema,
} from '../../contracts/prices.ts'
import { blockWriteItems } from './block-price.ts'
import { monthlyDollars, DAYS_PER_MONTH, priced, priceItem, requestDollars, transferOutDollars } from './prices.ts'
import { formatBytes } from '../words/byte-size.ts'

const GIB = 2 ** 30
/** A Glacier object that was asked for lies beside the archive as a copy in STANDARD; so long it should reach for a restore. */
const THAWED_DAYS = 7

export interface RestorePrice extends Priced {
  destination: Destination
  tier: Retrieval['tier']
  /** Until the first byte can be read. */
  takes: string
}

interface Archived {
  sizeBytes: number
  objects: number
  storageClass: StorageClass
  /** Where whole disks are written block by block: what was ever written of them. */
  writtenBytes?: number | undefined
}

/** What reading archives back once costs, for one way of retrieval. Each object is read with one GET. */
export function restorePrice(
  archived: Archived,
  { destination, retrieval }: { destination: Destination; retrieval: Retrieval },
  table: PriceTable,
): RestorePrice {
  const { sizeBytes, objects, storageClass } = archived
  const frozen = retrieval.tier !== 'immediate'
  const retrieved = (sizeBytes / GIB) * retrieval.dollarsPerGiB + (objects / 1000) * retrieval.dollarsPer1000Requests
  const thawed = (monthlyDollars(sizeBytes, 'STANDARD', table) * THAWED_DAYS) / DAYS_PER_MONTH
  const items = [
    ...(frozen || retrieved > 0 ? [priceItem(`retrieval from ${storageClass} (${retrieval.tier})`, retrieved)] : []),
    ...(frozen ? [priceItem(`the copy in STANDARD for ${THAWED_DAYS} days`, thawed)] : []),
    priceItem(`${objects} ${objects === 1 ? 'GET' : 'GETs'}`, requestDollars({ gets: objects }, storageClass, table)),
    ...blockWriteItems(archived.writtenBytes, table),
    priceItem(`${formatBytes(sizeBytes)} to ${destination}`, transferOutDollars(sizeBytes, destination, table)),
  ]
  const leavesOut = [
    ...(archived.writtenBytes === undefined
      ? []
      : [
          'the snapshots, images and volumes that are made',
          'transfer between regions, where the target is in another',
        ]),
    ...(destination === 'internet' ? ['the 100 GB a month that leave AWS for nothing'] : []),
    'other traffic of the month, which reaches cheaper tiers',
    'ports and lines of VPN or Direct Connect, and what the other end charges',
  ]
  return { ...priced(items, leavesOut, table), destination, tier: retrieval.tier, takes: retrieval.takes }
}

/** One price for each way of retrieval that the class has. */
export function restorePrices(archived: Archived, destination: Destination, table: PriceTable): RestorePrice[] {
  return table.storage[archived.storageClass].retrieval.map((retrieval) =>
    restorePrice(archived, { destination, retrieval }, table),
  )
}

/** What restoring one archive once costs: each way, or why nobody can say. */
export interface ArchiveRestorePrice {
  /** S3's word. */
  storageClass: string
  sizeBytes: number
  objects: number
  /** Empty for a class without prices. */
  ways: RestorePrice[]
  /** A sentence, where there are no ways. */
  unpriced?: string | undefined
}

/** `storageClass`: as a listing names it; a store other than AWS may name none, and then it counts as STANDARD. */
export function archiveRestorePrice(
  {
    artifacts,
    storageClass: name = 'STANDARD',
    writtenBytes,
  }: { artifacts: readonly { sizeBytes: number }[]; storageClass?: string; writtenBytes?: number | undefined },
  destination: Destination,
  table: PriceTable,
): ArchiveRestorePrice {
  const sizeBytes = artifacts.reduce((sum, artifact) => sum + artifact.sizeBytes, 0)
  const archived = { storageClass: name, sizeBytes, objects: artifacts.length }
  const { data: storageClass } = storageClassSchema.safeParse(name)
  if (storageClass === undefined) {
    return {
      ...archived,
      ways: [],
      unpriced: `What restoring costs isn't known: the price table has no class ${name}.`,
    }
  }
  return { ...archived, ways: restorePrices({ ...archived, storageClass, writtenBytes }, destination, table) }
}

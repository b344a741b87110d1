import { mkdirSync, rmSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import type { FileDelivery } from '../../functions/contracts/delivery.ts'
import type { Bed, Source } from './bed.ts'
import type { Measured } from './measure.ts'
import { loginAt, runSubject, type SubjectName } from './subject.ts'

/** What `deliver.ts` is told. */
export interface DeliverOrder {
  /** Where the restore keeps its books. */
  records: string
  /** Where the archive's file is read. */
  archive: string
  delivery: unknown
  /** On the node. */
  folder: string
  fileName: string
  sizeBytes: number
  crc32: number
  provesItself: boolean
}

/** What `deliver.ts` prints. */
export interface DeliverResult {
  /** The Deliver parts call alone: from connecting to the node to the last range that was proved to lie there. */
  deliverSeconds: number
  /** CPU time before that: Node's start, loading the bundle, beginning the restore. Paid once, whatever the archive's size. */
  startCpuSeconds: number
  partsInFlight: number
  partMiB: number
}

interface Way {
  type: FileDelivery['type']
  /** The route whose mirror it is. */
  mirror: SubjectName
  /** As a compressed archive does: otherwise, each range is read back whatever that takes. */
  provesItself: boolean
}

/** The ways back to a node. */
export const waysBack = {
  sftp: { type: 'sftp', mirror: 'sftp', provesItself: true },
  'sftp, uncompressed': { type: 'sftp', mirror: 'sftp', provesItself: false },
  pull: { type: 'pull', mirror: 'push', provesItself: true },
} as const satisfies Record<string, Way>
export type DeliveryName = keyof typeof waysBack
export const deliveryNames = Object.keys(waysBack) as DeliveryName[]

/** Where the node and the archive are reached; the servers themselves unless a line is in between. */
export interface BackEnds {
  sitePort: number
  archivePort: number
}

/** Where a file is brought on the node, for us and for the peers. */
export function deliveredFile(bed: Pick<Bed, 'folder'>, source: Source): string {
  return join(bed.folder, 'restored', basename(source.path))
}

/** Have `work` bring a file to the node, and take it away again. */
export async function andRemove<T>(bed: Bed, source: Source, work: (file: string) => Promise<T>): Promise<T> {
  const file = deliveredFile(bed, source)
  mkdirSync(dirname(file), { recursive: true })
  try {
    return await work(file)
  } finally {
    rmSync(dirname(file), { recursive: true })
  }
}

/** Bring a source's file back by Guestlift, in a fresh process with the options that the deployed function has. */
export function deliver(
  name: DeliveryName,
  bed: Bed,
  source: Source,
  ends: BackEnds,
): Promise<Measured & DeliverResult> {
  const { type, provesItself } = waysBack[name]
  return andRemove(bed, source, (file) => {
    const order: DeliverOrder = {
      records: `https://127.0.0.1:${bed.sink.port}`,
      archive: `https://127.0.0.1:${ends.archivePort}`,
      delivery: { type, ...loginAt(ends.sitePort, bed) },
      folder: dirname(file),
      fileName: basename(file),
      sizeBytes: source.sizeBytes,
      crc32: source.crc32,
      provesItself,
    }
    return runSubject<DeliverResult>(bed, bed.deliverBundle, order)
  })
}

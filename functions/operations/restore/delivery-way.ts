import type { RestoreRecord, RestoreRef } from '../../contracts/restore-record.ts'
import type { DeliveredPart } from '../books/restore-records.ts'
import type { Ports } from '../ports.ts'
import type { Pacer } from '../transfer/pacer.ts'
import type { PartMover } from '../transfer/part-mover.ts'

export type DeliveryNeeds = Pick<
  Ports,
  'store' | 'keyPrefix' | 'delivery' | 'diskWriter' | 'fileDiskWriter' | 'now' | 'sleep' | 'localProcess' | 'log'
>

/** What rounds know of what is delivered, in parts from 1. */
export interface Deliverable {
  /** Transfers to the same one share its connections. */
  node: string
  partCount: number
  partSizeBytes: number
  /** In a function's memory for each part. */
  heldBytes: number
  bytesOf: (part: number) => number
}

/** How an archive comes to its target: as the file that a platform restores from, or as disks, in blocks or as files. */
export interface DeliveryWay {
  deliverable(record: RestoreRecord): Deliverable

  /** See that there is something to bring parts to, and what is there of them. */
  begin(
    restore: RestoreRef,
    record: RestoreRecord,
    ports: DeliveryNeeds,
  ): Promise<{ record: RestoreRecord; there: ReadonlyMap<number, DeliveredPart> }>

  mover(restore: RestoreRef, record: RestoreRecord, pacer: Pacer, ports: DeliveryNeeds): PartMover

  /** Every part is there: prove the whole, and let the platform have it. */
  finish(
    restore: RestoreRef,
    record: RestoreRecord,
    there: ReadonlyMap<number, DeliveredPart>,
    ports: DeliveryNeeds,
  ): Promise<void>
}

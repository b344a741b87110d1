import type { RestoreRecord } from '../../contracts/restore-record.ts'
import type { DeliveryWay } from './delivery-way.ts'
import { diskDelivery } from './disk-delivery.ts'
import { fileDelivery } from './file-delivery.ts'
import { areFiles } from './new-disks.ts'
import { wholeDiskDelivery } from './whole-disk-delivery.ts'

export function deliveryWay(record: Pick<RestoreRecord, 'newDisks'>): DeliveryWay {
  if (record.newDisks === undefined) return fileDelivery
  return areFiles(record) ? wholeDiskDelivery : diskDelivery
}

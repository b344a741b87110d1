import type { RestoreRecord } from '../../contracts/restore-record.ts'
import type { DeliveryWay } from './delivery-way.ts'
import { diskDelivery } from './disk-delivery.ts'
import { fileDelivery } from './file-delivery.ts'

export function deliveryWay({ newDisks }: Pick<RestoreRecord, 'newDisks'>): DeliveryWay {
  return newDisks === undefined ? fileDelivery : diskDelivery
}

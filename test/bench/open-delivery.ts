import type { FileDelivery } from '../../functions/contracts/delivery.ts'
import type { Delivery } from '../../functions/writers/writer.ts'

/** As `runtime/compose/delivery.ts` opens them: imported on demand, so that a process carries the code of one delivery. */
export async function openDelivery(site: string, delivery: FileDelivery): Promise<Delivery> {
  switch (delivery.type) {
    case 'pull': {
      const { openPullDelivery } = await import('../../functions/writers/pull/pull.ts')
      return openPullDelivery(site, delivery)
    }
    case 'sftp': {
      const { openSftpDelivery } = await import('../../functions/writers/sftp/sftp.ts')
      return openSftpDelivery(site, delivery)
    }
  }
}

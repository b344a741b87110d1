import type { RestoreRecord } from '../../contracts/restore-record.ts'
import type { RestoreReport } from '../../contracts/restore-report.ts'
import { START_SETTLES_SECONDS } from '../../domain/backup/guest-claim.ts'
import type { Ports } from '../ports.ts'
import { openDiskRestorer } from './intended-disks.ts'
import { newDisksOf } from './new-disks.ts'

interface Removal {
  left: RestoreReport['left']
  again: boolean
  whole?: true
}

/**
 * Remove the disks of a restore that failed, and what was half made of them: all that bears its token. One that may yet be
 * begun is left to a later try.
 */
export async function removeNewDisks(record: RestoreRecord, ports: Pick<Ports, 'provider' | 'now'>): Promise<Removal> {
  const { request, token, steps } = record
  const { deliveryBegunAt } = steps
  if (deliveryBegunAt === undefined) return { left: [], again: false }
  const disks = newDisksOf(record)
  const where = `Site ${request.site}, region ${disks[0]?.target.region ?? ''}`
  if (request.keepFailed) {
    const what = `${where}: the disks that bear the tag guestlift:restore=${token} were kept, as was asked for.`
    return { left: [{ what }], again: false }
  }
  const restores = await openDiskRestorer(record, ports)
  const { whole, left } = await restores.removeMade(disks, token, request.to ?? 'image')
  if (whole) return { left: [], again: false, whole: true }
  const settled = ports.now().getTime() - Date.parse(deliveryBegunAt) > START_SETTLES_SECONDS * 1000
  const undecided = !settled && disks.some(({ ref }) => ref === undefined)
  const what = `${where}: a disk may yet be begun with the tag guestlift:restore=${token}.`
  return { left: [...left, ...(undecided ? [{ what }] : [])], again: undecided || left.length > 0 }
}

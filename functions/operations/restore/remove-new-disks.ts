import type { NewDisk, RestoreRecord } from '../../contracts/restore-record.ts'
import type { RestoreReport } from '../../contracts/restore-report.ts'
import { START_SETTLES_SECONDS } from '../../domain/backup/guest-claim.ts'
import { madeInto } from '../../domain/restore/made-into.ts'
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
  const what = whatTheyAre(disks, token)
  const where = `Site ${request.site}`
  if (request.keepFailed) {
    return { left: [{ what: `${where}: ${what} were kept, as was asked for.` }], again: false }
  }
  const restores = await openDiskRestorer(record, ports)
  const { whole, left } = await restores.removeMade(disks, token, madeInto(record))
  if (whole) return { left: [], again: false, whole: true }
  const settled = ports.now().getTime() - Date.parse(deliveryBegunAt) > START_SETTLES_SECONDS * 1000
  const undecided = !settled && disks.some(({ ref }) => ref === undefined)
  const more = { what: `${where}: one of ${what} may yet be begun.` }
  return { left: [...left, ...(undecided ? [more] : [])], again: undecided || left.length > 0 }
}

/** By what a person finds them with. */
function whatTheyAre([first]: readonly NewDisk[], token: string): string {
  return first?.target.type === 'datastore-disk'
    ? `the files in [${first.target.datastore}] ${first.target.folder}`
    : `the disks in region ${first?.target.region ?? ''} that bear the tag guestlift:restore=${token}`
}

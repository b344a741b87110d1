/** The first look at where an archive's whole disks are to come back. */
import { RestoreRefused } from '../../contracts/errors.ts'
import type { RestoreFinding } from '../../contracts/restore.ts'
import type { RestoreRecord, RestoreRef } from '../../contracts/restore-record.ts'
import type { TaskOutput } from '../../contracts/tasks.ts'
import { refusals } from '../../domain/restore/findings.ts'
import { strangeOptions } from '../../domain/restore/strange-options.ts'
import { madeInto } from '../../domain/restore/made-into.ts'
import { tooLargeForOneStream } from '../../domain/restore/one-stream.ts'
import { changeRestore } from '../books/restore-records.ts'
import type { Ports } from '../ports.ts'
import { intendedDisks, openDiskRestorer } from './intended-disks.ts'
import { areFiles, disksOf } from './new-disks.ts'
import { frozenFindings } from './target-findings.ts'

type Needs = Pick<Ports, 'store' | 'keyPrefix' | 'provider' | 'now' | 'log'>

/**
 * Ask the site all that is known to stand against it, and settle what each disk becomes: at a second look, it stays.
 * @throws RestoreRefused naming each refusal, for a confirmed restore; the provider's errors
 */
export async function checkDiskTarget(
  restore: RestoreRef,
  record: RestoreRecord,
  ports: Needs,
): Promise<TaskOutput<'CheckTarget'>> {
  const { request, archive } = record
  const restores = await openDiskRestorer(record, ports)
  const { findings, disks } = await restores.checkTarget(await intendedDisks(record, ports))
  const frozen = await frozenFindings(record, ports)
  const tooLarge = tooLargeForOneStream(
    disksOf(record).map(({ fileName, disk }) => ({ fileName, sizeBytes: disk.sizeBytes })),
  )
  const all: RestoreFinding[] = [
    ...strangeOptions(request, madeInto(record) === 'guest' ? 'disks-of-guest' : 'disks'),
    ...findings,
    ...(tooLarge === undefined || !areFiles({ newDisks: disks }) ? [] : [tooLarge]),
    ...frozen.findings,
  ]
  await changeRestore(
    restore,
    (now) => ({
      ...now,
      findings: all,
      ...(disks.length === 0 ? {} : { newDisks: now.newDisks ?? disks }),
      ...(frozen.storageClass === undefined ? {} : { storageClass: frozen.storageClass }),
      steps: { ...now.steps, checkedAt: ports.now().toISOString() },
    }),
    ports,
  )
  const against = refusals(all)
  ports.log('target-checked', { site: request.site, guest: archive.guest.id, findings: all.map(({ name }) => name) })
  if (request.confirm && against.length > 0) {
    throw new RestoreRefused(against.map(({ message }) => message).join(' '))
  }
  return { frozen: frozen.isFrozen, imports: false }
}

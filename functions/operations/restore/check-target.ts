import { RestoreRefused } from '../../contracts/errors.ts'
import type { DeliveryPlace, RestoreRecord } from '../../contracts/restore-record.ts'
import type { TaskInput, TaskOutput } from '../../contracts/tasks.ts'
import { refusals } from '../../domain/restore/findings.ts'
import { strangeOptions } from '../../domain/restore/strange-options.ts'
import { keepLease } from '../books/restore-leases.ts'
import { changeRestore, readRestore } from '../books/restore-records.ts'
import type { Ports } from '../ports.ts'
import { diskStorage, fileStorage } from './delivery-storage.ts'
import { checkDiskTarget } from './disk-target.ts'
import { importFindings, importsOf, plannedDisks } from './import-target.ts'
import { intendedRestore, openRestorer } from './intended-restore.ts'
import { commandFindings, deliveryFindings, frozenFindings } from './target-findings.ts'

type Needs = Pick<
  Ports,
  'store' | 'keyPrefix' | 'provider' | 'delivery' | 'importsGuests' | 'siteLimits' | 'now' | 'localProcess' | 'log'
>

/**
 * Ask the site all that is known to stand against the restore, and settle where the file goes. A confirmed one takes the id
 * first, so that nobody else restores to it meanwhile. What is found is in the record, for the report.
 * @throws RestoreRefused naming each refusal, for a confirmed restore; the provider's and the delivery's errors
 */
export async function checkTarget(input: TaskInput<'CheckTarget'>, ports: Needs): Promise<TaskOutput<'CheckTarget'>> {
  const { restore } = input
  const record = await readRestore(restore, ports)
  const { request, archive } = record
  if (archive.disks !== undefined) {
    if (request.confirm) await keepLease(input, record, ports)
    return checkDiskTarget(restore, record, ports)
  }
  const { provider, restores } = await openRestorer(record, ports)
  if (request.confirm) await keepLease(input, record, ports)
  // As the first look found the site: half of a restore goes no other way.
  const byImport = record.place === undefined ? await ports.importsGuests(request.site) : record.disks !== undefined
  const imports = byImport ? importsOf(restores, request.site) : undefined
  const where = { site: request.site, node: record.target.node }
  const storage =
    record.place?.storage ??
    request.deliveryStorage ??
    (await (imports === undefined ? fileStorage(where, provider) : diskStorage(where, imports)))
  const intended = await intendedRestore(record, storage, ports, byImport)
  const { findings, present } = await restores.checkTarget(intended)
  const place: DeliveryPlace = record.place ?? {
    node: record.target.node,
    storage,
    ...(await restores.placeFor(intended, record.token)),
  }
  const frozen = await frozenFindings(record, ports)
  const ofWay = byImport
    ? await importFindings(record, intended.archive, ports)
    : await deliveryFindings(record, place, findings, ports)
  const all = [
    ...strangeOptions(request, 'file'),
    ...findings,
    ...commandFindings(record, restores),
    ...frozen.findings,
    ...ofWay,
  ]
  const disks = imports === undefined ? undefined : plannedDisks(restore, intended, place, imports, ports)
  // The guest of the first look: one that came under the id while an archive thawed is none that a person agreed to lose.
  const isFirst = record.steps.checkedAt === undefined
  const replaces = isFirst && request.replace && present !== undefined ? { replaces: guestOf(present) } : {}
  await changeRestore(
    restore,
    (now) => ({
      ...now,
      findings: all,
      place,
      ...(disks === undefined ? {} : { disks: now.disks ?? disks }),
      ...(frozen.storageClass === undefined ? {} : { storageClass: frozen.storageClass }),
      ...replaces,
      steps: { ...now.steps, checkedAt: ports.now().toISOString() },
    }),
    ports,
  )
  const against = refusals(all)
  ports.log('target-checked', { site: request.site, guest: archive.guest.id, findings: all.map(({ name }) => name) })
  if (request.confirm && against.length > 0) {
    throw new RestoreRefused(against.map(({ message }) => message).join(' '))
  }
  return { frozen: frozen.isFrozen, imports: byImport }
}

function guestOf({ id, kind, name, node, identity }: NonNullable<RestoreRecord['replaces']>) {
  return { id, kind, name, node, ...(identity === undefined ? {} : { identity }) }
}

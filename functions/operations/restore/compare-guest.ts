import { GuestliftError } from '../../contracts/errors.ts'
import type { RestoreRecord } from '../../contracts/restore-record.ts'
import type { TaskInput, TaskOutput } from '../../contracts/tasks.ts'
import { keepLease } from '../books/restore-leases.ts'
import { changeRestore, readRestore } from '../books/restore-records.ts'
import type { MadeGuest, Restores } from '../../providers/capabilities/restores.ts'
import type { Ports } from '../ports.ts'
import { placeOf } from './delivery-target.ts'
import { compareDisks } from './make-of-disks.ts'
import { intendedRestore, openRestorer, restoredHow } from './intended-restore.ts'
import { startGuest } from './start-guest.ts'

type Needs = Pick<
  Ports,
  'store' | 'keyPrefix' | 'provider' | 'diskWriter' | 'now' | 'sleep' | 'remainingMilliseconds' | 'localProcess' | 'log'
>

/** A guest that boots takes its time until its agent answers. */
const AGENT_SECONDS = 180

/**
 * Hold the guest that was made against the configuration in the archive, key by key; then start it or make a template of
 * it, where that was asked for. A guest with which that fails is restored all the same: the report says so.
 * @throws PlatformUnavailable while a template may still be made of it: call again
 */
export async function compareGuest(
  input: TaskInput<'CompareGuest'>,
  ports: Needs,
): Promise<TaskOutput<'CompareGuest'>> {
  const { restore } = input
  const record = await readRestore(restore, ports)
  await keepLease(input, record, ports)
  if (record.newDisks !== undefined) return compareDisks(restore, record, ports)
  const { provider, restores } = await openRestorer(record, ports)
  const made = await restores.describeMade({ ...record.target, kind: record.archive.guest.kind })
  const { archive } = await intendedRestore(record, placeOf(record).storage, ports)
  const comparison =
    archive.configuration === undefined ? undefined : restores.compare(archive.configuration, made, restoredHow(record))
  const { started, warnings } = record.request.start
    ? await startGuest(made.guest, { provider, restores, agentSeconds: AGENT_SECONDS }, ports)
    : { started: undefined, warnings: [] }
  const template = record.request.template === true ? await makeTemplate(made, restores) : undefined
  const comparedAt = ports.now().toISOString()
  await changeRestore(
    restore,
    (held): RestoreRecord => ({
      ...held,
      ...(comparison === undefined ? {} : { comparison }),
      ...(started === undefined ? {} : { started }),
      ...(template === undefined ? {} : { isTemplate: template.isTemplate }),
      storages: made.storages,
      warnings: [...held.warnings, ...warnings, ...(template?.warnings ?? [])],
      steps: { ...held.steps, comparedAt },
    }),
    ports,
  )
  const differences = comparison?.differences.length ?? 0
  ports.log('guest-compared', { site: record.request.site, guest: record.target.id, differences })
  return { differences }
}

async function makeTemplate(
  { guest }: MadeGuest,
  restores: Restores,
): Promise<{ isTemplate: boolean; warnings: string[] }> {
  try {
    await restores.makeTemplate(guest)
    return { isTemplate: true, warnings: [] }
  } catch (error) {
    if (!(error instanceof GuestliftError) || error.group === 'retry') throw error
    return { isTemplate: false, warnings: [`The guest was restored, and no template was made of it: ${error.message}`] }
  }
}

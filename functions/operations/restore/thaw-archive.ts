import { ObjectFrozen } from '../../contracts/errors.ts'
import type { TaskInput, TaskOutput } from '../../contracts/tasks.ts'
import { objectsOf } from '../../domain/restore/objects.ts'
import { keepLease, RESTORE_LEASE_SECONDS } from '../books/restore-leases.ts'
import { changeRestore, readRestore } from '../books/restore-records.ts'
import type { Ports } from '../ports.ts'

type Needs = Pick<Ports, 'store' | 'keyPrefix' | 'now' | 'localProcess' | 'log'>

/** Asking costs one request: a thaw of minutes is looked at each minute, one of hours four times an hour. */
const LOOK_SECONDS = { expedited: 60, standard: 900, bulk: 900 }
/** The slowest tier of the coldest class takes up to 48 hours (S3 user guide, "Archive retrieval options"). */
const LONGEST_THAW_DAYS = 4

/**
 * Have S3 thaw the archive, once, and look whether it can be read. One that somebody else asked for is waited for.
 * @throws ObjectFrozen when it isn't readable after days; RestoreRefused when another restore has the id; the store's errors
 */
export async function thawArchive(input: TaskInput<'ThawArchive'>, ports: Needs): Promise<TaskOutput<'ThawArchive'>> {
  const record = await readRestore(input.restore, ports)
  const { archive, request } = record
  const thaw = request.thaw ?? { tier: 'standard' as const, days: 7 }
  const waitSeconds = LOOK_SECONDS[thaw.tier]
  await keepLease(input, record, ports, RESTORE_LEASE_SECONDS + waitSeconds)
  const states: (string | undefined)[] = []
  for (const key of objectsOf(archive)) {
    const found = await ports.store.frozenState(key)
    states.push(found?.state === 'frozen' ? await ports.store.thaw(key, thaw) : found?.state)
  }
  const now = ports.now().toISOString()
  const begunAt = record.steps.thawBegunAt ?? now
  const isReadable = states.every((state) => state === 'readable' || state === undefined)
  await changeRestore(
    input.restore,
    (held) => ({
      ...held,
      steps: { ...held.steps, thawBegunAt: begunAt, ...(isReadable ? { thawedAt: now } : {}) },
    }),
    ports,
  )
  ports.log('archive-thaw', { key: archive.key, states })
  if (isReadable) return { readable: true }
  const days = (Date.parse(now) - Date.parse(begunAt)) / 86_400_000
  if (days > LONGEST_THAW_DAYS) {
    throw new ObjectFrozen(
      `s3://${ports.store.bucket}/${archive.key} isn't readable ${LONGEST_THAW_DAYS} days after S3 was asked to thaw it. Look at the object in the console of S3.`,
    )
  }
  return { waitSeconds }
}

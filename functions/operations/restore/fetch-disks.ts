import {
  ChecksumMismatch,
  RestoreFailed,
  RestoreRefused,
  RestoreStartUnclear,
  TargetFull,
} from '../../contracts/errors.ts'
import type { ImportedDisk, RestoreRecord } from '../../contracts/restore-record.ts'
import type { TaskInput, TaskOutput } from '../../contracts/tasks.ts'
import { START_SETTLES_SECONDS } from '../../domain/backup/guest-claim.ts'
import { nextWaitSeconds } from '../../domain/backup/poll-wait.ts'
import { bandwidthAt } from '../../domain/transfer/transfer-limits.ts'
import { sentence } from '../../domain/words/sentence.ts'
import type { DiskImports, ImportStorage } from '../../providers/capabilities/disk-imports.ts'
import { keepLease } from '../books/restore-leases.ts'
import { changeRestore, readRestore } from '../books/restore-records.ts'
import type { Ports } from '../ports.ts'
import { placeOf } from './delivery-target.ts'
import { importsOf } from './import-target.ts'
import { openRestorer } from './intended-restore.ts'
import { changeDisk, disksOf } from './unpack-disks.ts'

type Needs = Pick<Ports, 'store' | 'keyPrefix' | 'provider' | 'siteLimits' | 'now' | 'localProcess' | 'log'>

/**
 * The address stands in the log of the platform's task, where others may read it. The node uses it at once; the rest is for
 * a clock that is off.
 */
const URL_SECONDS = 300
const MOST_FAILURES = 3
/** Until an order may show in the platform's list, and between two tries. */
const SHORT_WAIT_SECONDS = 15
const LONGEST_WAIT_SECONDS = 300
/** Looks cost events of one history, which holds so many. */
const LONGEST_FETCH_DAYS = 4

/**
 * Have the platform fetch the next disk, or see how far it is. An order whose answer was lost is looked for by the file's
 * name before it is given again; then the platform finds by the checksum whether the file is there already.
 * @throws RestoreFailed with the platform's words when fetching fails again and again; TargetFull, ChecksumMismatch;
 * RestoreRefused when another restore has the id by now
 */
export async function fetchDisks(input: TaskInput<'FetchDisks'>, ports: Needs): Promise<TaskOutput<'FetchDisks'>> {
  const { restore } = input
  const record = await readRestore(restore, ports)
  await keepLease(input, record, ports)
  const disk = disksOf(record).find(({ fetchedAt }) => fetchedAt === undefined)
  if (disk === undefined) {
    const deliveredAt = ports.now().toISOString()
    const bytesSent = disksOf(record).reduce((sum, { image }) => sum + (image?.sizeBytes ?? 0), 0)
    await changeRestore(restore, (held) => ({ ...held, bytesSent, steps: { deliveredAt, ...held.steps } }), ports)
    return { done: true }
  }
  const { restores } = await openRestorer(record, ports)
  const imports = importsOf(restores, record.request.site)
  const note = (change: Partial<ImportedDisk>) => changeDisk(restore, disk.disk, change, ports)
  const step =
    disk.jobRef === undefined
      ? await order(record, disk, imports, note, ports)
      : await look(record, disk, imports, ports)
  if ('change' in step) await note(step.change)
  if (record.steps.deliveryBegunAt === undefined) {
    const deliveryBegunAt = ports.now().toISOString()
    await changeRestore(restore, (held) => ({ ...held, steps: { deliveryBegunAt, ...held.steps } }), ports)
  }
  return { done: false, waitSeconds: step.waitSeconds }
}

type Step = { waitSeconds: number; change?: Partial<ImportedDisk> }

const placeIn = (record: RestoreRecord): ImportStorage => {
  const { node, storage } = placeOf(record)
  return { node, storage }
}

async function order(
  record: RestoreRecord,
  disk: ImportedDisk,
  imports: DiskImports,
  note: (change: Partial<ImportedDisk>) => Promise<void>,
  ports: Needs,
): Promise<Step> {
  const at = placeIn(record)
  const { fileName, key, sha256, askedAt } = disk
  if (askedAt !== undefined) {
    const found = await imports.findFetch(at, fileName, new Date(askedAt))
    if (found !== undefined) return { waitSeconds: 1, change: { jobRef: found.jobRef } }
    const settled = ports.now().getTime() - Date.parse(askedAt) > START_SETTLES_SECONDS * 1000
    if (!settled) return { waitSeconds: SHORT_WAIT_SECONDS }
  }
  if (sha256 === undefined) throw new ChecksumMismatch(`The sum of ${key} isn't known. Restore again.`)
  const limited = await waitForOpenLine(record, ports)
  if (limited !== undefined) return { waitSeconds: limited }
  const url = await ports.store.presignObject(key, URL_SECONDS)
  // Before asking: whoever comes after a lost answer looks first.
  await note({ askedAt: ports.now().toISOString() })
  try {
    const { jobRef } = await imports.fetch(at, { fileName, url, sha256 })
    ports.log('disk-asked-for', { site: record.request.site, guest: record.target.id, disk: disk.disk, jobRef })
    return { waitSeconds: 1, change: { jobRef } }
  } catch (error) {
    if (!(error instanceof RestoreStartUnclear)) throw error
    ports.log('disk-order-unclear', { site: record.request.site, disk: disk.disk, message: error.message })
    return { waitSeconds: SHORT_WAIT_SECONDS }
  }
}

/** A node that fetches by itself keeps no limit, so it begins at times that have none. */
async function waitForOpenLine({ request }: RestoreRecord, ports: Needs): Promise<number | undefined> {
  const { bytesPerSecond, changesAt } = bandwidthAt(await ports.siteLimits(request.site), ports.now())
  if (bytesPerSecond === undefined) return undefined
  if (changesAt !== undefined) {
    const seconds = Math.ceil((changesAt.getTime() - ports.now().getTime()) / 1000)
    return Math.min(LONGEST_WAIT_SECONDS, Math.max(1, seconds))
  }
  throw new RestoreRefused(
    `Site ${request.site} has a limit of bandwidth at all times, which a node that fetches disks itself doesn't keep. Restore with delivery "pull" or "sftp", or lift the limit.`,
  )
}

async function look(record: RestoreRecord, disk: ImportedDisk, imports: DiskImports, ports: Needs): Promise<Step> {
  const { jobRef = '', askedAt, image, fileName, ref, failures = 0 } = disk
  const at = placeIn(record)
  const where = `Site ${record.request.site}, node ${at.node}, guest ${record.target.id}: ${fileName}`
  const { ending, said, again, advice } = await imports.fetchEnding(jobRef)
  if (ending === 'running') {
    const elapsedSeconds = (ports.now().getTime() - Date.parse(askedAt ?? record.startedAt)) / 1000
    if (elapsedSeconds < LONGEST_FETCH_DAYS * 86_400) return { waitSeconds: nextWaitSeconds({ elapsedSeconds }) }
    throw new RestoreFailed(`${where} is still being fetched after ${LONGEST_FETCH_DAYS} days. It is stopped.`)
  }
  if (ending === 'fetched') {
    const sizeBytes = await imports.fetchedBytes(at, ref)
    if (sizeBytes === image?.sizeBytes) return { waitSeconds: 1, change: { fetchedAt: ports.now().toISOString() } }
    throw new ChecksumMismatch(
      `${where} has ${sizeBytes ?? 'no'} bytes on ${at.storage}, and ${image?.sizeBytes} were to be fetched. Restore again.`,
    )
  }
  const words = [sentence(`${where} could not be fetched: ${said}`), ...(advice === undefined ? [] : [advice])].join(
    ' ',
  )
  ports.log('disk-not-fetched', { site: record.request.site, disk: disk.disk, jobRef, said, failures: failures + 1 })
  if (again && failures + 1 < MOST_FAILURES) {
    return {
      waitSeconds: SHORT_WAIT_SECONDS,
      change: { failures: failures + 1, jobRef: undefined, askedAt: undefined },
    }
  }
  throw isFull(advice) ? new TargetFull(words) : new RestoreFailed(words)
}

const isFull = (advice = ''): boolean => advice.startsWith('The storage is full')

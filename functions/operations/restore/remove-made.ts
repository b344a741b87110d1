/** Removes from the platform what a restore put there: its file, and a guest that was never whole. */
import { GuestliftError } from '../../contracts/errors.ts'
import type { RestoreRecord } from '../../contracts/restore-record.ts'
import type { RestoreReport } from '../../contracts/restore-report.ts'
import { sentence } from '../../domain/words/sentence.ts'
import type { Ports } from '../ports.ts'
import { placeOf, targetOf } from './delivery-target.ts'
import { intendedRestore, madeGuest, openRestorer } from './intended-restore.ts'
import { removeNewDisks } from './remove-new-disks.ts'
import { removeFetched, removeUnpacked } from './remove-disks.ts'

type Needs = Pick<Ports, 'store' | 'keyPrefix' | 'provider' | 'delivery' | 'now' | 'log'>

/** What is left, and whether a later try may remove it. */
export interface Removal {
  left: RestoreReport['left']
  again: boolean
  /** The platform had made the guest to its end, though nobody wrote that down: it stays. */
  whole?: true
}

const STOP_SECONDS = 120

/**
 * Remove what nobody needs any more. What can't be removed is named, and nothing else is touched.
 * @param failed the guest is removed, too, unless the platform had made it to its end or a person wants to look at it. That of
 * a drill is always removed.
 */
export async function removeMade(record: RestoreRecord, failed: boolean, ports: Needs): Promise<Removal> {
  if (!record.request.confirm) return nothing
  if (record.newDisks !== undefined) {
    return failed && record.steps.createdAt === undefined
      ? attempt(() => removeNewDisks(record, ports), ports)
      : nothing
  }
  if (record.place === undefined) return nothing
  const isDrill = record.request.drill !== undefined
  const unwanted = isDrill || (failed && record.steps.createdAt === undefined)
  const guest = unwanted ? await attempt(() => removeGuest(record, ports), ports) : nothing
  // A task that runs reads the file.
  const removeBrought = record.disks === undefined ? removeFile : removeDisks
  const file = guest.again ? nothing : await attempt(() => removeBrought(record, ports), ports)
  return { ...guest, left: [...guest.left, ...file.left], again: guest.again || file.again }
}

const nothing: Removal = { left: [], again: false }

async function attempt(work: () => Promise<Removal>, { log }: Needs): Promise<Removal> {
  try {
    return await work()
  } catch (error) {
    if (!(error instanceof GuestliftError)) throw error
    log('restore-not-cleaned-up', { error: error.name, message: error.message })
    return { left: [{ what: error.message }], again: true }
  }
}

async function removeGuest(record: RestoreRecord, ports: Needs): Promise<Removal> {
  const { askedAt, request, target, token } = record
  if (askedAt === undefined) return nothing
  const { storage, artifactRef } = placeOf(record)
  const { provider, restores } = await openRestorer(record, ports)
  const found =
    record.jobRef === undefined
      ? await restores.find(await intendedRestore(record, storage, ports), artifactRef, new Date(askedAt))
      : undefined
  const where = `Site ${request.site}, node ${target.node}`
  if (found !== undefined && found.ours.length === 0 && found.undecided.length > 0) {
    return {
      left: [{ what: `${where}: a restore of guest ${target.id} may be running. Look at its task.` }],
      again: true,
    }
  }
  const jobRef = record.jobRef ?? found?.ours[0]?.jobRef
  if (jobRef === undefined) return nothing
  let { ending } = await restores.ending(jobRef)
  if (ending === 'running') {
    await provider.stop(jobRef, STOP_SECONDS)
    // It may have come to its end before it was stopped.
    ending = (await restores.ending(jobRef)).ending
  }
  const isDrill = request.drill !== undefined
  if (!isDrill && (ending === 'ok' || ending === 'warnings')) return { ...nothing, whole: true }
  if (request.keepFailed) {
    return {
      left: [{ what: `${where}: guest ${target.id} is half made and was kept, as was asked for.` }],
      again: false,
    }
  }
  const removal = await restores.removeMade(madeGuest(record), { jobRef, token, artifactRef }, { stop: isDrill })
  if (removal.removed) return nothing
  return { left: [{ what: removal.reason, removeWith: removal.removeWith }], again: removal.passing === true }
}

async function removeFile(record: RestoreRecord, ports: Needs): Promise<Removal> {
  const delivery = await ports.delivery(record.request.site)
  const target = targetOf(record)
  try {
    await delivery.remove(target)
    return nothing
  } catch (error) {
    if (!(error instanceof GuestliftError)) throw error
    const { node, folder, name, token } = target
    ports.log('restore-not-cleaned-up', { error: error.name, message: error.message, node, folder, name })
    const what = `On node ${node}, ${folder} may still hold what was brought of ${name}, which the next sweep removes. ${sentence(error.message)}`
    // The whole file and the one that isn't whole yet both bear the token.
    return { left: [{ what, removeWith: `rm -f '${folder}'/*${token}*` }], again: true }
  }
}

/** In the bucket as well as on the platform: neither waits for the other. */
async function removeDisks(record: RestoreRecord, ports: Needs): Promise<Removal> {
  const unpacked = await attempt(async () => {
    await removeUnpacked(record, ports)
    return nothing
  }, ports)
  const fetched = await attempt(() => removeFetched(record, ports), ports)
  return { left: [...unpacked.left, ...fetched.left], again: unpacked.again || fetched.again }
}

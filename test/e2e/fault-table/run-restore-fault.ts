import { planParts } from '../../../functions/domain/transfer/part-plan.ts'
import { armed, causeOnTheWay, complaintOf, judgeEnding } from './arming.ts'
import type { Arming, RestoreEnding, RestoreFault } from './fault.ts'
import { archived, type RestoreBed, type RestoreOrder, TARGET } from './restore-bed.ts'
import type { Measured } from './try-fault.ts'

/** Try one fault on a mended bed, and measure. Leaves the bed as the fault left it. */
export async function runRestoreFault(fault: RestoreFault, bed: RestoreBed): Promise<Measured> {
  await bed.mend()
  const { guest = 'small', expected } = fault
  const order: RestoreOrder = {
    site: fault.route,
    archive: `hq/vm-${archived[guest]}`,
    id: String(TARGET),
    storage: 'local-lvm',
    // Both ways lead to it.
    deliveryStorage: 'nas',
    confirm: true,
    ...fault.request,
  }
  const { arming, injected } = armed(fault, () => fault.inject(bed))
  const ending = await (fault.instead ?? restoreOnce)(bed, order, arming)
  const complaints = await complaintOf(injected)
  const cause = expected === 'succeeded' ? causeOnTheWay(bed.told) : ending.reason
  complaints.push(...judgeEnding(fault, ending, cause))
  const bytesLost = expected === 'succeeded' ? bed.bytesUnlike(guest) : 0
  if (bytesLost > 0) complaints.push(`${bytesLost} bytes of the disk aren't as archived`)
  const twice = proved(bed)
  if (twice > 0) complaints.push(`${twice} ranges were brought again that were proved to lie there`)
  const orders = bed.orders()
  if (orders > 1 || (expected === 'succeeded' && orders === 0))
    complaints.push(`the guest was asked for ${orders} times`)
  complaints.push(...(await changes(fault, bed)), ...(await leftovers(fault, bed, ending)))
  complaints.push(...(await complaintOf(() => fault.check?.(bed, ending))))
  const { partSizeBytes } = planParts(ending.report?.archive?.sizeBytes ?? 0)
  return {
    ending,
    partsTwice: twice,
    bytesTwice: twice * partSizeBytes,
    refused: 0,
    uploads: 0,
    bytesLost,
    cause,
    complaints,
  }
}

function restoreOnce(bed: RestoreBed, order: RestoreOrder, arming: Arming): Promise<RestoreEnding> {
  return bed.restore(order, arming)
}

/** What is written down of a range counts as often as it is written: once. */
function proved({ written }: RestoreBed): number {
  const ranges = written.filter((key) => /^restores\/.*\/delivered\//.test(key))
  return ranges.length - new Set(ranges).size
}

async function changes({ spoilsArchive }: RestoreFault, bed: RestoreBed): Promise<string[]> {
  if (spoilsArchive) return []
  return (await bed.changedArchives()).map((key) => `${key} isn't as it was archived`)
}

async function leftovers(
  { expected, leaves, holder }: RestoreFault,
  bed: RestoreBed,
  { report }: RestoreEnding,
): Promise<string[]> {
  const { site } = bed
  const { guests, control } = site.lab
  const files = bed.delivered()
  const running = control.tasks().filter((task) => task.running)
  const made = guests.find(({ vmid }) => vmid === TARGET)
  const named = (report?.left ?? []).map(({ what, removeWith = '' }) => `${what} ${removeWith}`)
  const unnamed = named.filter((each) => leaves?.test(each) !== true)
  const open = await site.keys('restores/open/')
  return [
    ...files.map((name) => `${name} is left on the node`),
    ...running.map(({ upid }) => `${upid} still runs on the platform`),
    ...open.map((key) => `${key} is left in the bucket`),
    ...unnamed.map((each) => `the report says that this is left: ${each}`),
    ...(leaves !== undefined && named.length === 0 ? ['the report names nothing that is left'] : []),
    ...(expected === 'succeeded' && made === undefined ? ['there is no guest'] : []),
    ...(expected === 'succeeded' && made?.lock !== undefined ? [`the guest is locked (${made.lock})`] : []),
    ...(expected !== 'succeeded' && leaves === undefined && made?.name !== holder
      ? [`the id belongs to ${made?.name ?? 'nobody'}, not to ${holder ?? 'nobody'}`]
      : []),
  ]
}

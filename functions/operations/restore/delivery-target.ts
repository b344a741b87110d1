import { InternalFault } from '../../contracts/errors.ts'
import type { DeliveryPlace, RestoreRecord } from '../../contracts/restore-record.ts'
import { partRange, type PartPlan, planParts } from '../../domain/transfer/part-plan.ts'
import type { Target } from '../../writers/writer.ts'

/** Where the file goes, which a check of the target has settled. @throws InternalFault before that */
export function placeOf({ restoreId, place }: RestoreRecord): DeliveryPlace {
  if (place === undefined) throw new InternalFault(`Restore ${restoreId} is to deliver a file, and nothing says where.`)
  return place
}

export function targetOf(record: RestoreRecord): Target {
  const { node, folder, fileName, provesItself = false } = placeOf(record)
  const { token, request, archive } = record
  return {
    node,
    folder,
    name: fileName,
    token,
    sizeBytes: archive.sizeBytes,
    // Some platforms destroy the guest that is replaced before they have read the file.
    provesItself: provesItself && !request.replace,
  }
}

/** The file's ranges: the same in each call, whatever parts the archive was once sent in. */
export function rangesOf({
  archive,
}: RestoreRecord): PartPlan & { of: (part: number) => ReturnType<typeof partRange> } {
  const plan = planParts(archive.sizeBytes)
  return { ...plan, of: (part) => partRange(part, plan.partSizeBytes, archive.sizeBytes) }
}

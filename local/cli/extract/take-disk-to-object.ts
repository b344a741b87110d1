/** `guestlift extract --to`: a disk becomes an object, and nothing of it touches this machine's disk. */
import type { PassedFile, TakenDisk } from '../../../functions/archive-formats/archive-bytes.ts'
import { shortDiskName } from '../../../functions/archive-formats/proxmox/extract-disk.ts'
import { takeDisk } from '../../../functions/archive-formats/take-disk.ts'
import { crc32ToBase64 } from '../../../functions/domain/transfer/crc32.ts'
import { MAX_OBJECT_BYTES, type PartPlan, planParts } from '../../../functions/domain/transfer/part-plan.ts'
import { formatBytes } from '../../../functions/domain/words/byte-size.ts'
import { CliError } from '../../run/cli-error.ts'
import { plain } from '../print/columns.ts'
import { type ArchiveSource, judgePassed } from './archive-source.ts'
import { DiskParts } from './disk-parts.ts'
import { shellWord } from './object-address.ts'
import type { ObjectUpload } from './object-upload.ts'

/** Of all parts that are gathered or on their way. */
const MEMORY_BYTES = 512 * 1024 * 1024
/** Beyond this many, a file of this machine is faster. */
const MOST_PASSES = 10

export interface DiskObject {
  /** `scsi0: 32 GiB, …`, for standard output. */
  line: string
  /** What was compared, for people. */
  compared: string
}

interface Taken extends TakenDisk {
  plan: PartPlan
  putOff: readonly number[]
}

/**
 * @param say told before each further pass over the archive
 * @throws CliError, Damage, NoSuchContent, and the errors of both stores; the caller discards the upload on every ending
 */
export async function takeDiskToObject(
  source: ArchiveSource,
  name: string,
  upload: ObjectUpload,
  { say, memoryBytes = MEMORY_BYTES }: { say: (sentence: string) => void; memoryBytes?: number },
): Promise<DiskObject> {
  let taken = await pass(source, name, upload, memoryBytes)
  const first = taken.passed
  let compared = judgePassed(source, first)
  for (let passes = 1; taken.putOff.length > 0; passes += 1) {
    const wanted = taken.putOff
    say(
      `A guest that writes during its backup mixes up its clusters: ${wanted.length} of ${taken.plan.partCount} parts did not ` +
        `fit into memory. For them the archive is read again (pass ${passes + 1}).`,
    )
    taken = await pass(source, name, upload, memoryBytes, wanted)
    compared = judgePassed(source, taken.passed)
    requireSame(source, first, taken.passed)
    const made = wanted.length - taken.putOff.length
    if (passes + 1 + Math.ceil(taken.putOff.length / made) > MOST_PASSES) throw tooMixed(source, name, upload)
  }
  const { crc32 } = await upload.complete()
  const { device, storedBytes } = taken
  return {
    line: `${upload.place}: ${plain(shortDiskName(device.name))}, ${formatBytes(device.sizeBytes)}, of which the archive holds ${formatBytes(storedBytes)}`,
    compared: `${compared} S3 compared the object's own CRC-32: ${crc32ToBase64(crc32)}.`,
  }
}

/** @param wanted the parts to make; all of them in the first pass, which opens the upload */
async function pass(
  source: ArchiveSource,
  name: string,
  upload: ObjectUpload,
  memoryBytes: number,
  wanted?: readonly number[],
): Promise<Taken> {
  const made: { parts?: DiskParts; plan?: PartPlan } = {}
  const extracted = await takeDisk(source, name, async ({ sizeBytes }) => {
    if (sizeBytes > MAX_OBJECT_BYTES) throw tooLarge(name, sizeBytes)
    const plan = planParts(sizeBytes)
    if (wanted === undefined) await upload.open()
    const numbers = wanted ?? Array.from({ length: plan.partCount }, (_none, at) => at + 1)
    made.plan = plan
    made.parts = new DiskParts({ sizeBytes, plan, wanted: numbers }, memoryBytes, upload)
    return made.parts
  })
  const { plan = planParts(extracted.device.sizeBytes), parts } = made
  return { ...extracted, plan, putOff: parts?.putOff ?? [] }
}

/** Parts of two archives would make a disk that never was. */
function requireSame(source: ArchiveSource, first: PassedFile | undefined, again: PassedFile | undefined): void {
  if (first?.crc32 === again?.crc32 && first?.sizeBytes === again?.sizeBytes) return
  throw new CliError(`${source.place} changed while it was read. Nothing was kept: extract it again.`)
}

function tooMixed(source: ArchiveSource, name: string, upload: ObjectUpload): CliError {
  const file = `${shortDiskName(name)}.raw`
  return new CliError(
    `${source.place} holds ${name} in such an order that it would have to be read more than ${MOST_PASSES} times. Nothing was kept. ` +
      `Extract it into a file with -o ${file}, then upload that: aws s3 cp ${file} ${shellWord(upload.place)}.`,
  )
}

function tooLarge(name: string, sizeBytes: number): CliError {
  return new CliError(
    `${name} has ${formatBytes(sizeBytes)}, and an object of S3 at most ${formatBytes(MAX_OBJECT_BYTES)}. ` +
      'Nothing was kept. Extract it into a file with -o.',
  )
}

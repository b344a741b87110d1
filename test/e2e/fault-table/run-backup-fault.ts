import { type FileHandle, open } from 'node:fs/promises'
import { setTimeout as delay } from 'node:timers/promises'
import { errorStanding, UploadVanished } from '../../../functions/contracts/errors.ts'
import type { Site } from '../harness.ts'
import { armed, causeOnTheWay, complaintOf, judgeEnding, messageIn } from './arming.ts'
import { type Bed, GUEST } from './bed.ts'
import type { Arming, BackupFault, Ending, Job } from './fault.ts'
import type { Measured } from './try-fault.ts'

/** Try one fault on a mended bed, and measure. Leaves the bed as the fault left it. */
export async function runBackupFault(fault: BackupFault, bed: Bed): Promise<Measured> {
  await bed.mend()
  const job: Job = {
    site: fault.site ?? fault.route,
    guests: { vmids: [GUEST] },
    backup: { storage: 'local', compress: 'none' },
  }
  const { arming, injected } = armed(fault, () => fault.inject(bed))
  const ending = await (fault.instead ?? runOnce)(bed, job, arming)
  const complaints = await complaintOf(injected)
  const cause = fault.expected === 'succeeded' ? causeOnTheWay(bed.told) : ending.reason
  complaints.push(...judgeEnding(fault, ending, cause))
  const { ledger } = bed
  const bytesLost = await lost(fault, bed, ending, complaints)
  if (ledger.partsTwice > (fault.partsTwice ?? 0)) complaints.push(`${ledger.partsTwice} parts went twice`)
  if (ledger.uploads > (fault.uploads ?? 1)) complaints.push(`${ledger.uploads} uploads were filled`)
  complaints.push(...(await leftovers(fault, bed, ending)))
  complaints.push(...(await complaintOf(() => fault.check?.(bed, ending))))
  const { partsTwice, bytesTwice, refused, uploads } = ledger
  return { ending, partsTwice, bytesTwice, refused, uploads, bytesLost, cause, complaints }
}

async function runOnce(bed: Bed, job: Job, arming: Arming): Promise<Ending> {
  return endingOf(await bed.run(job, arming))
}

export function endingOf({ result, guests }: Awaited<ReturnType<Site['run']>>): Ending {
  const output = result.status === 'SUCCEEDED' ? (result.output as unknown) : undefined
  const own = typeof output === 'object' && output !== null && 'verdict' in output ? output : undefined
  const guest = guests[String(GUEST)] ?? (own as (typeof guests)[string] | undefined)
  if (guest !== undefined) {
    const { outcome, verdict, reason, artifacts, bytesSent } = guest
    return { outcome, verdict, reason, objectKey: artifacts[0]?.key, bytesSent }
  }
  const { error = result.status, cause = '' } = result.status === 'SUCCEEDED' ? {} : result
  return { outcome: 'none', verdict: error, reason: messageIn(cause), objectKey: undefined, bytesSent: 0 }
}

/** Byte for byte: S3's object against the file on the node. */
async function lost(fault: BackupFault, bed: Bed, ending: Ending, complaints: string[]): Promise<number> {
  const archives = bed.site.lab.control.archives()
  if (fault.expected !== 'succeeded') {
    const copying = bed.told.events.some(({ details }) => details['name'] === 'Open upload')
    if (copying && archives.length === 0 && fault.losesSource === undefined) {
      complaints.push('the source is gone from the node')
    }
    return 0
  }
  const source = archives.find(({ file }) => ending.objectKey?.endsWith(`/${file}`) === true)
  if (source === undefined || ending.objectKey === undefined) {
    complaints.push('no archive on the node is the one in S3')
    return 0
  }
  const { different, sizes } = await compareFiles(bed.site.path(ending.objectKey), source.path)
  if (different > 0) {
    complaints.push(`${different} bytes in S3 aren't those on the node (${sizes.join(' and ')} bytes)`)
  }
  return different
}

const PIECE_BYTES = 2 ** 20

/** Piece by piece: other faults are tried in this process meanwhile, and what answers them is in it too. */
async function compareFiles(...paths: [string, string]): Promise<{ different: number; sizes: number[] }> {
  const files = await Promise.all(paths.map((path) => open(path)))
  try {
    const sizes = await Promise.all(files.map(async (file) => (await file.stat()).size))
    const [less = 0, more = 0] = sizes.toSorted((one, other) => one - other)
    let different = more - less
    for (let at = 0; at < less; at += PIECE_BYTES) {
      const length = Math.min(PIECE_BYTES, less - at)
      const [one, other] = await Promise.all(files.map((file) => pieceOf(file, at, length)))
      if (one === undefined || other === undefined || one.equals(other)) continue
      for (const [index, byte] of one.entries()) if (byte !== other[index]) different += 1
    }
    return { different, sizes }
  } finally {
    await Promise.all(files.map((file) => file.close()))
  }
}

async function pieceOf(file: FileHandle, position: number, length: number): Promise<Buffer> {
  const { bytesRead, buffer } = await file.read(Buffer.allocUnsafe(length), 0, length, position)
  if (bytesRead < length) throw new Error(`a file became shorter while it was compared`)
  return buffer
}

async function leftovers(
  { expected, keepsUpload }: BackupFault,
  { site, told }: Bed,
  { verdict }: Ending,
): Promise<string[]> {
  const { control } = site.lab
  // The end of the workflow and that of a stopped task's last line are not ordered.
  for (let tries = 0; tries < 40 && control.tasks().some((task) => task.running); tries++) await delay(50)
  const running = control.tasks().filter((task) => task.running)
  const { lock } = control.guest(GUEST, {})
  const uploads = await site.openUploads()
  const archived = await site.keys('archives/')
  const complete = archived.some((key) => key.endsWith('/manifest.json'))
  // What says nothing about the bytes throws none of them away; an upload that vanished may be gone all the same.
  const opened = told.events.some(({ details }) => details['name'] === 'Copy parts')
  const mayStay = keepsUpload !== undefined || (expected !== 'succeeded' && errorStanding(verdict) === 'unscathed')
  const hasToStay = keepsUpload !== undefined || (opened && mayStay && verdict !== UploadVanished.errorName)
  return [
    ...(running.length > 0 ? [`${running.length} tasks still run on the platform`] : []),
    ...(lock === undefined ? [] : [`the guest is still locked (${lock})`]),
    ...(uploads.length > 0 && !mayStay ? [`uploads are left open: ${uploads.join(', ')}`] : []),
    ...(uploads.length === 0 && hasToStay ? ['the upload that was to be kept is gone'] : []),
    ...(expected === 'succeeded' && !complete ? ['there is no manifest'] : []),
    ...(expected !== 'succeeded' && archived.length > 0 ? [`half an archive is left: ${archived.join(', ')}`] : []),
  ]
}

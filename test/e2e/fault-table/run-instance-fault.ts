import { spawn } from 'node:child_process'
import { crc32 } from 'node:zlib'
import { errorStanding } from '../../../functions/contracts/errors.ts'
import type { Disk } from '../../../local/labs/ec2/disk.ts'
import { armed, causeOnTheWay, complaintOf, judgeEnding } from './arming.ts'
import type { Ending, InstanceFault } from './fault.ts'
import type { InstanceBed } from './instance-bed.ts'
import type { Measured } from './try-fault.ts'

/** Try one fault on a mended bed, and measure. Leaves the bed as the fault left it. */
export async function runInstanceFault(fault: InstanceFault, bed: InstanceBed): Promise<Measured> {
  await bed.mend()
  const { arming, injected } = armed(fault, () => fault.inject(bed))
  const ending = await (fault.instead ?? ((one, its) => one.run(its)))(bed, arming)
  const complaints = await complaintOf(injected)
  const cause = fault.expected === 'succeeded' ? causeOnTheWay(bed.told) : ending.reason
  complaints.push(...judgeEnding(fault, ending, cause))
  const { ledger } = bed
  if (ledger.partsTwice > 0) complaints.push(`${ledger.partsTwice} parts went twice`)
  complaints.push(...(await leftovers(fault, bed, ending)), ...clumsiness(fault, ending))
  const bytesLost = fault.expected === 'succeeded' ? await lost(bed, complaints) : 0
  complaints.push(...(await complaintOf(() => fault.check?.(bed, ending))))
  const { partsTwice, bytesTwice, refused, uploads } = ledger
  return { ending, partsTwice, bytesTwice, refused, uploads, bytesLost, cause, complaints }
}

async function leftovers(
  { expected, leavesSnapshots, keepsUploads }: InstanceFault,
  bed: InstanceBed,
  { verdict, reason }: Ending,
) {
  // What the next try goes on with stays for two weeks, and the report says so.
  if (reason.includes('repeating this guest goes on with it')) await bed.twoWeeksLater()
  const snapshots = bed.account.snapshots().map(({ id }) => id)
  const uploads = await bed.openUploads()
  const archived = await bed.keys('archives/')
  // What says nothing about the bytes throws none of them away.
  const mayStay = keepsUploads === true || (expected !== 'succeeded' && errorStanding(verdict) === 'unscathed')
  return [
    ...(snapshots.length > 0 && leavesSnapshots === undefined
      ? [`snapshots are left: ${snapshots.join(', ')} (${reason})`]
      : []),
    ...(uploads.length > 0 && !mayStay ? [`uploads are left open: ${uploads.join(', ')}`] : []),
    ...(expected === 'succeeded' && !archived.some((key) => key.endsWith('/manifest.json'))
      ? ['there is no manifest']
      : []),
    ...(expected !== 'succeeded' && archived.some((key) => key.endsWith('/manifest.json'))
      ? [`a failed guest has a manifest: ${archived.join(', ')}`]
      : []),
  ]
}

/** A reason is for a person: sentences, and none of them a stack or a piece of XML. */
function clumsiness({ expected }: InstanceFault, { reason }: Ending): string[] {
  if (expected === 'succeeded') return []
  return /^[A-Z][\s\S]*\.$/.test(reason) && !/<\w+>|\n\s+at /.test(reason) ? [] : [`no clear sentence: ${reason}`]
}

/** Disks that aren't the archived ones, by what `zstd -d` makes of their objects. */
async function lost(bed: InstanceBed, complaints: string[]): Promise<number> {
  const keys = (await bed.keys('archives/')).filter((key) => key.endsWith('.raw.zst'))
  const disks = bed.disks()
  if (keys.length !== disks.size) complaints.push(`${keys.length} disks are archived of ${disks.size}`)
  let different = 0

  for (const key of keys) {
    const name = key.split('/').at(-1)?.replace('.raw.zst', '') ?? ''
    const disk = disks.get(name)
    if (disk === undefined) complaints.push(`${key} is no disk of the instance`)
    else if ((await crcOfContent(await bed.bytes(key))) !== crcOfDisk(disk)) different += 1
  }
  return different
}

/** Of a disk that nothing writes to, once: most of it are holes, which take their time all the same. */
const crcs = new WeakMap<Disk, number>()
const HOLE = Buffer.alloc(524_288)

function crcOfDisk(disk: Disk): number {
  const known = crcs.get(disk)
  if (known !== undefined) return known
  let crc = 0
  for (let index = 0; index < disk.sizeGiB * 2_048; index += 1) crc = crc32(disk.read(index) ?? HOLE, crc)
  crcs.set(disk, crc)
  return crc
}

async function crcOfContent(archive: Buffer): Promise<number> {
  const zstd = spawn('zstd', ['-dc', '-q'], { stdio: ['pipe', 'pipe', 'inherit'] })
  zstd.stdin.end(archive)
  let crc = 0
  for await (const chunk of zstd.stdout as AsyncIterable<Buffer>) crc = crc32(chunk, crc)
  return crc
}

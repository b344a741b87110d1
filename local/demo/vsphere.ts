/** The demo on a simulated vCenter: archive a running guest with two disks, prove each, destroy the guest, bring it back. */
import { Readable } from 'node:stream'
import { restoreReportSchema } from '../../functions/contracts/restore-report.ts'
import type { GuestOutcome } from '../../functions/contracts/report.ts'
import { formatBytes } from '../../functions/domain/words/byte-size.ts'
import { seededContent } from '../labs/ec2/disk.ts'
import { startVsphereLab, type VsphereLab } from '../labs/vsphere/lab.ts'
import { fetchObject, manifestInShort, proveStream, unpackedDisk } from './proof.ts'
import { archive, bucket, playOn, readBack, say, type Stage } from './stage.ts'

const WEB = '50010000-0000-4000-8000-000000000001'
const MIB = 2 ** 20
/** By the names of the archived disks. */
const DISKS = new Map([
  ['web01', { key: 2000, capacityBytes: 512 * MIB }],
  ['web01_1', { key: 2001, capacityBytes: 64 * MIB }],
])

export function playVsphere(): Promise<void> {
  const opening = 'Starting the lab (a simulated vCenter with its hosts and datastores) and an embedded S3.'
  return playOn('demo-vsphere', opening, async (stage) => {
    const disks = [...DISKS.values()].map(({ capacityBytes }, at) => ({
      capacityBytes,
      content: seededContent(every(30), at + 1),
    }))
    const guests = [{ name: 'web01', id: WEB, toolsRunning: true, tags: ['backup:daily'], disks }]
    const lab = await startVsphereLab({ guests })
    try {
      await play(stage, lab)
    } finally {
      await lab.close()
    }
  })
}

/** Blocks of 512 KiB here and there, and zeros between. */
function every(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index * 3)
}

async function play(stage: Stage, lab: VsphereLab): Promise<void> {
  const job = { site: 'demo', guests: { tags: ['backup:daily'] } }
  // The guest runs on while it is archived: what is compared is what its disks held before.
  const before = new Map([...DISKS].map(([name, { key, capacityBytes }]) => [name, diskOf(lab, key, capacityBytes)]))
  const site = lab.site()
  const { report, place } = await archive(stage, { site: { ...site, restore: { auth: site.auth } }, job })
  say('\nProof, fetched from S3:')
  for (const outcome of report.guests) await prove(stage, before, outcome)
  const left = lab.control.snapshots().length
  say(`\nSnapshots that stayed on the platform: ${left}. Sessions that stayed: ${lab.control.sessions()}.`)
  if (left > 0) process.exitCode = 1
  await readBack(stage)
  await bringBack(stage, lab, before, place)
}

/** The guest is gone with its files. It is made of its archive, and has the same disks. */
async function bringBack(
  stage: Stage,
  lab: VsphereLab,
  before: ReadonlyMap<string, Buffer>,
  place: readonly string[],
): Promise<void> {
  lab.control.removeGuest(WEB)
  say('\nGuest web01 is destroyed, and its disks are gone. Bring it back from its archive:')
  const command = ['restore', `demo/vm-${WEB}`, '--site', 'demo', '--confirm', '--local', ...place]
  say(`$ npx guestlift ${command.join(' ')}`)
  const { outcome, summary, differences, seconds } = restoreReportSchema.parse(
    JSON.parse(await stage.guestlift(command)),
  )
  say(`\n${summary}`)
  if (outcome !== 'succeeded' || differences.length > 0) {
    process.exitCode = 1
    return
  }
  for (const [name, { key, capacityBytes }] of DISKS) {
    const lost = before.get(name) ?? Buffer.alloc(0)
    const sums = await proveStream(Readable.from([diskOf(lab, key, capacityBytes)]), Readable.from([lost]), name)
    say(`  ${name}: ${formatBytes(sums.sizeBytes)}, the very disk that was lost: sha256 ${sums.sha256.slice(0, 16)}…`)
  }
  const { deliver = 0, create = 0, compare = 0 } = seconds
  say(`  delivered in ${deliver} s, made in ${create} s, compared in ${compare} s`)
}

function diskOf(lab: VsphereLab, key: number, capacityBytes: number): Buffer {
  return Buffer.from(lab.control.readDisk(WEB, key, 0, capacityBytes))
}

/** Each disk as it is unpacked, beside what the guest had. */
async function prove({ s3 }: Stage, before: ReadonlyMap<string, Buffer>, outcome: GuestOutcome): Promise<void> {
  say(`\n${outcome.kind} ${outcome.name}: ${outcome.outcome} ${outcome.reason}`)
  for (const { key } of outcome.artifacts) {
    const name = (key.split('/').at(-1) ?? '').replace('.raw.zst', '')
    const disk = before.get(name)
    if (disk === undefined) throw new Error(`the guest had no disk ${name}`)
    const unpacked = unpackedDisk(await fetchObject(s3, bucket, key))
    const sums = await proveStream(unpacked, Readable.from([disk]), key)
    say(`  ${name}: the same ${formatBytes(sums.sizeBytes)}, byte for byte: sha256 ${sums.sha256.slice(0, 16)}…`)
  }
  for (const line of await manifestInShort(s3, bucket, outcome)) say(`  ${line}`)
}

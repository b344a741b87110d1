/** The demo on a simulated vCenter: archive a running guest with two disks, prove each disk, and see no snapshot stay. */
import { Readable } from 'node:stream'
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
  const { report } = await archive(stage, { site: lab.site(), job })
  say('\nProof, fetched from S3:')
  for (const outcome of report.guests) await prove(stage, before, outcome)
  const left = lab.control.snapshots().length
  say(`\nSnapshots that stayed on the platform: ${left}. Sessions that stayed: ${lab.control.sessions()}.`)
  if (left > 0) process.exitCode = 1
  await readBack(stage)
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

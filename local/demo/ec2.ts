/** The demo on a simulated AWS account: archive an instance with two volumes, prove each disk, and bring it back. */
import { Readable } from 'node:stream'
import type { GuestOutcome } from '../../functions/contracts/report.ts'
import { restoreReportSchema } from '../../functions/contracts/restore-report.ts'
import { formatBytes } from '../../functions/domain/words/byte-size.ts'
import { seededContent } from '../labs/ec2/disk.ts'
import { type Ec2Lab, startEc2Lab } from '../labs/ec2/lab.ts'
import { blocksOf, fetchObject, manifestInShort, proveDisk, unpackedDisk } from './proof.ts'
import { archive, bucket, playOn, readBack, say, type Stage } from './stage.ts'

const WEB = 'i-0123456789abcdef0'

export function playEc2(): Promise<void> {
  const opening = 'Starting the lab (a simulated AWS account: EC2, EBS direct, STS) and an embedded S3.'
  return playOn('demo-ec2', opening, async (stage) => {
    const lab = await startEc2Lab({
      instances: [
        {
          id: WEB,
          name: 'web',
          tags: { backup: 'daily' },
          volumes: [
            { device: '/dev/xvda', sizeGiB: 2, content: seededContent(every(40), 1) },
            { device: '/dev/sdf', sizeGiB: 1, encrypted: true, content: seededContent(every(12), 2) },
          ],
        },
      ],
    })
    try {
      await play(stage, lab)
    } finally {
      await lab.close()
    }
  })
}

/** Blocks here and there, and holes between. */
function every(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index * 17)
}

async function play(stage: Stage, lab: Ec2Lab): Promise<void> {
  const site = lab.site()
  const job = { site: 'demo', guests: { tags: ['backup=daily'] } }
  const { report, place } = await archive(stage, { site: { ...site, restore: { auth: site.auth } }, job })
  say('\nProof, fetched from S3:')
  for (const outcome of report.guests) await prove(stage, lab, outcome)
  const left = lab.control.snapshots().length
  say(`\nSnapshots that stayed on the platform: ${left}.`)
  if (left > 0) process.exitCode = 1
  await readBack(stage)
  await bringBack(stage, lab, place)
}

/** The instance is gone with its volumes. An image is made of its archive, and what runs from it has the same disks. */
async function bringBack(stage: Stage, lab: Ec2Lab, place: readonly string[]): Promise<void> {
  const lost = new Map(
    lab.control.volumes().map(({ id, attachment, sizeGiB }) => [attachment?.device ?? '', { id, sizeGiB }]),
  )
  const disks = new Map([...lost].map(([device, { id }]) => [device, lab.control.disk(id)]))
  lab.control.removeInstance(WEB)
  say(`\nInstance ${WEB} is terminated, and its volumes are gone. Make an image of its archive:`)
  const command = ['restore', `demo/vm-${WEB}`, '--site', 'demo', '--confirm', '--local', ...place]
  say(`$ npx guestlift ${command.join(' ')}`)
  const { outcome, summary, differences, seconds } = restoreReportSchema.parse(
    JSON.parse(await stage.guestlift(command)),
  )
  say(`\n${summary}`)
  const [image] = lab.control.images()
  if (outcome !== 'succeeded' || image === undefined || differences.length > 0) {
    process.exitCode = 1
    return
  }
  for (const { device, snapshotId } of image.devices) {
    const disk = disks.get(device)
    if (disk === undefined || snapshotId === undefined) throw new Error(`the image has another device, ${device}`)
    const sums = await proveDisk(Readable.from(blocksOf(lab.control.disk(snapshotId))), disk, device)
    say(`  ${device}: ${formatBytes(sums.sizeBytes)}, the very disk that was lost: sha256 ${sums.sha256.slice(0, 16)}…`)
  }
  const { deliver = 0, create = 0, compare = 0 } = seconds
  say(`  delivered in ${deliver} s, made in ${create} s, compared in ${compare} s`)
}

/** Each disk as it is unpacked, beside the volume itself. */
async function prove({ s3 }: Stage, lab: Ec2Lab, outcome: GuestOutcome): Promise<void> {
  say(`\n${outcome.kind} ${outcome.id} ${outcome.name}: ${outcome.outcome} ${outcome.reason}`)
  for (const { key } of outcome.artifacts) {
    const device = `/dev/${(key.split('/').at(-1) ?? '').replace('.raw.zst', '')}`
    const volume = lab.control.volumes().find(({ attachment }) => attachment?.device === device)
    if (volume === undefined) throw new Error(`the lab has no volume ${device}`)
    const unpacked = unpackedDisk(await fetchObject(s3, bucket, key))
    const sums = await proveDisk(unpacked, lab.control.disk(volume.id), key)
    say(
      `  ${device} (${volume.id}): the same ${formatBytes(sums.sizeBytes)}, byte for byte: sha256 ${sums.sha256.slice(0, 16)}…`,
    )
  }
  for (const line of await manifestInShort(s3, bucket, outcome)) say(`  ${line}`)
}

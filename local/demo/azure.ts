/** The demo on a simulated subscription of Azure: archive a machine with two disks, and prove each of them. */
import { Readable } from 'node:stream'
import type { GuestOutcome } from '../../functions/contracts/report.ts'
import { formatBytes } from '../../functions/domain/words/byte-size.ts'
import { MIB, scattered, seededContent } from '../labs/azure/disks/content.ts'
import { type AzureLab, startAzureLab } from '../labs/azure/lab.ts'
import { fetchObject, manifestInShort, proveStream, unpackedDisk } from './proof.ts'
import { archive, bucket, playOn, readBack, say, type Stage } from './stage.ts'

const disk = (name: string, sizeBytes: number, seed: number) => ({
  name,
  sizeBytes,
  content: seededContent(scattered(sizeBytes, 24 * MIB), seed),
})

export function playAzure(): Promise<void> {
  const opening =
    'Starting the lab (a simulated subscription of Azure: Entra, Resource Manager, page blobs) and an embedded S3.'
  return playOn('demo-azure', opening, async (stage) => {
    const vm = {
      name: 'web1',
      group: 'rg-prod',
      zones: ['1'],
      vmId: '22222222-2222-4222-8222-222222222222',
      tags: { backup: 'daily' },
      disks: [disk('web1_OsDisk', 512 * MIB, 1), disk('web1_data', 128 * MIB, 2)],
    }
    const lab = await startAzureLab({ vms: [vm] })
    try {
      await play(stage, lab)
    } finally {
      await lab.close()
    }
  })
}

async function play(stage: Stage, lab: AzureLab): Promise<void> {
  const job = { site: 'demo', guests: { tags: ['backup=daily'] } }
  const { report } = await archive(stage, { site: lab.site(), job })
  say('\nProof, fetched from S3:')
  for (const outcome of report.guests) await prove(stage, lab, outcome)
  const left = lab.control.collections().length + lab.control.snapshots().length
  say(`\nRestore points and snapshots that stayed on the platform: ${left}.`)
  say(`Addresses of disks that still live: ${lab.control.liveSignatures().length}.`)
  if (left > 0 || lab.control.liveSignatures().length > 0) process.exitCode = 1
  await readBack(stage)
}

/** Each disk as it is unpacked, beside the page blob that Azure has of it. */
async function prove({ s3 }: Stage, lab: AzureLab, outcome: GuestOutcome): Promise<void> {
  say(`\n${outcome.kind} ${outcome.name}: ${outcome.outcome} ${outcome.reason}`)
  for (const { key } of outcome.artifacts) {
    const file = key.split('/').at(-1) ?? ''
    const pages = lab.control.disks().find(({ name }) => file.endsWith(`-${name}.vhd.zst`))?.blob.pages
    if (pages === undefined) throw new Error(`the machine had no disk of ${file}`)
    const source = Readable.from([Buffer.from(pages.read(0, pages.length))])
    const sums = await proveStream(unpackedDisk(await fetchObject(s3, bucket, key)), source, key)
    say(`  ${file}: the same ${formatBytes(sums.sizeBytes)}, byte for byte: sha256 ${sums.sha256.slice(0, 16)}…`)
  }
  for (const line of await manifestInShort(s3, bucket, outcome)) say(`  ${line}`)
}

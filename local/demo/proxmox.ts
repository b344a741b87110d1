/** The demo on a simulated Proxmox VE site: archive a VM and a container, prove them, destroy one and bring it back. */
import { basename, join } from 'node:path'
import { createZstdDecompress } from 'node:zlib'
import type { S3Client } from '@aws-sdk/client-s3'
import type { GuestOutcome } from '../../functions/contracts/report.ts'
import { restoreReportSchema } from '../../functions/contracts/restore-report.ts'
import { formatBytes } from '../../functions/domain/words/byte-size.ts'
import { type Lab, startLab } from '../labs/proxmox/lab.ts'
import { checkVma } from '../labs/proxmox/vma-check.ts'
import { fetchObject, listWithTar, manifestInShort, proveSame } from './proof.ts'
import { archive, bucket, playOn, readBack, say, shown, type Stage } from './stage.ts'

const guestIds = [100, 101] as const

export function playProxmox(): Promise<void> {
  const opening = 'Starting the lab (a simulated Proxmox VE site: REST over TLS, SSH) and an embedded S3.'
  return playOn('demo', opening, async (stage) => {
    const lab = await startLab({ directory: join(stage.folder, 'lab'), guestBytes: 320 * 2 ** 20, secondsPerDump: 4 })
    try {
      await play(stage, lab)
    } finally {
      await lab.close()
    }
  })
}

async function play(stage: Stage, lab: Lab): Promise<void> {
  const guests = { vmids: guestIds }
  const job = { site: 'demo', guests, backup: { mode: 'snapshot', compress: 'zstd', storage: 'local', notes: 'demo' } }
  const { report, place } = await archive(stage, { site: lab.site({ restores: true }), job })
  say('\nProof, fetched from S3:')
  for (const outcome of report.guests) await prove(stage.s3, lab, outcome)
  await readBack(stage)
  await bringBack(stage, lab, place)
}

/** A guest is destroyed on the lab, and comes back from the bucket alone: its configuration is compared key by key. */
async function bringBack(stage: Stage, lab: Lab, place: readonly string[]): Promise<void> {
  const [vmid] = guestIds
  lab.control.removeGuest(vmid)
  say(`\nGuest ${vmid} is destroyed on the lab, with its disks. Bring it back from the bucket:`)
  const asked = ['restore', String(vmid), '--site', 'demo', '--storage', 'local-lvm', '--confirm', '--local']
  const command = [...asked, ...place]
  say(`$ npx guestlift ${command.join(' ')}`)
  const { outcome, summary, differences, seconds } = restoreReportSchema.parse(
    JSON.parse(await stage.guestlift(command)),
  )
  const isThere = lab.guests.some((guest) => guest.vmid === vmid)
  say(`\n${summary}`)
  if (outcome === 'succeeded' && isThere && differences.length === 0) {
    const { deliver = 0, create = 0, compare = 0 } = seconds
    say(
      `  delivered in ${deliver} s, made in ${create} s, compared in ${compare} s: no key of its configuration differs`,
    )
    return
  }
  process.exitCode = 1
}

async function prove(s3: S3Client, lab: Lab, outcome: GuestOutcome): Promise<void> {
  say(`\n${outcome.kind} ${outcome.id} ${outcome.name}: ${outcome.outcome} ${outcome.reason}`)
  for (const { key, checksum } of outcome.artifacts) {
    const source = sourceFile(lab, key)
    const sums = await proveSame(s3, bucket, key, source)
    if (sums.crc32 !== checksum) throw new Error(`S3 says ${checksum} of ${key}, its bytes say ${sums.crc32}`)
    say(
      `  the same ${formatBytes(sums.sizeBytes)} as ${shown(source)}, byte for byte: sha256 ${sums.sha256.slice(0, 16)}…, ${checksum}`,
    )
    if (key.endsWith('.tar.zst')) await showTar(s3, key)
    if (key.endsWith('.vma.zst')) await showVma(s3, key)
  }
  for (const line of await manifestInShort(s3, bucket, outcome)) say(`  ${line}`)
}

async function showTar(client: S3Client, key: string): Promise<void> {
  const names = await listWithTar(client, bucket, key)
  if (names === undefined) say('  (no tar on this machine: its listing is left out)')
  else say(`  tar lists ${names.length} members: ${names.slice(0, 4).join(' ')} …`)
}

async function showVma(client: S3Client, key: string): Promise<void> {
  const { devices, configs, extents } = await checkVma(
    (await fetchObject(client, bucket, key)).pipe(createZstdDecompress()),
  )
  const disks = devices.map(({ name, sizeBytes }) => `${name} ${formatBytes(sizeBytes)}`).join(', ')
  say(`  a whole VMA: ${Object.keys(configs).join(', ')}, ${disks}, every cluster there, in ${extents} extents`)
}

/** Where the node keeps the archive that became this object. */
function sourceFile({ control }: Lab, key: string): string {
  const found = control.archives().find(({ file }) => file === basename(key))
  if (found === undefined) throw new Error(`the lab has no archive ${basename(key)}`)
  return found.path
}

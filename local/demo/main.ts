/** `guestlift demo`, as a module that plays it when it is loaded: the main job from nothing, on embedded parts, and the proof that it worked. */
import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { basename, join, relative } from 'node:path'
import { createZstdDecompress } from 'node:zlib'
import { launcher, stateFolder } from '#place'
import { CreateBucketCommand, type S3Client } from '@aws-sdk/client-s3'
import { createS3Client } from '../../functions/aws/s3-client.ts'
import { type GuestOutcome, runReportSchema } from '../../functions/contracts/report.ts'
import { restoreReportSchema } from '../../functions/contracts/restore-report.ts'
import { verificationReportSchema } from '../../functions/contracts/verification-report.ts'
import { formatBytes } from '../../functions/domain/words/byte-size.ts'
import { judgementText } from '../iam/guard.ts'
import { type Lab, startLab } from '../labs/proxmox/lab.ts'
import { checkVma } from '../labs/proxmox/vma-check.ts'
import { startS3 } from '../s3/server.ts'
import { fetchObject, listWithTar, manifestInShort, proveSame } from './proof.ts'

const bucket = 'archives'
const folder = join(stateFolder, 'demo')
const say = (line = '') => void process.stdout.write(`${line}\n`)
const shown = (path: string) => {
  const way = relative(process.cwd(), path)
  return way.startsWith('..') ? path : way
}
const siteFile = join(folder, 'site.json')
const guestIds = [100, 101] as const

await rm(folder, { recursive: true, force: true })
await mkdir(folder, { recursive: true })

say('Starting the lab (a simulated Proxmox VE site: REST over TLS, SSH) and an embedded S3.')
const lab = await startLab({ directory: join(folder, 'lab'), guestBytes: 320 * 2 ** 20, secondsPerDump: 4 })
const credentials = {
  accessKeyId: `DEMO${randomBytes(8).toString('hex')}`,
  secretAccessKey: randomBytes(20).toString('hex'),
}
let asked = 0
const refused: string[] = []
const s3Server = await startS3({
  directory: join(folder, 's3'),
  ...credentials,
  onJudgement: (judgement) => {
    asked += 1
    if (!judgement.allowed) refused.push(judgementText(judgement))
  },
})
const s3 = createS3Client({ endpoint: s3Server.url, region: 'us-east-1', credentials })

try {
  await s3.send(new CreateBucketCommand({ Bucket: bucket }))
  const jobFile = join(folder, 'job.json')
  const guests = { vmids: guestIds }
  const job = { site: 'demo', guests, backup: { mode: 'snapshot', compress: 'zstd', storage: 'local', notes: 'demo' } }
  await writeFile(siteFile, JSON.stringify(lab.site({ restores: true }), null, 2), { mode: 0o600 })
  await writeFile(jobFile, JSON.stringify(job, null, 2))
  say(`Site and job are in ${shown(siteFile)} and ${shown(jobFile)}.\n`)
  const command = [
    'run',
    '--local',
    '--site-file',
    shown(siteFile),
    '--bucket',
    bucket,
    '--s3',
    s3Server.url,
    '--json',
    shown(jobFile),
  ]
  say(`$ npx guestlift ${command.join(' ')}`)
  const report = runReportSchema.parse(JSON.parse(await guestlift(command)))
  say(`\n${report.summary}`)
  if (report.outcome === 'succeeded') {
    say('\nProof, fetched from S3:')
    for (const outcome of report.guests) await prove(outcome)
    await readBack()
    await bringBack()
    showRights()
    farewell()
  } else {
    for (const { id, reason } of report.guests) say(`  ${id}: ${reason}`)
    say('Nothing to prove: the demo run did not succeed.')
    process.exitCode = 1
  }
} catch (error) {
  say(`The demo failed: ${error instanceof Error ? error.message : String(error)}`)
  process.exitCode = 1
} finally {
  s3.destroy()
  await Promise.all([lab.close(), s3Server.close()])
}

/** The functions worked with the rights that a deployment gives them, and with no more. */
function showRights(): void {
  say(`\nS3 asked ${asked} times whether a function's role on AWS allows what it did; refused: ${refused.length}.`)
  for (const text of new Set(refused)) say(`  ${text}`)
  if (asked === 0 || refused.length > 0) process.exitCode = 1
}

function farewell(): void {
  const objects = shown(join(folder, 's3', bucket))
  say(`\nEverything is there to look at: objects are plain files under ${objects}.`)
  say(`The catalogue as a page that the run wrote, for any browser: ${join(objects, 'catalogue/demo/index.html')}`)
  say('Next, with a real site: this asks what is needed, writes the files, and ends with a check.')
  say('  npx guestlift init')
  say('When a run from here works, deploy it to AWS: "Deploy to AWS" in the README.')
}

/** Run the command line as a person would; its progress shows through. Returns what it printed. */
async function guestlift(command: readonly string[]): Promise<string> {
  const child = spawn(process.execPath, [launcher, ...command], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: {
      ...process.env,
      AWS_ACCESS_KEY_ID: credentials.accessKeyId,
      AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
    },
  })
  // A signal to all reaches the child too; it cleans up against lab and S3, and then the demo ends with what it says.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => undefined)
  const chunks: Buffer[] = []
  for await (const chunk of child.stdout as AsyncIterable<Buffer>) chunks.push(chunk)
  const [report] = Buffer.concat(chunks).toString().trimEnd().split('\n').slice(-1)
  if (report === undefined || report === '') throw new Error('The command line ended without a report; see above.')
  return report
}

/** What the workflow Verify archives does every day. The page was there before: it tells of this from the next run on. */
async function readBack(): Promise<void> {
  const command = ['verify', '--due', '--local', '--bucket', bucket, '--s3', s3Server.url, '--json']
  say(`\nWould a restore take them? Read back from the first byte to the last:\n$ npx guestlift ${command.join(' ')}`)
  const { outcome, summary } = verificationReportSchema.parse(JSON.parse(await guestlift(command)))
  say(`\n${summary}`)
  if (outcome !== 'succeeded') process.exitCode = 1
}

/** A guest is destroyed on the lab, and comes back from the bucket alone: its configuration is compared key by key. */
async function bringBack(): Promise<void> {
  const [vmid] = guestIds
  lab.control.removeGuest(vmid)
  say(`\nGuest ${vmid} is destroyed on the lab, with its disks. Bring it back from the bucket:`)
  const asked = ['restore', String(vmid), '--site', 'demo', '--storage', 'local-lvm', '--confirm', '--local']
  const command = [...asked, '--site-file', shown(siteFile), '--bucket', bucket, '--s3', s3Server.url, '--json']
  say(`$ npx guestlift ${command.join(' ')}`)
  const { outcome, summary, differences, seconds } = restoreReportSchema.parse(JSON.parse(await guestlift(command)))
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

async function prove(outcome: GuestOutcome): Promise<void> {
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

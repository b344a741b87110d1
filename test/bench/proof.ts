/**
 * What the levels of proof cost: CPU of the process that copies, from memory into the embedded S3 in a process of its own,
 * over plain HTTP. All of it in one run and in turns: `node test/bench/proof.ts [--mib 1024] [--runs 3]`.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as delay } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { crc32 } from 'node:zlib'
import { S3ArchiveStore } from '../../functions/aws/s3-archive-store.ts'
import { createS3Client } from '../../functions/aws/s3-client.ts'
import type { PlanItem } from '../../functions/contracts/plan-item.ts'
import type { ProofLevel } from '../../functions/contracts/proof.ts'
import { completeUpload } from '../../functions/operations/transfer/complete-upload.ts'
import { copyParts } from '../../functions/operations/transfer/copy-parts.ts'
import { openUpload } from '../../functions/operations/transfer/open-upload.ts'
import type { Lack } from '../../local/s3/lacks.ts'
import { median } from './statistics.ts'

const MIB = 2 ** 20
const { values } = parseArgs({
  options: { mib: { type: 'string', default: '1024' }, runs: { type: 'string', default: '3' } },
})
const [mebibytes, runs] = [Number(values.mib), Number(values.runs)]

/** Stores on which the test of a store finds each level. */
const levels: Record<ProofLevel, Lack[]> = {
  'full-object-crc': [],
  'part-checksums': ['checksums'],
  'read-back': ['checksums', 'hash-of-hashes', 'part-hashes'],
}

const block = randomBytes(64 * MIB)

/** Seconds of CPU for a GiB, of hashing alone. */
function hashing(work: () => unknown): number {
  work()
  const before = process.cpuUsage()
  for (let done = 0; done < 1024; done += 64) work()
  return cpuSeconds(before)
}

function cpuSeconds(before: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(before)
  return (user + system) / 1_000_000
}

/** A source of random bytes that costs no reading, but for the CRC-32 that every reader computes. */
const source = {
  endOf: (node: string) => node,
  check: async () => undefined,
  open: async () => ({
    opened: { sizeBytes: mebibytes * MIB, modifiedAt: '2026-11-22T02:10:00.000Z' },
    stat: async () => ({ sizeBytes: mebibytes * MIB, modifiedAt: '2026-11-22T02:10:00.000Z' }),
    read: async (positionBytes: number, target: Buffer) => {
      block.copy(target, 0, positionBytes % block.length)
      return crc32(target)
    },
    close: async () => undefined,
  }),
}

async function startStore(lacks: readonly Lack[], directory: string): Promise<{ url: string; child: ChildProcess }> {
  const words = ['--dir', directory, '--access-key', 'bench', '--secret-key', 'bench', '--bucket', 'bench']
  const more = lacks.flatMap((lack) => ['--lacks', lack])
  const child = spawn(process.execPath, ['local/s3/main.ts', ...words, ...more], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const [line] = (await once(createInterface({ input: child.stdout }), 'line')) as [string]
  return { url: (JSON.parse(line) as { url: string }).url, child }
}

/** Seconds of CPU for a GiB, and seconds that passed. */
async function copy(level: ProofLevel): Promise<{ cpu: number; seconds: number }> {
  const directory = await mkdtemp(join(tmpdir(), 'guestlift-bench-proof-'))
  const { url, child } = await startStore(levels[level], directory)
  const credentials = { accessKeyId: 'bench', secretAccessKey: 'bench' }
  const client = createS3Client({ endpoint: url, region: 'us-east-1', credentials })
  const sleep = (milliseconds: number) => delay(milliseconds)
  const ports = {
    store: new S3ArchiveStore(client, 'bench', { random: Math.random, sleep }),
    keyPrefix: '',
    route: async () => source,
    now: () => new Date(),
    sleep,
    billedMilliseconds: () => 0,
    memoryMiB: undefined,
    remainingMilliseconds: () => 900_000,
    log: () => undefined,
  }
  const run = { id: 'bench', startedAt: '2026-11-22T02:00:00.000Z', prefix: 'runs/2026/11/22/bench/' }
  const item: PlanItem = {
    run: { ...run, ...(level === 'full-object-crc' ? {} : { proof: level }) },
    site: 'bench',
    platform: 'proxmox',
    platformVersion: '9.0',
    guest: { id: '100', kind: 'vm', name: 'bench', node: 'localhost' },
    backup: { mode: 'snapshot', compress: 'zstd', storage: 'local' },
    deleteSource: false,
    staging: { maxArchives: 4 },
    limits: { windows: [], timezone: 'UTC' },
  }
  const artifact = {
    artifactRef: 'bench',
    fileName: 'bench.vma.zst',
    sizeBytes: mebibytes * MIB,
    createdAt: '2026-11-22T02:00:00.000Z',
    location: { node: 'localhost', path: '/bench.vma.zst', storage: 'local', volume: 'backup/bench.vma.zst' },
  }
  const { upload } = await openUpload({ item, artifact }, ports)
  const before = process.cpuUsage()
  const startedAt = performance.now()
  const chunk = { firstPart: 1, lastPart: upload.partCount }
  const order = { seconds: 840, partsInFlight: 4 }
  await copyParts({ item, artifact, upload, execution: 'bench', chunk, order }, ports)
  const { stored } = await completeUpload({ item, artifact, upload, execution: 'bench', bytesSent: 0 }, ports)
  const gib = mebibytes / 1024
  const result = { cpu: cpuSeconds(before) / gib, seconds: (performance.now() - startedAt) / 1000 / gib }
  if ((stored.proof?.level ?? 'full-object-crc') !== level) throw new Error(`it was proved by ${stored.proof?.level}`)
  client.destroy()
  child.kill()
  await once(child, 'exit')
  await rm(directory, { recursive: true })
  return result
}

const sums = { crc32: [] as number[], md5: [] as number[] }
const copies: Record<ProofLevel, { cpu: number; seconds: number }[]> = {
  'full-object-crc': [],
  'part-checksums': [],
  'read-back': [],
}
for (let turn = 0; turn < runs; turn += 1) {
  sums.crc32.push(hashing(() => crc32(block)))
  sums.md5.push(hashing(() => createHash('md5').update(block).digest()))
  for (const level of Object.keys(levels) as ProofLevel[]) copies[level].push(await copy(level))
}
const [crc, md5] = [median(sums.crc32), median(sums.md5)]
console.log(`${process.version}, ${mebibytes} MiB, medians of ${runs} runs in turns; CPU seconds per GiB`)
console.log(`CRC-32 alone ${crc.toFixed(2)}, MD5 alone ${md5.toFixed(2)}: ${(md5 / crc).toFixed(1)} times`)
const base = median(copies['full-object-crc'].map(({ cpu }) => cpu))
for (const [level, measured] of Object.entries(copies)) {
  const cpu = median(measured.map((one) => one.cpu))
  const seconds = median(measured.map((one) => one.seconds))
  console.log(`${level}: ${cpu.toFixed(2)} (${(cpu / base).toFixed(2)}), ${seconds.toFixed(1)} s per GiB`)
}

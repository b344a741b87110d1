/**
 * `node test/bench/import.ts`: what the delivery `import` costs in the region, before the node fetches anything. A made-up
 * VM's archive in an embedded S3 is unpacked into a qcow2 object, which is read back for its SHA-256. Beside it, what the
 * tools take for a part of that on local files: `zstd -d` of the archive, and `sha256sum` of the image.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createReadStream, createWriteStream } from 'node:fs'
import { mkdtemp, rm, stat } from 'node:fs/promises'
import { loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createS3Client } from '../../functions/aws/s3-client.ts'
import { S3ArchiveStore } from '../../functions/aws/s3-archive-store.ts'
import { planParts } from '../../functions/domain/transfer/part-plan.ts'
import { byteMoverNodeOptions } from '../../lib/node-options.ts'
import { writeVma } from '../../local/labs/proxmox/vma-writer.ts'
import { startS3 } from '../../local/s3/server.ts'
import { Command } from 'commander'
import { crc32 } from 'node:zlib'
import { here } from './child.ts'
import { measure } from './measure.ts'
import { median } from './statistics.ts'

const program = new Command()
  .option('--mib <n>', 'size of the disk', Number, 1024)
  .option('--runs <n>', 'runs of each', Number, 3)
  .parse()
const { mib, runs } = program.opts<{ mib: number; runs: number }>()
const credentials = { accessKeyId: 'bench', secretAccessKey: 'bench-secret' }
const NAME = 'vzdump-qemu-100-2026_11_22-02_00_00.vma.zst'

interface Taken {
  unpackSeconds: number
  hashSeconds: number
  imageBytes: number
  peakMiB: number
}

async function makeArchive(path: string): Promise<void> {
  const parts = writeVma({
    uuid: Buffer.alloc(16, 7),
    ctime: 1_795_312_800,
    configs: [
      { name: 'qemu-server.conf', text: 'scsi0: local:vm-100-disk-0\n#qmdump#map:scsi0:drive-scsi0:local:raw:\n' },
    ],
    disks: [{ deviceName: 'drive-scsi0', sizeBytes: mib * 2 ** 20, seed: 1, zero: 0.3, compressible: 0.6 }],
  })
  const zstd = spawn('zstd', ['-q', '-c', '-T0'], { stdio: ['pipe', 'pipe', 'inherit'] })
  await Promise.all([
    pipeline(Readable.from(parts), zstd.stdin),
    pipeline(zstd.stdout, createWriteStream(path)),
    once(zstd, 'close'),
  ])
}

/** As an archive lies in S3: parts, and the CRC-32 of the whole with the object. */
async function store(path: string, to: S3ArchiveStore): Promise<void> {
  const { size } = await stat(path)
  const { partSizeBytes } = planParts(size)
  const uploadId = await to.createUpload(NAME)
  let [parts, whole] = [0, 0]
  for await (const part of createReadStream(path, { highWaterMark: partSizeBytes }) as AsyncIterable<Buffer>) {
    whole = crc32(part, whole)
    await to.putPart(NAME, uploadId, ++parts, part, crc32(part))
  }
  await to.completeUpload(NAME, uploadId, await to.listParts(NAME, uploadId), whole)
}

const directory = await mkdtemp(join(tmpdir(), 'guestlift-import-bench-'))
const s3 = await startS3({ directory: join(directory, 's3'), ...credentials, buckets: ['bench'] })
try {
  const archive = join(directory, NAME)
  await makeArchive(archive)
  const client = createS3Client({ endpoint: s3.url, region: 'us-east-1', credentials })
  const bucket = new S3ArchiveStore(client, 'bench', { random: Math.random, sleep: async () => undefined })
  await store(archive, bucket)
  const archiveGiB = (await stat(archive)).size / 2 ** 30
  const taken: Taken[] = []
  const tools: number[] = []
  for (let turn = 0; turn < runs; turn++) {
    const command = [process.execPath, here('import-child.ts'), s3.url, 'bench', NAME, NAME]
    const { output } = await measure(command, { NODE_OPTIONS: byteMoverNodeOptions })
    taken.push(JSON.parse(output.trim().split('\n').at(-1) ?? '') as Taken)
    await bucket.remove('unpacked/scsi0.qcow2')
    tools.push((await measure(['sh', '-c', `zstd -q -d -c '${archive}' | sha256sum`])).cpuSeconds)
  }
  const of = (read: (one: Taken) => number): number => median(taken.map(read))
  const whole = of((one) => one.unpackSeconds + one.hashSeconds)
  const imageGiB = of((one) => one.imageBytes) / 2 ** 30
  console.log(
    `${archiveGiB.toFixed(2)} GiB of archive, a disk of ${mib} MiB, an image of ${imageGiB.toFixed(2)} GiB; ` +
      `load ${loadavg()[0]?.toFixed(1)}; medians of ${runs}`,
  )
  const perGiB = (seconds: number): string => (seconds / imageGiB).toFixed(1)
  console.log(
    `${perGiB(whole)} CPU s per GiB of image: ${perGiB(of((one) => one.unpackSeconds))} to unpack, ` +
      `${perGiB(of((one) => one.hashSeconds))} to read back; ${(whole / median(tools)).toFixed(2)} of zstd and sha256sum; ` +
      `peak ${of((one) => one.peakMiB).toFixed(0)} MiB`,
  )
} finally {
  await s3.close()
  await rm(directory, { recursive: true })
}

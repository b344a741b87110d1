/** What the functions of a restore by `import` do with one disk: unpack it into an object, and read that back. Prints CPU and sizes. */
import { setTimeout as delay } from 'node:timers/promises'
import { S3ArchiveStore } from '../../functions/aws/s3-archive-store.ts'
import { createS3Client } from '../../functions/aws/s3-client.ts'
import type { RestoreRecord } from '../../functions/contracts/restore-record.ts'
import { hashImage, unpackDisk } from '../../functions/operations/restore/unpack-disk.ts'

const [endpoint = '', bucket = '', key = '', fileName = ''] = process.argv.slice(2)
const credentials = { accessKeyId: 'bench', secretAccessKey: 'bench-secret' }
const client = createS3Client({ endpoint, region: 'us-east-1', credentials })
const sleep = async (milliseconds: number): Promise<void> => {
  await delay(milliseconds)
}
const store = new S3ArchiveStore(client, bucket, { random: Math.random, sleep })
const ports = { store, remainingMilliseconds: () => 900_000, log: () => undefined }
const stored = await store.head(key)
if (stored?.crc32 === undefined) throw new Error(`${key} isn't there`)
const { sizeBytes, etag, crc32 } = stored
const record = { archive: { key, etag, sizeBytes, crc32, fileName }, request: { site: 'bench' } } as RestoreRecord
const disk = {
  disk: 'scsi0',
  device: 'drive-scsi0',
  fileName: 'scsi0.qcow2',
  ref: 'local:import/scsi0.qcow2',
  key: 'unpacked/scsi0.qcow2',
}
const before = process.cpuUsage()
const image = await unpackDisk(record, disk, async () => undefined, ports)
const unpacked = process.cpuUsage(before)
await hashImage(disk, image, ports)
const all = process.cpuUsage(before)
const seconds = ({ user, system }: NodeJS.CpuUsage): number => (user + system) / 1_000_000
console.log(
  JSON.stringify({
    unpackSeconds: seconds(unpacked),
    hashSeconds: seconds(all) - seconds(unpacked),
    imageBytes: image.sizeBytes,
    peakMiB: process.resourceUsage().maxRSS / 1024,
  }),
)
process.exit()

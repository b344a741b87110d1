/** What the benchmark measures: the product's own operations over the sftp route, as one function call makes them. */
import { readFileSync } from 'node:fs'
import { basename } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { S3ArchiveStore } from '../../functions/aws/s3-archive-store.ts'
import { createS3Client } from '../../functions/aws/s3-client.ts'
import { sftpRouteSchema } from '../../functions/contracts/route.ts'
import { completeUpload } from '../../functions/operations/complete-upload.ts'
import { copyParts } from '../../functions/operations/copy-parts.ts'
import { openUpload } from '../../functions/operations/open-upload.ts'
import { openSftpRoute } from '../../functions/readers/sftp.ts'
import { item } from '../fakes/ports.ts'

async function main(): Promise<void> {
  const [configFile = ''] = process.argv.slice(2)
  const config: { endpoint: string; route: unknown; path: string; sizeBytes: number } = JSON.parse(
    readFileSync(configFile, 'utf8'),
  )
  const route = openSftpRoute('bench', sftpRouteSchema.parse(config.route))
  const sleep = async (milliseconds: number): Promise<void> => {
    await delay(milliseconds)
  }
  const client = createS3Client({
    endpoint: config.endpoint,
    region: 'us-east-1',
    credentials: { accessKeyId: 'bench', secretAccessKey: 'bench' },
  })
  const ports = {
    store: new S3ArchiveStore(client, 'bench', { random: Math.random, sleep }),
    keyPrefix: '',
    route: async () => route,
    now: () => new Date(),
    sleep,
    remainingMilliseconds: () => 900_000,
    log: () => undefined,
  }
  const artifact = {
    artifactRef: 'bench',
    fileName: basename(config.path),
    sizeBytes: config.sizeBytes,
    // A key of its own for each run.
    createdAt: new Date().toISOString(),
    location: { node: 'localhost', path: config.path },
  }
  const { upload } = await openUpload({ item, artifact }, ports)
  const chunk = { firstPart: 1, lastPart: upload.partCount }
  const copied = await copyParts({ item, artifact, upload, chunk, nextPart: 1, bytesSent: 0 }, ports)
  if (!copied.done || copied.bytesSent !== config.sizeBytes) throw new Error('the copy is not complete')
  await completeUpload({ item, artifact, upload, bytesSent: copied.bytesSent }, ports)
  client.destroy()
}

void main().catch((error: unknown) => {
  console.error(error)
  process.exitCode = 1
})

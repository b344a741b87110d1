/**
 * What the benchmark measures: the product's own operations over one route, as one Copy parts call makes them. Bundled
 * as the functions are. Prints what it moved as JSON.
 */
import { readFileSync } from 'node:fs'
import { basename } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { S3ArchiveStore } from '../../functions/aws/s3-archive-store.ts'
import { createS3Client } from '../../functions/aws/s3-client.ts'
import { paceSchema } from '../../functions/contracts/pace.ts'
import { routeSchema } from '../../functions/contracts/route.ts'
import type { PlanItem } from '../../functions/contracts/plan-item.ts'
import { completeUpload } from '../../functions/operations/transfer/complete-upload.ts'
import { copyParts } from '../../functions/operations/transfer/copy-parts.ts'
import { openUpload } from '../../functions/operations/transfer/open-upload.ts'
import { openRoute } from './open-route.ts'
import type { TransferOrder, TransferResult } from './subject.ts'

const item: PlanItem = {
  run: { id: 'bench', startedAt: '2026-11-22T02:00:00.000Z', prefix: 'runs/2026/11/22/bench/' },
  site: 'bench',
  platform: 'proxmox',
  platformVersion: '9.0',
  guest: { id: '100', kind: 'vm', name: 'bench', node: 'localhost' },
  backup: { mode: 'snapshot', compress: 'zstd', storage: 'local' },
  deleteSource: false,
  staging: { maxArchives: 4 },
  limits: { windows: [], timezone: 'UTC' },
}

async function main(): Promise<void> {
  const [orderFile = ''] = process.argv.slice(2)
  const order: TransferOrder = JSON.parse(readFileSync(orderFile, 'utf8'))
  const route = await openRoute(item.site, routeSchema.parse(order.route))
  const sleep = async (milliseconds: number): Promise<void> => {
    await delay(milliseconds)
  }
  const client = createS3Client({
    endpoint: order.endpoint,
    region: 'us-east-1',
    credentials: { accessKeyId: 'bench', secretAccessKey: 'bench' },
  })
  const ports = {
    store: new S3ArchiveStore(client, 'bench', { random: Math.random, sleep }),
    keyPrefix: '',
    route: async () => route,
    now: () => new Date(),
    sleep,
    billedMilliseconds: () => 0,
    memoryMiB: undefined,
    remainingMilliseconds: () => 900_000,
    log: () => undefined,
  }
  const fileName = basename(order.path)
  const artifact = {
    artifactRef: 'bench',
    fileName,
    sizeBytes: order.sizeBytes,
    // A key of its own for each run.
    createdAt: new Date().toISOString(),
    location: { node: 'localhost', path: order.path, storage: 'local', volume: `backup/${fileName}` },
  }
  const input = { item, artifact }
  const { upload } = await openUpload(input, ports)
  // What Plan copies orders in the first round, when nothing has been measured.
  const { partsInFlight } = paceSchema.parse({})
  const { user, system } = process.cpuUsage()
  const startedAt = performance.now()
  const copied = await copyParts(
    {
      ...input,
      upload,
      execution: 'bench',
      chunk: { firstPart: 1, lastPart: upload.partCount },
      order: { seconds: 840, partsInFlight },
    },
    ports,
  )
  const copySeconds = (performance.now() - startedAt) / 1000
  if (copied.bytesSent !== order.sizeBytes) throw new Error(`copied ${copied.bytesSent} of ${order.sizeBytes} bytes`)
  await completeUpload({ ...input, upload, execution: 'bench', bytesSent: copied.bytesSent }, ports)
  client.destroy()
  const result: TransferResult = {
    copySeconds,
    startCpuSeconds: (user + system) / 1_000_000,
    partsInFlight,
    partMiB: upload.partSizeBytes / 2 ** 20,
  }
  console.log(JSON.stringify(result))
}

void main().catch((error: unknown) => {
  console.error(error)
  process.exitCode = 1
})

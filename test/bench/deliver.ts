/**
 * What the benchmark measures of a restore: the product's own operations over one delivery, as one Deliver parts call makes
 * them. Bundled as the functions are. Prints how long it took as JSON.
 */
import { readFileSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { S3ArchiveStore } from '../../functions/aws/s3-archive-store.ts'
import { createS3Client } from '../../functions/aws/s3-client.ts'
import { deliverySchema } from '../../functions/contracts/delivery.ts'
import { paceSchema } from '../../functions/contracts/pace.ts'
import { type RestoreRecord, restoreRecordSchema } from '../../functions/contracts/restore-record.ts'
import { beginRestore } from '../../functions/operations/books/restore-records.ts'
import { deliverParts } from '../../functions/operations/restore/deliver-parts.ts'
import { rangesOf } from '../../functions/operations/restore/delivery-target.ts'
import { finishDelivery } from '../../functions/operations/restore/finish-delivery.ts'
import type { DeliverOrder, DeliverResult } from './delivery.ts'
import { openDelivery } from './open-delivery.ts'

const SITE = 'bench'
const NODE = 'localhost'

const sleep = async (milliseconds: number): Promise<void> => {
  await delay(milliseconds)
}

function storeAt(endpoint: string): S3ArchiveStore {
  const credentials = { accessKeyId: 'bench', secretAccessKey: 'bench' }
  const client = createS3Client({ endpoint, region: 'us-east-1', credentials })
  return new S3ArchiveStore(client, 'bench', { random: Math.random, sleep })
}

/** A restore of its own for each run: no other has its id. */
function recordOf(order: DeliverOrder, startedAt: Date, etag: string): RestoreRecord {
  const { folder, fileName, sizeBytes, crc32, provesItself } = order
  const instant = startedAt.toISOString()
  const id = String(startedAt.getTime())
  return restoreRecordSchema.parse({
    version: 1,
    restoreId: `bench-${id}`,
    startedAt: instant,
    request: { archive: 'bench/vm-100', site: SITE, id, confirm: true },
    archive: {
      folder: 'archives/bench/vm-100/20261122T020000Z/',
      site: SITE,
      platform: 'proxmox',
      platformVersion: '9.0',
      guest: { id: '100', kind: 'vm', name: 'bench', node: NODE },
      createdAt: '2026-11-22T02:00:00.000Z',
      fileName,
      key: fileName,
      etag,
      sizeBytes,
      crc32,
    },
    token: 'benchbench',
    target: { id, node: NODE },
    place: { node: NODE, storage: 'local', folder, fileName, artifactRef: 'bench', provesItself },
    findings: [],
    warnings: [],
    steps: {},
  })
}

async function main(): Promise<void> {
  const [orderFile = ''] = process.argv.slice(2)
  const order: DeliverOrder = JSON.parse(readFileSync(orderFile, 'utf8'))
  const config = deliverySchema.parse(order.delivery)
  if (config.type === 'import') throw new Error('an import delivers no file')
  const archive = storeAt(order.archive)
  const store = storeAt(order.records)
  // A bucket has both; here, the server that has the bytes keeps no books.
  store.readRange = archive.readRange.bind(archive)
  store.presignRange = archive.presignRange.bind(archive)
  const ports = {
    store,
    keyPrefix: '',
    delivery: () => openDelivery(SITE, config),
    diskWriter: () => Promise.reject(new Error('files alone are measured')),
    fileDiskWriter: () => Promise.reject(new Error('files alone are measured')),
    now: () => new Date(),
    sleep,
    billedMilliseconds: () => 0,
    memoryMiB: undefined,
    remainingMilliseconds: () => 900_000,
    log: () => undefined,
  }
  const stored = await archive.head(order.fileName)
  if (stored === undefined) throw new Error(`${order.fileName} isn't where it is to be read`)
  const record = recordOf(order, new Date(), stored.etag)
  const restore = { id: record.restoreId, startedAt: record.startedAt }
  const work = { restore, execution: 'bench' }
  await beginRestore(restore, record, ports)
  const { partCount, partSizeBytes } = rangesOf(record)
  // What Plan delivery orders in the first round, when nothing has been measured.
  const { partsInFlight } = paceSchema.parse({})
  const { user, system } = process.cpuUsage()
  const startedAt = performance.now()
  const chunk = { firstPart: 1, lastPart: partCount }
  const delivered = await deliverParts({ ...work, chunk, order: { seconds: 840, partsInFlight } }, ports)
  const deliverSeconds = (performance.now() - startedAt) / 1000
  // Gives the file its name only when all that was read back makes the archive.
  await finishDelivery({ ...work, bytesSent: delivered.bytesSent }, ports)
  const result: DeliverResult = {
    deliverSeconds,
    startCpuSeconds: (user + system) / 1_000_000,
    partsInFlight,
    partMiB: partSizeBytes / 2 ** 20,
  }
  console.log(JSON.stringify(result))
  // Connections that are kept for the next request would keep the process.
  process.exit()
}

void main().catch((error: unknown) => {
  console.error(error)
  process.exit(1)
})

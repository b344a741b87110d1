import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { CreateBucketCommand } from '@aws-sdk/client-s3'
import { createS3Client } from '../../functions/aws/s3-client.ts'
import { startS3 } from '../../local/s3/server.ts'
import { describeCore } from '../functions/providers/core-conformance.ts'
import { startIsland } from './island-cloud.ts'
import { openIsland } from './island-provider.ts'

const credentials = { accessKeyId: 'test', secretAccessKey: 'test-secret-key' }
const createdAt = `${new Date().toISOString().slice(0, 19)}.000Z`

describeCore('the island', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'guestlift-island-'))
  const server = await startS3({ directory, ...credentials })
  const s3 = createS3Client({ endpoint: server.url, region: 'us-east-1', credentials })
  await s3.send(new CreateBucketCommand({ Bucket: 'archives' }))
  const id = '0f1c7a52-8d1e-4b7a-9c3e-6a1b2c3d4e5f'
  const cloud = await startIsland([{ id, name: 'web', disks: { 'a.img': Buffer.alloc(999, 1) } }], s3)
  return {
    provider: openIsland('far', { provider: 'island', url: cloud.url, key: cloud.key }),
    guest: id,
    unknown: '9f1c7a52-8d1e-4b7a-9c3e-6a1b2c3d4e5f',
    destination: { bucket: 'archives', folder: `archives/far/vm-${id}/`, createdAt },
    async close() {
      s3.destroy()
      await Promise.all([cloud.close(), server.close()])
      rmSync(directory, { recursive: true, force: true })
    },
  }
})

import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { GetObjectCommand } from '@aws-sdk/client-s3'
import { describe, expect, it } from 'vitest'
import { createS3Client } from '../../../functions/aws/s3-client.ts'

/** What is told of a GET to an S3 that answers with this status, or not at all. */
async function toldOf(status: number | undefined, maxAttempts: number): Promise<string[]> {
  const server = createServer((_, answer) => answer.writeHead(status ?? 500).end())
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const { port } = server.address() as AddressInfo
  if (status === undefined) await new Promise((resolve) => server.close(resolve))
  const told: string[] = []
  const client = createS3Client({
    endpoint: `http://127.0.0.1:${port}`,
    region: 'us-east-1',
    credentials: { accessKeyId: 'key', secretAccessKey: 'secret' },
    maxAttempts,
    onFailedTry: (sentence) => told.push(sentence),
  })
  await client.send(new GetObjectCommand({ Bucket: 'b', Key: 'k' })).catch(() => undefined)
  client.destroy()
  server.closeAllConnections()
  if (status !== undefined) await new Promise((resolve) => server.close(resolve))
  return told
}

describe('tries of a request that failed', () => {
  it('are told one by one while S3 is down, each with its cause', async () => {
    expect(await toldOf(undefined, 2)).toEqual([
      expect.stringMatching(/^S3 at 127.0.0.1, try 1 of 2: ECONNREFUSED/),
      expect.stringMatching(/^S3 at 127.0.0.1, try 2 of 2: ECONNREFUSED/),
    ])
  })

  it('are told of an S3 that asks to come again, and not of one that refuses', async () => {
    expect(await toldOf(503, 1)).toEqual([expect.stringMatching(/^S3 at 127.0.0.1, try 1 of 1: /)])
    expect(await toldOf(403, 2)).toEqual([])
  })
})

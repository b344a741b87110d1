/** A server on a fresh directory with the real SDK in front of it. */
import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import http from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { CreateBucketCommand, S3Client, type S3ClientConfig, S3ServiceException } from '@aws-sdk/client-s3'
import { type S3Options, type S3Server, startS3 } from '../../../local/s3/server.ts'

export const MIB = 1024 * 1024
export const KEYS = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY' }

export interface Fixture {
  server: S3Server
  directory: string
  s3: S3Client
  client: (config?: S3ClientConfig) => S3Client
  /** A new bucket's name, the bucket made. */
  bucket: (input?: { ObjectLockEnabledForBucket?: boolean }) => Promise<string>
  restart: (options?: Partial<S3Options>) => Promise<void>
  close: () => Promise<void>
}

export async function startFixture(options: Partial<S3Options> = {}): Promise<Fixture> {
  const directory = mkdtempSync(join(tmpdir(), 'guestlift-s3-'))
  const clients: S3Client[] = []
  const start = (more: Partial<S3Options> = {}): Promise<S3Server> =>
    startS3({ directory, ...KEYS, ...options, ...more })
  const client = (config: S3ClientConfig = {}): S3Client => {
    const made = new S3Client({
      endpoint: fixture.server.url,
      region: 'us-east-1',
      credentials: KEYS,
      forcePathStyle: true,
      maxAttempts: 1,
      ...config,
    })
    clients.push(made)
    return made
  }
  const server = await start()
  const fixture: Fixture = {
    server,
    directory,
    get s3() {
      return clients[0] ?? client()
    },
    client,
    bucket: async (input = {}) => {
      const Bucket = `b-${randomBytes(6).toString('hex')}`
      await fixture.s3.send(new CreateBucketCommand({ Bucket, ...input }))
      return Bucket
    },
    restart: async (more = {}) => {
      await fixture.server.close()
      for (const old of clients.splice(0)) old.destroy()
      fixture.server = await start(more)
    },
    close: async () => {
      for (const old of clients) old.destroy()
      await fixture.server.close()
      rmSync(directory, { recursive: true, force: true })
    },
  }
  return fixture
}

/** The S3 error code and status a call ends with; throws when it succeeds, so no test can pass by accident. */
export async function failure(call: Promise<unknown>): Promise<{ code: string; status: number; message: string }> {
  try {
    await call
  } catch (cause) {
    if (!(cause instanceof S3ServiceException)) throw cause
    return { code: cause.name, status: cause.$metadata.httpStatusCode ?? 0, message: cause.message }
  }
  throw new Error('The call succeeded, an error was expected.')
}

export interface RawAnswer {
  status: number
  headers: http.IncomingHttpHeaders
  text: string
}

export function rawRequest(
  url: string,
  options: { method?: string; headers?: http.OutgoingHttpHeaders; body?: Buffer | string; path?: string } = {},
): Promise<RawAnswer> {
  return new Promise((resolve, reject) => {
    const { method = 'GET', headers = {}, body, path } = options
    const request = http.request(
      url,
      { method, headers, agent: false, ...(path === undefined ? {} : { path }) },
      (answer) => {
        let text = ''
        answer.setEncoding('utf8')
        answer.on('data', (piece: string) => {
          text += piece
        })
        answer.on('end', () => resolve({ status: answer.statusCode ?? 0, headers: answer.headers, text }))
        answer.on('error', reject)
      },
    )
    request.on('error', reject)
    request.end(body)
  })
}

export function errorCode(answer: RawAnswer): string {
  return /<Code>(\w+)<\/Code>/.exec(answer.text)?.[1] ?? ''
}

import { execFile } from 'node:child_process'
import { createHash, createSign, generateKeyPairSync, type KeyObject } from 'node:crypto'
import { createServer, type Server } from 'node:http'
import { existsSync } from 'node:fs'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { createS3Client } from '../../../../functions/aws/s3-client.ts'
import { S3ArchiveStore } from '../../../../functions/aws/s3-archive-store.ts'
import { auditReportSchema } from '../../../../functions/contracts/audit.ts'
import { type S3Server, startS3 } from '../../../../local/s3/server.ts'
import { AuditedBucket } from '../../../fakes/audited-bucket.ts'
import { guestlift } from '../command-line.ts'

const run = promisify(execFile)
let directory: string
let server: S3Server
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'guestlift-report-'))
  const keys = { accessKeyId: 'key', secretAccessKey: 'secret' }
  server = await startS3({ directory: join(directory, 's3'), ...keys, buckets: ['archives', 'broken'] })
  const client = createS3Client({ endpoint: server.url, region: 'us-east-1', credentials: keys })
  const storeOf = (bucket: string) =>
    new S3ArchiveStore(client, bucket, { sleep: async () => undefined, random: () => 0 })
  const good = new AuditedBucket(storeOf('archives'))
  const web = { id: '100', name: 'web' }
  for (const day of ['01', '02']) await good.run(`2026-07-${day}T02:00:00.000Z`, [web])
  await good.verdict('2026-07-01T02:00:00.000Z', web, '2026-07-02T08:00:00.000Z')
  await good.coverage('2026-07-02T12:00:00.000Z', [{ id: '100', name: 'web' }])
  await new AuditedBucket(storeOf('broken')).run('2026-07-01T02:00:00.000Z', [web], { reported: false })
})
afterAll(async () => {
  await server.close()
  await rm(directory, { recursive: true, force: true })
})

function report(words: string[], env: Record<string, string> = {}) {
  const own = { PATH: process.env['PATH'], NO_COLOR: '1', AWS_ACCESS_KEY_ID: 'key', AWS_SECRET_ACCESS_KEY: 'secret' }
  const where = ['--s3', server.url, '--utc', ...(words.includes('--bucket') ? [] : ['--bucket', 'archives'])]
  return guestlift(['report', ...where, ...words], { cwd: directory, env: { ...own, AWS_REGION: 'us-east-1', ...env } })
}
const period = ['--from', '2026-07-01', '--to', '2026-07-02']

describe('guestlift report', () => {
  it('shows a line for each guest, and what all come to', async () => {
    const { code, out } = await report(period)
    expect(code).toBe(0)
    expect(out).toMatch(/hq\/vm-100\s+web\s+2\s+2\.0 KiB\s+1/)
    expect(out).toMatch(/2 archives of 1 guest .*: 1 verified, 0 refused/)
  })

  it('prints JSON of its schema', async () => {
    const { code, out } = await report([...period, '--json'])
    expect(code).toBe(0)
    expect(auditReportSchema.parse(JSON.parse(out))).toMatchObject({ whole: true, totals: { archived: 2 } })
  })

  it('asks S3 for locks when told to, and takes none for granted', async () => {
    const { out } = await report([...period, '--json', '--locks'])
    expect(JSON.parse(out)).toMatchObject({ locksAsked: true, totals: { archived: 2, locked: 0 } })
  })

  it('ends with 2 where something is missing, and names it', async () => {
    const { code, out } = await report([...period, '--bucket', 'broken'])
    expect(code).toBe(2)
    expect(out).toContain('unproved: It')
    expect(out).toContain('runs/2026/07/01/run-2026-07-01/')
  })

  it.each([
    [['--from', '2026-07-03', '--to', '2026-07-01'], 'give an earlier --from'],
    [[...period, '--json', '--csv'], 'Choose one of --json and --csv.'],
    [[...period, '--sign', 'alias/k'], '--sign needs --out <file>'],
    [[...period, '--out', 'evidence.txt'], 'give --html, --csv or --json'],
    [[...period, '--grace', '1h'], '--grace goes with --every'],
    [[...period, '--site', 'hk'], 'holds nothing of a site hk'],
  ])('refuses %j, and says what to do', async (words, sentence) => {
    const { code, error } = await report(words)
    expect(code).toBe(64)
    expect(error).toContain(sentence)
  })

  it('writes a file with the sum of itself, as sha256sum checks it', async () => {
    const { code, out } = await report([...period, '--out', 'evidence.html'])
    expect(code).toBe(0)
    const sum = createHash('sha256')
      .update(await readFile(join(directory, 'evidence.html')))
      .digest('hex')
    expect(out).toContain(`evidence.html: SHA-256 ${sum}`)
    const { stdout } = await run('sha256sum', ['--check', 'evidence.html.sha256'], { cwd: directory })
    expect(stdout).toContain('evidence.html: OK')
  })

  it('leaves nothing where it can not write', async () => {
    const { code, error } = await report([...period, '--out', 'no-folder/evidence.html'])
    expect(code).toBe(1)
    expect(error).toMatch(/The report can't be written to no-folder\/evidence.html: .*\./)
  })
})

describe('a signed report', () => {
  let kms: Server | undefined
  afterEach(() => kms?.close())

  /** As KMS answers the two calls; the SDK's own client judges the form, and openssl the signature. */
  async function startKms(
    answers: (target: string, body: Record<string, string>) => [number, object],
  ): Promise<string> {
    kms = createServer((request, response) => {
      const chunks: Buffer[] = []
      request.on('data', (chunk: Buffer) => chunks.push(chunk))
      request.on('end', () => {
        const target = String(request.headers['x-amz-target'])
        const [status, body] = answers(target, JSON.parse(Buffer.concat(chunks).toString()) as Record<string, string>)
        response.writeHead(status, { 'content-type': 'application/x-amz-json-1.1' }).end(JSON.stringify(body))
      })
    })
    const listening = kms
    await new Promise<void>((resolve) => listening.listen(0, '127.0.0.1', resolve))
    const address = listening.address()
    return `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`
  }

  const keyArn = 'arn:aws:kms:us-east-1:111122223333:key/reports'
  const signing = (privateKey: KeyObject, publicKey: KeyObject, algorithm: string) =>
    startKms((target, { MessageType, SigningAlgorithm }) => {
      if (target === 'TrentService.GetPublicKey') {
        const der = publicKey.export({ format: 'der', type: 'spki' }).toString('base64')
        return [200, { KeyId: keyArn, PublicKey: der, KeyUsage: 'SIGN_VERIFY', SigningAlgorithms: [algorithm] }]
      }
      expect({ target, MessageType, SigningAlgorithm }).toEqual({
        target: 'TrentService.Sign',
        MessageType: 'DIGEST',
        SigningAlgorithm: algorithm,
      })
      // Node.js signs messages, and KMS the digest: of the same file both give what the public key confirms.
      const text = readFileParts()
      const signature = createSign('sha256').update(text).sign(privateKey).toString('base64')
      return [200, { KeyId: keyArn, Signature: signature, SigningAlgorithm: algorithm }]
    })

  let readFileParts: () => Buffer = () => Buffer.alloc(0)
  const pairs = {
    RSASSA_PKCS1_V1_5_SHA_256: () => generateKeyPairSync('rsa', { modulusLength: 2048 }),
    ECDSA_SHA_256: () => generateKeyPairSync('ec', { namedCurve: 'P-256' }),
  }

  it.each(['RSASSA_PKCS1_V1_5_SHA_256', 'ECDSA_SHA_256'] as const)(
    'is confirmed by openssl with the public key alone: %s',
    async (algorithm) => {
      const { privateKey, publicKey } = pairs[algorithm]()
      const { readdirSync, readFileSync } = await import('node:fs')
      readFileParts = () => {
        const part = readdirSync(directory).find((name) => /^signed\.json\.\d+\.part$/.test(name)) ?? ''
        return readFileSync(join(directory, part))
      }
      const url = await signing(privateKey, publicKey, algorithm)
      const words = [...period, '--out', 'signed.json', '--sign', keyArn]
      const { code, out, error } = await report(words, { AWS_ENDPOINT_URL_KMS: url })
      expect({ code, error: error.replace(/Requests.*/, '').trim() }).toEqual({ code: 0, error: '' })
      expect(out).toContain(`signed.json.sig: ${algorithm} by ${keyArn}`)
      await writeFile(join(directory, 'public.pem'), publicKey.export({ format: 'pem', type: 'spki' }))
      const check = ['dgst', '-sha256', '-verify', 'public.pem', '-signature', 'signed.json.sig', 'signed.json']
      expect((await run('openssl', check, { cwd: directory })).stdout).toContain('Verified OK')
    },
  )

  it.each([
    ['DisabledException', 'Enable it, or use another key.'],
    ['NotFoundException', 'Check its id or alias, and the region.'],
    ['AccessDeniedException', 'kms:GetPublicKey and kms:Sign'],
  ])('is not written where KMS answers %s', async (name, advice) => {
    const url = await startKms(() => [400, { __type: name, message: 'no' }])
    const words = [...period, '--out', 'refused.json', '--sign', 'alias/reports']
    const { code, error } = await report(words, { AWS_ENDPOINT_URL_KMS: url })
    expect(code).toBe(1)
    expect(error).toContain(`KMS refused key alias/reports (${name})`)
    expect(error).toContain(advice)
    expect(existsSync(join(directory, 'refused.json'))).toBe(false)
  })

  it('is not written where the signature is of something else', async () => {
    const { privateKey, publicKey } = pairs.ECDSA_SHA_256()
    readFileParts = () => Buffer.from('another file')
    const url = await signing(privateKey, publicKey, 'ECDSA_SHA_256')
    const words = [...period, '--out', 'other.json', '--sign', keyArn]
    const { code, error } = await report(words, { AWS_ENDPOINT_URL_KMS: url })
    expect(code).toBe(1)
    expect(error).toContain("doesn't confirm. Nothing was written.")
    expect(existsSync(join(directory, 'other.json'))).toBe(false)
  })

  it('is not written with a key that only encrypts', async () => {
    const url = await startKms(() => [200, { KeyId: keyArn, KeyUsage: 'ENCRYPT_DECRYPT' }])
    const words = [...period, '--out', 'none.json', '--sign', keyArn]
    const { error } = await report(words, { AWS_ENDPOINT_URL_KMS: url })
    expect(error).toContain('signs nothing. Make one for signing')
  })
})

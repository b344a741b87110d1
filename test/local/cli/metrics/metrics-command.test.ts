import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createS3Client } from '../../../../functions/aws/s3-client.ts'
import { S3ArchiveStore } from '../../../../functions/aws/s3-archive-store.ts'
import { type S3Server, startS3 } from '../../../../local/s3/server.ts'
import { AuditedBucket } from '../../../fakes/audited-bucket.ts'
import { guestlift } from '../command-line.ts'

let directory: string
let server: S3Server
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'guestlift-metrics-'))
  const keys = { accessKeyId: 'key', secretAccessKey: 'secret' }
  server = await startS3({ directory: join(directory, 's3'), ...keys, buckets: ['archives'] })
  const client = createS3Client({ endpoint: server.url, region: 'us-east-1', credentials: keys })
  const store = new S3ArchiveStore(client, 'archives', { sleep: async () => undefined, random: () => 0 })
  const yesterday = new Date(Date.now() - 86_400_000).toISOString()
  await new AuditedBucket(store).run(yesterday, [{ id: '100', name: 'web' }])
})
afterAll(async () => {
  await server.close()
  await rm(directory, { recursive: true, force: true })
})

function metrics(...words: string[]) {
  const env = { PATH: process.env['PATH'], NO_COLOR: '1', AWS_ACCESS_KEY_ID: 'key', AWS_SECRET_ACCESS_KEY: 'secret' }
  return guestlift(['metrics', '--s3', server.url, ...words], {
    cwd: directory,
    env: { ...env, AWS_REGION: 'us-east-1' },
  })
}

describe('guestlift metrics', () => {
  it('prints the figures', async () => {
    const { code, out } = await metrics('--prometheus', '--bucket', 'archives')
    expect(code).toBe(0)
    expect(out).toContain('guestlift_run_last_guests{site="hq",outcome="succeeded"} 1\n')
  })

  it('writes a file that the collector may read, and nothing else beside it', async () => {
    const { code } = await metrics('--prometheus', '--bucket', 'archives', '--out', 'guestlift.prom')
    expect(code).toBe(0)
    expect(((await stat(join(directory, 'guestlift.prom'))).mode & 0o777).toString(8)).toBe('644')
    expect((await readdir(directory)).filter((name) => name.includes('.part'))).toEqual([])
  })

  it('leaves the old file where the bucket does not answer', async () => {
    await writeFile(join(directory, 'old.prom'), 'old\n')
    const { code } = await metrics('--prometheus', '--bucket', 'no-such-bucket', '--out', 'old.prom')
    expect(code).toBe(1)
    expect(await readFile(join(directory, 'old.prom'), 'utf8')).toBe('old\n')
  })

  it.each([
    [['--bucket', 'archives'], 'metrics needs the form: --prometheus'],
    [['--prometheus', '--bucket', 'archives', '--days', '0'], 'Give days, from 1 to 999.'],
  ])('refuses %j', async (words, sentence) => {
    const { code, error } = await metrics(...words)
    expect(code).toBe(64)
    expect(error).toContain(sentence)
  })

  it('says why it can not write', async () => {
    const { code, error } = await metrics('--prometheus', '--bucket', 'archives', '--out', 'no-folder/a.prom')
    expect(code).toBe(1)
    expect(error).toContain("The figures can't be written to no-folder/a.prom")
  })
})

import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ListBucketsCommand, S3Client } from '@aws-sdk/client-s3'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { KEYS, startFixture } from './fixture.ts'

const MAIN = new URL('../../../local/s3/main.ts', import.meta.url).pathname
let directory: string
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'guestlift-s3-main-'))
})
afterAll(() => rmSync(directory, { recursive: true, force: true }))

function run(...more: string[]): {
  child: ChildProcess
  line: Promise<string>
  exit: Promise<{ code: number | null; errors: string; output: string }>
} {
  const child = spawn(process.execPath, [MAIN, ...more], { stdio: ['ignore', 'pipe', 'pipe'] })
  let output = ''
  let errors = ''
  const line = new Promise<string>((resolve) => {
    child.stdout?.on('data', (data: Buffer) => {
      output += data.toString()
      if (output.includes('\n')) resolve(output.slice(0, output.indexOf('\n')))
    })
  })
  child.stderr?.on('data', (data: Buffer) => {
    errors += data.toString()
  })
  const exit = new Promise<{ code: number | null; errors: string; output: string }>((resolve) => {
    child.on('close', (code) => resolve({ code, errors, output }))
  })
  return { child, line, exit }
}

const keys = ['--access-key', KEYS.accessKeyId, '--secret-key', KEYS.secretAccessKey]

describe('npm run s3', () => {
  it.each(['SIGTERM', 'SIGINT'] as const)('prints one JSON line, serves, and stops cleanly on %s', async (signal) => {
    const { child, line, exit } = run(
      '--port',
      '0',
      '--dir',
      directory,
      ...keys,
      '--bucket',
      'one-bucket',
      '--bucket',
      'two-buckets',
    )
    const started = JSON.parse(await line) as { url: string }
    expect(started).toEqual({
      url: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+$/),
      accessKeyId: KEYS.accessKeyId,
      directory,
    })
    const s3 = new S3Client({ endpoint: started.url, region: 'us-east-1', credentials: KEYS, forcePathStyle: true })
    const { Buckets } = await s3.send(new ListBucketsCommand())
    expect(Buckets?.map((item) => item.Name)).toEqual(['one-bucket', 'two-buckets'])
    child.kill(signal)
    const { code, output } = await exit
    expect([code, output.trim().split('\n').length]).toEqual([0, 1])
    expect(output).not.toContain(KEYS.secretAccessKey)
    s3.destroy()
  })

  it('explains itself with --help', async () => {
    const { code, output } = await run('--help').exit
    expect(code).toBe(0)
    for (const option of ['--port', '--dir', '--access-key', '--secret-key', '--region', '--bucket'])
      expect(output).toContain(option)
  })

  it('names the port that is in use', async () => {
    const other = await startFixture()
    const { code, errors } = await run('--port', String(other.server.port), '--dir', directory, ...keys).exit
    expect(code).toBe(1)
    expect(errors).toContain(`Port ${other.server.port} on 127.0.0.1 is in use`)
    await other.close()
  })

  it('refuses a directory that another one serves', async () => {
    const other = await startFixture()
    const { code, errors } = await run('--dir', other.directory, ...keys).exit
    expect(code).toBe(1)
    expect(errors).toContain(`${other.directory} is in use by another embedded S3 (process ${process.pid})`)
    await other.close()
  })

  it('names the directory that can’t be used', async () => {
    const file = join(directory, 'a-file')
    writeFileSync(file, '')
    const { code, errors } = await run('--dir', join(file, 'below'), ...keys).exit
    expect(code).toBe(1)
    expect(errors).toContain(join(file, 'below'))
    expect(errors).toContain('--dir')
  })

  it.each([
    [['--port', '70000'], 'A port is a number'],
    [['--bucket', 'Bad_Name'], 'Bucket names have'],
  ])('refuses %j', async (more, message) => {
    const { code, errors } = await run('--dir', directory, ...keys, ...more).exit
    expect(code).not.toBe(0)
    expect(errors).toContain(message)
  })
})

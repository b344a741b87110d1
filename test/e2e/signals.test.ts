/** A local run whose whole process group is signalled, as systemd, `timeout` and a closed terminal do. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { CreateBucketCommand, GetObjectCommand, type S3Client } from '@aws-sdk/client-s3'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createS3Client } from '../../functions/aws/s3-client.ts'
import { runReportSchema } from '../../functions/contracts/report.ts'
import { type Lab, startLab } from '../../local/labs/proxmox/lab.ts'
import { synthesise } from '../../local/run/assembly.ts'
import { startS3 } from '../../local/s3/server.ts'

const credentials = { accessKeyId: 'signals', secretAccessKey: 'signals-secret' }
/** The launcher takes this process for an old Node.js, and puts one of its own behind itself. */
const oldNode = `--import=data:text/javascript,Object.defineProperty(process.versions,'node',{value:'20.0.0'})`
const binary = (name: string) => fileURLToPath(new URL(`../../bin/${name}`, import.meta.url))

let directory: string
let lab: Lab
let server: Awaited<ReturnType<typeof startS3>>
let s3: S3Client

beforeAll(async () => {
  await synthesise(() => undefined)
  directory = await mkdtemp(join(tmpdir(), 'guestlift-signals-'))
  lab = await startLab({ directory: join(directory, 'lab'), guestBytes: 2 ** 20, secondsPerDump: 600 })
  server = await startS3({ directory: join(directory, 's3'), ...credentials })
  s3 = createS3Client({ endpoint: server.url, region: 'us-east-1', credentials })
  await s3.send(new CreateBucketCommand({ Bucket: 'archives' }))
  await writeFile(join(directory, 'hq.json'), JSON.stringify(lab.site()))
  const job = { site: 'hq', guests: { vmids: [101] }, backup: { storage: 'local' } }
  await writeFile(join(directory, 'job.json'), JSON.stringify(job))
})
afterAll(async () => {
  s3.destroy()
  await Promise.all([lab.close(), server.close()])
  await rm(directory, { recursive: true })
})

const runningTasks = () => lab.control.tasks().filter(({ running }) => running)

/** Start a run in a process group of its own, wait until its guest is dumped, and return the process. */
async function dumping(...program: string[]) {
  const words = [
    'run',
    '--local',
    '--json',
    '--site-file',
    'hq.json',
    '--bucket',
    'archives',
    '--s3',
    server.url,
    'job.json',
  ]
  const { AWS_PROFILE: _profile, ...env } = process.env
  const child = spawn(process.execPath, [...program, ...words], {
    cwd: directory,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...env, AWS_ACCESS_KEY_ID: credentials.accessKeyId, AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey },
  })
  const said = { stdout: '', stderr: '' }
  child.stdout.on('data', (chunk: Buffer) => (said.stdout += chunk.toString()))
  child.stderr.on('data', (chunk: Buffer) => (said.stderr += chunk.toString()))
  await expect
    .poll(() => (child.exitCode === null ? runningTasks().length : said.stderr), { timeout: 120_000, interval: 100 })
    .toBe(1)
  const signal = (name: NodeJS.Signals) => process.kill(-(child.pid ?? 0), name)
  return { child, said, signal }
}

async function expectCleanedUp(): Promise<void> {
  expect(runningTasks()).toEqual([])
  expect(lab.control.guest(101, {}).lock).toBeUndefined()
  const { Body } = await s3.send(new GetObjectCommand({ Bucket: 'archives', Key: 'claims/hq/container-101.json' }))
  expect(JSON.parse((await Body?.transformToString()) ?? '')).toMatchObject({ released: true })
}

describe('a run whose whole process group is signalled', () => {
  it('ends as after Ctrl-C when SIGTERM comes twice, with the launcher in between', async () => {
    const { child, said, signal } = await dumping(oldNode, binary('guestlift.js'))
    signal('SIGTERM')
    signal('SIGTERM')
    expect((await once(child, 'close'))[0], said.stderr).toBe(130)
    const report = runReportSchema.parse(JSON.parse(said.stdout))
    expect(report.guests).toMatchObject([{ id: '101', outcome: 'failed', verdict: 'RunInterrupted' }])
    await expectCleanedUp()
  })

  it('gives its guests back when the terminal goes away, with nobody left to read', async () => {
    const { child, signal } = await dumping(binary('guestlift.ts'))
    child.stdout.destroy()
    child.stderr.destroy()
    signal('SIGHUP')
    expect((await once(child, 'exit'))[0]).toBe(130)
    await expectCleanedUp()
  })
})

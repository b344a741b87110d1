/** Each command that reads the bucket, against a web server at the address that S3 should have. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Lab, startLab } from '../../../local/labs/proxmox/lab.ts'
import { consolePage, type HostileStore, startHostileStore, strangers } from '../../functions/aws/hostile-store.ts'
import { guestlift as run } from './command-line.ts'

let directory: string
let hostile: HostileStore
let lab: Lab
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'guestlift-stranger-'))
  hostile = await startHostileStore(() => consolePage)
  lab = await startLab({
    directory: join(directory, 'lab'),
    unauthorizedDelaySeconds: 0,
    guests: [{ vmid: 100, kind: 'lxc', name: 'db', dataBytes: 2 ** 20 }],
  })
  await writeFile(join(directory, 'hq.json'), JSON.stringify(lab.site()))
})
afterAll(async () => {
  await lab.close()
  await hostile.close()
  await rm(directory, { recursive: true, force: true })
})

function guestlift(...words: string[]): Promise<{ code: number; out: string; error: string }> {
  const env = {
    PATH: process.env['PATH'],
    HOME: directory,
    NO_COLOR: '1',
    AWS_EC2_METADATA_DISABLED: 'true',
    AWS_ACCESS_KEY_ID: 'key',
    AWS_SECRET_ACCESS_KEY: 'secret',
    AWS_REGION: 'us-east-1',
  }
  return run([...words, '--bucket', 'archives', '--s3', hostile.url], { env, cwd: directory })
}

const commands = [
  'list',
  'list --json',
  'show 100',
  'search db',
  'catalog rebuild',
  'catalog page --out page.html',
  'bill',
  'prune --site hq --keep-last 1',
  'prune --site hq --keep-last 1 --confirm',
  'coverage',
  'coverage --site-file hq.json',
  'coverage --site-file hq.json --json',
]

describe('a web server where S3 should be', () => {
  it.each(commands)('is no empty bucket to: %s', async (command) => {
    hostile.answer = () => consolePage
    const { code, out, error } = await guestlift(...command.split(' '))
    expect(error).toMatch(
      /^guestlift: http:\/\/127\.0\.0\.1:\d+ \(for s3:\/\/archives\) is no S3: (?:List\w+|GetObject) was answered with status 200 \(text\/html; charset=utf-8, server MinIO Console\) and a web page titled "MinIO Console"\. Check the endpoint: .*\.$/m,
    )
    expect(code).toBe(1)
    const said: unknown = out === '' ? 'nothing' : JSON.parse(out)
    const failed: unknown = expect.objectContaining({ outcome: 'failed' })
    const expected = command.endsWith('--json') ? failed : 'nothing'
    expect(said).toEqual(expected)
  })

  const others = ['a login page', 'a router without a route', 'an empty 200'].map(
    (name) => [name, strangers[name]] as const,
  )
  it.each(others)('is told by what it answered: %s', async (_name, answer) => {
    hostile.answer = () => answer ?? consolePage
    const { code, error } = await guestlift('list')
    expect(error).toMatch(/^guestlift: .* is no S3: /)
    expect(code).toBe(1)
  })
})

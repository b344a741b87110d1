/** The tools that people have at hand, run for real where they are installed. */
import { execFile, spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { HeadObjectCommand } from '@aws-sdk/client-s3'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Fixture, KEYS, MIB, startFixture } from './fixture.ts'

const exec = promisify(execFile)

/** The first of these that runs: a name on the path may be a wrapper without a program behind it. */
function working(...candidates: string[]): string | undefined {
  return candidates.find((path) => spawnSync(path, ['--version'], { timeout: 20_000 }).status === 0)
}

// Debian's own first: a wrapper around it takes a second for each call.
const aws = working('/usr/bin/aws', 'aws')
const rclone = working('rclone')
const s3cmd = working('s3cmd')
for (const [name, path] of Object.entries({ aws, rclone, s3cmd }))
  if (path === undefined) console.log(`skipped: no ${name}`)

let fixture: Fixture
let work: string
let file: string
const content = randomBytes(23 * MIB + 11)
const bucket = 'tools-bucket'

beforeAll(async () => {
  fixture = await startFixture({ thawMilliseconds: 3_600_000 })
  work = mkdtempSync(join(tmpdir(), 'guestlift-tools-'))
  file = join(work, 'vzdump-qemu-100.vma.zst')
  writeFileSync(file, content)
})
afterAll(async () => {
  await fixture.close()
  rmSync(work, { recursive: true, force: true })
})

/** Nothing of the person's own configuration, and no proxy in between. */
function environment(): NodeJS.ProcessEnv {
  return {
    PATH: process.env['PATH'],
    HOME: work,
    LANG: 'C.UTF-8',
    AWS_ACCESS_KEY_ID: KEYS.accessKeyId,
    AWS_SECRET_ACCESS_KEY: KEYS.secretAccessKey,
    AWS_DEFAULT_REGION: 'us-east-1',
    AWS_EC2_METADATA_DISABLED: 'true',
  }
}

async function run(tool: string, ...args: string[]): Promise<string> {
  const { stdout } = await exec(tool, args, { env: environment(), timeout: 60_000 })
  return stdout
}

describe.skipIf(aws === undefined)('aws', () => {
  const cli = (...args: string[]) => run(aws ?? '', '--endpoint-url', fixture.server.url, ...args)

  it('makes a bucket, copies a file there (in parts) and back, lists, syncs and removes', async () => {
    await cli('s3', 'mb', `s3://${bucket}-aws`)
    const there = `s3://${bucket}-aws/archives/a b+ü.vma.zst`
    await cli('s3', 'cp', '--no-progress', file, there)
    const copy = join(work, 'copy-aws')
    await cli('s3', 'cp', '--no-progress', there, copy)
    expect(readFileSync(copy).equals(content)).toBe(true)
    const head = JSON.parse(
      await cli('s3api', 'head-object', '--bucket', `${bucket}-aws`, '--key', 'archives/a b+ü.vma.zst'),
    ) as {
      ContentLength: number
      ETag: string
    }
    expect([head.ContentLength, head.ETag]).toEqual([content.length, expect.stringMatching(/-3"$/)])
    expect(await cli('s3', 'ls', '--recursive', `s3://${bucket}-aws`)).toContain('archives/a b+ü.vma.zst')
    await cli('s3', 'mv', there, `s3://${bucket}-aws/moved`)
    await cli('s3', 'sync', '--no-progress', `s3://${bucket}-aws`, join(work, 'synced'))
    expect(readFileSync(join(work, 'synced/moved')).equals(content)).toBe(true)
    await cli('s3', 'rb', '--force', `s3://${bucket}-aws`)
  })

  it('has an object restored out of Glacier, and sees that it takes a while', async () => {
    const cold = ['--bucket', `${bucket}-cold`, '--key', 'cold']
    await cli('s3', 'mb', `s3://${bucket}-cold`)
    await cli('s3api', 'put-object', ...cold, '--storage-class', 'GLACIER')
    const request = '{"Days":7,"GlacierJobParameters":{"Tier":"Standard"}}'
    const restore = () => cli('s3api', 'restore-object', ...cold, '--restore-request', request)
    await restore()
    const head = JSON.parse(await cli('s3api', 'head-object', ...cold)) as { Restore: string; StorageClass: string }
    expect(head).toMatchObject({ Restore: 'ongoing-request="true"', StorageClass: 'GLACIER' })
    await expect(restore()).rejects.toThrow('RestoreAlreadyInProgress')
  })

  // For us-east-1 this version still presigns with Signature Version 2, which S3 refuses on newer buckets.
  it('presigns a URL that works', async () => {
    await cli('s3', 'mb', `s3://${bucket}-url`)
    await cli('s3api', 'put-object', '--bucket', `${bucket}-url`, '--key', 'k', '--body', file)
    const url = await cli('--region', 'eu-central-1', 's3', 'presign', `s3://${bucket}-url/k`)
    const answer = await fetch(url.trim())
    expect(Buffer.from(await answer.arrayBuffer()).equals(content)).toBe(true)
  })
})

const RCLONE = ['--s3-provider', 'Other', '--s3-env-auth', '--s3-chunk-size', '5M', '--s3-upload-cutoff', '5M']

describe.skipIf(rclone === undefined)('rclone', () => {
  const cli = (...args: string[]) =>
    run(rclone ?? '', '--config', join(work, 'none'), '--s3-endpoint', fixture.server.url, ...RCLONE, ...args)

  it('copies in parts, moves, reads back, hashes and purges', async () => {
    await cli('mkdir', `:s3:${bucket}-rclone`)
    await cli('copyto', file, `:s3:${bucket}-rclone/dir/archive`)
    await cli('moveto', `:s3:${bucket}-rclone/dir/archive`, `:s3:${bucket}-rclone/dir/moved`)
    const listed = JSON.parse(await cli('lsjson', '-R', '--files-only', `:s3:${bucket}-rclone`)) as {
      Path: string
      Size: number
    }[]
    expect(listed.map(({ Path, Size }) => [Path, Size])).toEqual([['dir/moved', content.length]])
    const copy = join(work, 'copy-rclone')
    await cli('copyto', `:s3:${bucket}-rclone/dir/moved`, copy)
    expect(readFileSync(copy).equals(content)).toBe(true)
    await cli('purge', `:s3:${bucket}-rclone`)
  })

  it('has an object restored out of Glacier', async () => {
    const folder = `:s3:${bucket}-rclone-cold/dir`
    await cli('mkdir', `:s3:${bucket}-rclone-cold`)
    writeFileSync(join(work, 'cold'), 'x')
    await cli('copyto', '--s3-storage-class', 'GLACIER', join(work, 'cold'), `${folder}/cold`)
    const restored = await cli('backend', 'restore', folder, '-o', 'priority=Standard', '-o', 'lifetime=1')
    expect(JSON.parse(restored)).toEqual([{ Remote: 'cold', Status: 'OK' }])
    const again = await cli('backend', 'restore', folder, '-o', 'priority=Standard', '-o', 'lifetime=1')
    expect(again).toContain('RestoreAlreadyInProgress')
  })

  it('finds nothing to do on a second sync', async () => {
    const source = join(work, 'sync-source')
    await exec('mkdir', ['-p', source])
    for (const name of ['a', 'b c', 'ü+&']) writeFileSync(join(source, name), name)
    await cli('mkdir', `:s3:${bucket}-sync`)
    await cli('sync', source, `:s3:${bucket}-sync/x`)
    const { stderr } = await exec(
      rclone ?? '',
      [
        '--config',
        join(work, 'none'),
        '--s3-endpoint',
        fixture.server.url,
        ...RCLONE,
        'check',
        source,
        `:s3:${bucket}-sync/x`,
      ],
      { env: environment() },
    )
    expect(stderr).toContain('0 differences found')
    expect(stderr).toContain('3 matching files')
  })
})

describe.skipIf(s3cmd === undefined)('s3cmd', () => {
  const cli = (...args: string[]) => {
    const host = fixture.server.url.replace('http://', '')
    const config = join(work, 's3cfg')
    writeFileSync(
      config,
      `[default]\nhost_base = ${host}\nhost_bucket = ${host}/%(bucket)\nuse_https = False\nbucket_location = US\n`,
    )
    return run(
      s3cmd ?? '',
      '--config',
      config,
      '--access_key',
      KEYS.accessKeyId,
      '--secret_key',
      KEYS.secretAccessKey,
      '--no-progress',
      ...args,
    )
  }

  it('has an object restored out of Glacier', async () => {
    const there = `s3://${bucket}-s3cmd-cold`
    await cli('mb', there)
    writeFileSync(join(work, 'cold'), 'x')
    await cli('put', '--storage-class=GLACIER', join(work, 'cold'), `${there}/cold`)
    await cli('restore', '--restore-days=7', '--restore-priority=standard', `${there}/cold`)
    const head = new HeadObjectCommand({ Bucket: `${bucket}-s3cmd-cold`, Key: 'cold' })
    expect((await fixture.s3.send(head)).Restore).toBe('ongoing-request="true"')
  })

  it('makes a bucket, puts in parts, gets, lists, copies and deletes', async () => {
    const there = `s3://${bucket}-s3cmd`
    await cli('mb', there)
    await cli('put', '--multipart-chunk-size-mb=5', file, `${there}/dir/ö archive`)
    const copy = join(work, 'copy-s3cmd')
    await cli('get', `${there}/dir/ö archive`, copy)
    expect(readFileSync(copy).equals(content)).toBe(true)
    await cli('cp', `${there}/dir/ö archive`, `${there}/second`)
    expect(await cli('ls', '--recursive', there)).toMatch(/dir\/ö archive[^]*second/)
    expect(await cli('info', `${there}/second`)).toContain(`File size: ${content.length}`)
    await cli('del', '--recursive', '--force', there)
    await cli('rb', there)
  })
})

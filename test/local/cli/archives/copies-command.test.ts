import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { crc32 } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { crc32ToBase64 } from '../../../../functions/domain/transfer/crc32.ts'
import { putArchive } from '../../../fakes/put-archive.ts'
import { openVersionedBucket, type VersionedBucket } from '../../../fakes/versioned-bucket.ts'
import { guestlift as run } from '../command-line.ts'

const guest = { id: '100', kind: 'vm', name: 'web', node: 'pve1' } as const

let directory: string
let first: VersionedBucket
let second: VersionedBucket
const folders: string[] = []
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'guestlift-copies-'))
  first = await openVersionedBucket()
  second = await openVersionedBucket()
  for (const day of ['01', '22']) {
    const folder = await putArchive(first, guest, `2026-11-${day}T02:00:00.000Z`)
    folders.push(folder)
    const manifest = JSON.parse((await first.store.readText(`${folder}manifest.json`))?.text ?? '')
    manifest.artifacts[0].checksum = `CRC32:${crc32ToBase64(crc32('vma'))}`
    await first.put(`${folder}manifest.json`, JSON.stringify(manifest))
  }
  await carry(folders[1] ?? '')
})
afterAll(async () => {
  await first.close()
  await second.close()
  await rm(directory, { recursive: true, force: true })
})

async function carry(folder: string, text = 'vma'): Promise<void> {
  await second.put(`${folder}file`, text, { retainUntil: new Date('2099-01-01T00:00:00.000Z') })
  await second.put(`${folder}manifest.json`, (await first.store.readText(`${folder}manifest.json`))?.text ?? '')
}

function copies(...words: string[]) {
  const keys = { AWS_ACCESS_KEY_ID: 'test', AWS_SECRET_ACCESS_KEY: 'test', AWS_REGION: 'us-east-1' }
  const env = { PATH: process.env['PATH'], HOME: directory, XDG_STATE_HOME: directory, NO_COLOR: '1', ...keys }
  const place = ['--bucket', 'archives', '--s3', first.url, '--second', 'archives']
  return run(['copies', ...place, ...words], { cwd: directory, env })
}

describe('guestlift copies', () => {
  it('proves each guest’s newest archive by what the second bucket tells, with the lock there', async () => {
    const { code, out } = await copies('--second-s3', second.url)
    expect(out).toBe(
      `proved: ${folders[1]}, under a lock until 2099-01-01T00:00:00.000Z (compliance)\n` +
        '1 of 1 archive proved in s3://archives.\n',
    )
    expect(code).toBe(0)
  })

  it('names what the second bucket lacks, and counts nothing for it', async () => {
    const all = await copies('--second-s3', second.url, '--archives')
    expect(all.code).toBe(2)
    expect(all.out).toMatch(/^NO SECOND COPY: .*2026-11-01.*\n {4}s3:\/\/archives\/.*manifest\.json is not there\.$/m)
    await carry(folders[0] ?? '', 'vmx')
    const { out } = await copies('web', '--second-s3', second.url, '--archives', '--json')
    expect(JSON.parse(out)).toMatchObject({
      version: 1,
      proved: 1,
      archives: [
        { state: 'lacking', reasons: [expect.stringContaining('and the archive has CRC32:')] },
        { state: 'proved' },
      ],
    })
  })

  it('is told by `guestlift show --second`, too', async () => {
    const keys = { AWS_ACCESS_KEY_ID: 'test', AWS_SECRET_ACCESS_KEY: 'test', AWS_REGION: 'us-east-1' }
    const env = { PATH: process.env['PATH'], HOME: directory, XDG_STATE_HOME: directory, NO_COLOR: '1', ...keys }
    const place = ['--bucket', 'archives', '--s3', first.url, '--second', 'archives', '--second-s3', second.url]
    const show = (...words: string[]) => run(['show', ...words, ...place], { cwd: directory, env })
    expect((await show('web')).out).toMatch(
      /^Second copy +proved in s3:\/\/archives, under a lock until 2099.*\(compliance\)$/m,
    )
    expect((await show(folders[0] ?? '')).out).toMatch(
      /^Second copy +NONE in s3:\/\/archives\. s3:\/\/archives.*CRC32:/m,
    )
    const { guests } = JSON.parse((await show('web', '--json')).out)
    expect(guests[0].secondCopy).toMatchObject({ bucket: 'archives', state: 'proved', reasons: [] })
  })

  it('takes no bucket for its own second copy, and fails where there is nothing to compare', async () => {
    const same = await copies('--second-s3', first.url)
    expect(same).toMatchObject({ code: 64, error: expect.stringContaining('what is stored once is no second copy') })
    expect((await copies('777', '--second-s3', second.url)).code).toBe(1)
  })
})

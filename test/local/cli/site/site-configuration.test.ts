import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { S3ArchiveStore } from '../../../../functions/aws/s3-archive-store.ts'
import { createS3Client } from '../../../../functions/aws/s3-client.ts'
import type { ConfigurationPart } from '../../../../functions/contracts/site-configuration.ts'
import { configurationKey } from '../../../../functions/domain/books/object-keys.ts'
import { type S3Server, startS3 } from '../../../../local/s3/server.ts'
import { guestlift } from '../command-line.ts'
import { ownEnvironment, ownKeys } from '../own-environment.ts'

let directory: string
let server: S3Server
let store: S3ArchiveStore
const users = (entries: ConfigurationPart['entries'], more: Partial<ConfigurationPart> = {}): ConfigurationPart => ({
  part: 'users',
  what: 'Users',
  entries,
  ...more,
})
const putRecord = (takenAt: string, part: ConfigurationPart) =>
  store.writeText(
    configurationKey('', 'hq', takenAt),
    JSON.stringify({
      version: 1,
      site: 'hq',
      platform: 'proxmox',
      platformVersion: '9.2.11',
      takenAt,
      parts: [part],
      leftOut: ['users/a@pve.keys'],
    }),
  )

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'guestlift-configuration-'))
  server = await startS3({ directory: join(directory, 's3'), ...ownKeys, buckets: ['archives', 'empty'] })
  const client = createS3Client({ endpoint: server.url, region: 'us-east-1', credentials: ownKeys })
  store = new S3ArchiveStore(client, 'archives', { sleep: async () => undefined, random: () => 0 })
  await store.writeText('sites/hq.json', JSON.stringify({ version: 1, site: 'hq', guests: [] }))
  await store.writeText('sites/branch.json', JSON.stringify({ version: 1, site: 'branch', guests: [] }))
  await putRecord('2026-11-20T02:00:00.000Z', users({ 'a@pve': { enable: 1 } }))
  await putRecord('2026-11-22T02:00:00.000Z', users({ 'a@pve': { enable: 0 }, 'b@pve\u001b[31m': {} }))
  await store.writeText(configurationKey('', 'hq', '2026-11-21T02:00:00.000Z'), '<html>')
})
afterAll(async () => {
  await server.close()
  rmSync(directory, { recursive: true, force: true })
})

const ask = (...words: string[]) =>
  guestlift(['site', 'configuration', ...words, '--bucket', 'archives', '--s3', server.url, '--utc'], {
    cwd: directory,
    env: ownEnvironment(directory),
  })

describe('guestlift site configuration', () => {
  it('shows the newest record, part by part, and the secrets that have to be set anew', async () => {
    const { code, out, error } = await ask('hq')
    expect({ code, error }).toEqual({ code: 0, error: '' })
    expect(out).toContain('2026-11-22 02:00')
    expect(out).toMatch(/users +2 +Users/)
    expect(out).toContain('1 secret left out, to be set anew: users/a@pve.keys')
  })

  it('shows how it was at a time, and says which record it can not read', async () => {
    const { out, error } = await ask('hq', '--at', '2026-11-21')
    expect(out).toContain('2026-11-20 02:00')
    expect(error).toContain("2026-11-21T02-00-00Z.json can't be read, and was passed over.")
  })

  it('prints a part whole, and all of it', async () => {
    expect(JSON.parse((await ask('hq', '--part', 'users')).out)).toMatchObject({
      part: 'users',
      entries: { 'a@pve': {} },
    })
    expect(JSON.parse((await ask('hq', '--json')).out)).toMatchObject({
      version: 1,
      takenAt: '2026-11-22T02:00:00.000Z',
    })
  })

  it('shows what changed from record to record, with nothing that a terminal would obey', async () => {
    const { out } = await ask('hq', '--changes')
    expect(out).toContain('2026-11-20 02:00')
    expect(out).toContain('the first record')
    expect(out).toContain('  users: a@pve changed (enable)')
    expect(out).not.toContain('\u001b[31m')
  })

  it('says that parts may be incomplete by its exit code, too', async () => {
    await putRecord('2026-11-23T02:00:00.000Z', users({}, { incomplete: 'Users may be missing.' }))
    const { code, out } = await ask('hq')
    expect(code).toBe(2)
    expect(out).toContain('incomplete: Users may be missing.')
  })

  it('refuses a part, a site and a time that are not there, each with what there is', async () => {
    expect(await ask('hq', '--part', 'user')).toMatchObject({
      code: 64,
      error: expect.stringContaining('Parts are: users.'),
    })
    expect(await ask('qh')).toMatchObject({ error: expect.stringContaining('It knows: branch, hq.') })
    expect(await ask('hq', '--at', '2026-11-01')).toMatchObject({
      code: 1,
      error: expect.stringContaining('No run has kept'),
    })
    expect(await ask('branch')).toMatchObject({ code: 1, error: expect.stringContaining('"siteConfiguration": true') })
  })
})

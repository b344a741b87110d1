import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { readSiteFile } from '../../../local/run/site-file.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'site-file-'))
})
afterEach(() => rm(folder, { recursive: true }))

const key = '-----BEGIN OPENSSH PRIVATE KEY-----\nnot a real one\n-----END OPENSSH PRIVATE KEY-----\n'
const route = { type: 'sftp', host: 'pve1.example.com', username: 'reader', hostKeys: [`SHA256:${'A'.repeat(43)}`] }
const site = {
  provider: 'proxmox',
  endpoints: ['https://pve1.example.com:8006'],
  tls: { mode: 'system' },
  auth: { tokenId: 'backup@pve!guestlift', secret: 'very-secret' },
}

async function write(content: unknown): Promise<string> {
  const path = join(folder, 'site.json')
  await writeFile(path, typeof content === 'string' ? content : JSON.stringify(content))
  return path
}

describe('the site file', () => {
  it('may name the private key in a file beside it', async () => {
    await writeFile(join(folder, 'id'), key)
    const text = await readSiteFile(await write({ ...site, route: { ...route, privateKeyFile: 'id' } }))
    expect(JSON.parse(text).route).toEqual({ ...route, privateKey: key })
  })

  it('may name the key of the account for restores in a file, too', async () => {
    await writeFile(join(folder, 'id'), key)
    const { type: _, ...login } = route
    const account = { tokenId: 'restore@pve!guestlift', secret: 'x' }
    const restore = { auth: account, delivery: { type: 'pull', ...login, privateKeyFile: 'id' } }
    const whole = { ...site, route: { ...route, password: 'x' }, restore }
    const text = await readSiteFile(await write(whole))
    const delivery = { type: 'pull', ...login, privateKey: key }
    expect(JSON.parse(text)).toEqual({ ...whole, restore: { auth: account, delivery } })
  })

  it('may name a JSON Schema, which goes no further', async () => {
    const whole = { ...site, route: { ...route, privateKey: key } }
    const text = await readSiteFile(await write({ $schema: './schemas/site.schema.json', ...whole }))
    expect(JSON.parse(text)).toEqual(whole)
  })

  it.each([
    ['{"auth": {"secret": "very-secret"', /is not valid JSON/],
    [{ ...site, route: { ...route, privateKeyFile: 'missing' } }, /private key .*missing can't be read/],
    [{ ...site, route: { ...route, privateKey: key, privateKeyFile: 'id' } }, /in place of route\.privateKey/],
    [
      {
        ...site,
        route: { ...route, password: 'x' },
        restore: { auth: site.auth, delivery: { ...route, privateKey: key, privateKeyFile: 'id' } },
      },
      /restore\.delivery\.privateKeyFile names a file, and stands in place of restore\.delivery\.privateKey/,
    ],
    [
      {
        ...site,
        route: { ...route, password: 'x' },
        restore: { auth: {}, delivery: { ...route, type: 'https', password: 'x' } },
      },
      /restore\.auth.*restore\.delivery/s,
    ],
    [{ ...site, route }, /either privateKey or password/],
    [{ ...site, endpoints: ['http://pve1:8006'], route: { ...route, password: 'x' } }, /endpoints/],
    [
      { ...site, tls: { mode: 'fingerprint', fingerprints: ['AB:CD'] }, route: { ...route, password: 'x' } },
      /32 hex bytes/,
    ],
    [{ ...site, extra: 1, route: { ...route, password: 'x' } }, /extra/],
    [{ ...site, endpoint: [], route: { ...route, password: 'x' } }, /Did you mean "endpoints"/],
  ])('refuses %j without repeating a secret', async (content, message) => {
    const error = await readSiteFile(await write(content)).catch((problem: unknown) => problem as Error)
    expect(error).toMatchObject({ name: 'InvalidSite', message: expect.stringMatching(message) })
    expect(String(error)).not.toContain('very-secret')
  })

  it('says which file it could not read', async () => {
    await expect(readSiteFile(join(folder, 'nowhere.json'))).rejects.toThrow(/nowhere\.json/)
  })
})

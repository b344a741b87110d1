import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { crc32 } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createS3Client } from '../../../../functions/aws/s3-client.ts'
import { noteRehearsal } from '../../../../functions/operations/books/rehearsals.ts'
import { S3ArchiveStore } from '../../../../functions/aws/s3-archive-store.ts'
import { archiveFolder, lastCoverageKey, manifestKey } from '../../../../functions/domain/books/object-keys.ts'
import { listPrices } from '../../../../functions/domain/prices/list-prices.ts'
import type { Guest } from '../../../../functions/contracts/nouns.ts'
import { type S3Server, startS3 } from '../../../../local/s3/server.ts'
import { evidenceOf } from '../../../fakes/drill-evidence.ts'
import { manifestOf } from '../../../fakes/manifest.ts'
import { guestlift as run, type Ended } from '../command-line.ts'

const bin = fileURLToPath(new URL('../../../../bin/guestlift.ts', import.meta.url))
const prefix = 'vault/'
const web: Guest = { id: '100', kind: 'vm', name: 'web', node: 'pve1' }
const db: Guest = { id: '101', kind: 'container', name: "db's", node: 'pve2' }

let directory: string
let server: S3Server
let store: S3ArchiveStore
const aws = { AWS_ACCESS_KEY_ID: 'key', AWS_SECRET_ACCESS_KEY: 'secret', AWS_REGION: 'us-east-1' }

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'guestlift-catalogue-'))
  server = await startS3({ directory, accessKeyId: 'key', secretAccessKey: 'secret', buckets: ['archives'] })
  const client = createS3Client({
    endpoint: server.url,
    region: 'us-east-1',
    credentials: { accessKeyId: 'key', secretAccessKey: 'secret' },
  })
  store = new S3ArchiveStore(client, 'archives', { sleep: async () => undefined, random: () => 0 })
  await put(web, '2026-11-20T02:00:00.000Z', 'weekly, before the upgrade')
  await put(web, '2026-11-21T02:00:00.000Z')
  await put(db, '2026-11-21T02:10:00.000Z')
})
afterAll(async () => {
  await server.close()
  await rm(directory, { recursive: true, force: true })
})

async function put(
  guest: Guest,
  createdAt: string,
  notes?: string,
  writtenAt = createdAt,
  site = 'hq',
): Promise<string> {
  const folder = archiveFolder(prefix, site, guest, createdAt)
  const manifest = { ...manifestOf(createdAt, [4], guest), writtenAt, site }
  const fileName = `vzdump-${guest.kind === 'vm' ? 'qemu' : 'lxc'}-${guest.id}.zst`
  const artifacts = manifest.artifacts.map((artifact) => ({ ...artifact, fileName, key: `${folder}${fileName}` }))
  const evidence = { ...manifest.evidence, ...(notes === undefined ? {} : { notes }) }
  const uploadId = await store.createUpload(`${folder}${fileName}`)
  const body = Buffer.from('vmaz')
  const part = await store.putPart(`${folder}${fileName}`, uploadId, 1, body, crc32(body))
  await store.completeUpload(`${folder}${fileName}`, uploadId, [part], crc32(body))
  await store.writeText(manifestKey(folder), JSON.stringify({ ...manifest, artifacts, evidence }))
  return folder
}

/** What the last check of a site's coverage kept: it was just now, and a schedule runs each hour. */
async function noteCoverage(site: string, of100: { chosenBy: string[] }): Promise<void> {
  const golden = await readFile(new URL('../../../golden/coverage-report/rehearsal.json', import.meta.url), 'utf8')
  const report = JSON.parse(golden) as { guests: object[] }
  const guests = [{ ...report.guests[0], guest: { kind: 'vm', id: '100' }, ...of100 }]
  const schedules = [{ name: 'hourly', everyHours: 1 }]
  const text = JSON.stringify({ ...report, site, guests, schedules, judgedAt: new Date().toISOString() })
  await store.writeText(lastCoverageKey(prefix, site), text)
}

function guestlift(...words: string[]): Promise<Ended> {
  const env = { PATH: process.env['PATH'], HOME: directory, NO_COLOR: '1', AWS_EC2_METADATA_DISABLED: 'true', ...aws }
  const where = ['--bucket', 'archives', '--s3', server.url, '--prefix', 'vault']
  return run([...words, ...where], { env })
}

describe('the commands that read the bucket', () => {
  it('list: has a line for each guest, about its newest archive', async () => {
    const { code, out, error } = await guestlift('list')
    expect(code).toBe(0)
    expect(out).toMatch(/^Guest +Name +Newest +Age +Size +Grade +State +Archives$/m)
    expect(out).toMatch(/^hq\/container-101 +db's +2026-11-21 +\d+ (h|d|mo) +1\.\d KiB +\S+ +archived +1$/m)
    expect(out).toMatch(/^hq\/vm-100 +web +2026-11-21 +\d+ (h|d|mo) .* archived +2$/m)
    expect(out).toMatch(/3 archives of 2 guests/)
    // The store isn't AWS.
    expect(error).toBe('Requests: 1 ListObjectsV2, 6 GetObject.\n')
  })

  it('list: shows when the next archive of a guest is due, as far as the last check of coverage knows', async () => {
    await noteCoverage('hq', { chosenBy: ['hourly'] })
    const { out } = await guestlift('list')
    expect(out).toMatch(/ Archives +Next$/m)
    expect(out).toMatch(/^hq\/container-101 .* +1 +-$/m)
    expect(out).toMatch(/^hq\/vm-100 .* +2 +overdue \d+ (h|d|mo)$/m)
    const { archives } = JSON.parse((await guestlift('list', '--json')).out)
    const due = archives.flatMap(({ nextDueAt }: { nextDueAt?: string }) => nextDueAt ?? [])
    expect(due).toEqual(['2026-11-21T03:00:00.000Z'])
    expect((await guestlift('list', '--until', '2026-11-21')).out).not.toMatch(/Next/)
  })

  it('list: says of which site nobody knows when archives are due', async () => {
    await store.writeText(lastCoverageKey(prefix, 'hq'), 'scribbled over')
    const { code, out, error } = await guestlift('list')
    expect(out).not.toMatch(/Next/)
    expect(error).toMatch(/^note: When archives of site hq are due is not known\. .*coverage\/hq\.json can't be read/m)
    expect(code).toBe(0)
    await store.remove(lastCoverageKey(prefix, 'hq'))
  })

  it('list and show: say by what an archive is proved, where the store computed no CRC-32', async () => {
    const guest: Guest = { id: '300', kind: 'vm', name: 'odd', node: 'pve1' }
    const folder = await put(guest, '2026-11-20T02:00:00.000Z')
    const manifest = JSON.parse((await store.readText(manifestKey(folder)))?.text ?? '') as { artifacts: object[] }
    for (const [level, word, words] of [
      ['part-checksums', 'part checksums', 'the checksums of its parts'],
      ['read-back', 'read back', 'reading it back'],
      ['full-object-crc', 'archived', 'the CRC-32 that the store computed over the whole object'],
    ] as const) {
      const proof = { level, ...(level === 'full-object-crc' ? {} : { etag: 'abc' }) }
      const artifacts = manifest.artifacts.map((artifact) => ({ ...artifact, proof }))
      await store.writeText(manifestKey(folder), JSON.stringify({ ...manifest, artifacts }))
      expect((await guestlift('list')).out).toMatch(new RegExp(`^hq/vm-300 +odd .* ${word} +1$`, 'm'))
      expect((await guestlift('list', '300')).out).toMatch(
        level === 'full-object-crc' ? /archived / : `archived, ${word}`,
      )
      expect((await guestlift('show', 'hq/vm-300')).out).toMatch(new RegExp(`^Proved by +${words}$`, 'm'))
    }
    for (const key of await store.listKeys(folder)) await store.remove(key)
  })

  it('list: narrows down by state, and shows what a guest has', async () => {
    expect((await guestlift('list', '--state', 'broken')).code).toBe(1)
    expect((await guestlift('list', '--state', 'whole', 'unverified')).out).toMatch(/2 guests/)
    const { archives } = JSON.parse((await guestlift('list', '--state', 'verified', '--json')).out)
    expect(archives).toEqual([])
    expect((await guestlift('list', 'web')).out).toMatch(/2026-11-20 02:00:00Z/)
    expect((await guestlift('list', '--state', 'fine')).code).toBe(64)
  })

  it('list --archives: tells all archives guest by guest, newest first, and what the reading took', async () => {
    const { code, out, error } = await guestlift('list', '--archives', '--details')
    expect(code).toBe(0)
    expect(out).toMatch(/hq {2}container 101 {2}db's.*1 archive,/)
    expect(out).toMatch(
      /hq {2}vm 100 {2}web.*2 archives,[^\n]*\n {2}2026-11-21 02:00:00Z .*\n {2}2026-11-20 02:00:00Z .*archived .*not verified .*before the upgrade/,
    )
    expect(out).toMatch(/3 archives of 2 guests/)
    expect(error).toMatch(/Requests: 1 ListObjectsV2, 5 GetObject; on AWS \$0\.00001 in STANDARD, without transfer and/)
  })

  it('list: narrows down, and says with exit code 1 that nothing was found', async () => {
    const { out } = await guestlift('list', '--guest', '100', '--until', '2026-11-20', '--json')
    const { archives } = JSON.parse(out) as { archives: { createdAt: string }[] }
    expect(archives.map(({ createdAt }) => createdAt)).toEqual(['2026-11-20T02:00:00.000Z'])
    expect(await guestlift('list', '--until', '2020-01-01')).toMatchObject({ code: 1 })
    expect(await guestlift('list', '--site', 'elsewhere')).toMatchObject({
      code: 64,
      error: expect.stringMatching(/nothing of a site elsewhere. It knows: hq./),
    })
    expect(await guestlift('list', '--since', 'someday')).toMatchObject({ code: 64 })
  })

  it.each([
    ['web', 2],
    ['"before the upgrade" weekly', 1],
    ['2026-11-21', 2],
    ['101', 1],
    ['10', 0],
    ['WE? 2026-11', 2],
  ])('search %s finds %d', async (text, count) => {
    const { code, out } = await guestlift('search', text, '--json')
    const { archives } = JSON.parse(out) as { archives: object[] }
    expect(archives).toHaveLength(count)
    expect(code).toBe(count === 0 ? 1 : 0)
  })

  it.each(['100', 'vm-100', 'hq/vm-100', 'Web'])(
    'show %s: the newest in full, and the commands that restore it',
    async (what) => {
      const { code, out } = await guestlift('show', what)
      expect(code).toBe(0)
      expect(out).toMatch(/Archive +s3:\/\/archives\/vault\/archives\/hq\/vm-100\/2026-11-21T02-00-00Z\//)
      expect(out).toContain('CRC32:')
      expect(out).toContain(
        `aws s3 cp s3://archives/vault/archives/hq/vm-100/2026-11-21T02-00-00Z/vzdump-qemu-100.zst /var/lib/vz/dump/vzdump-qemu-100.zst --endpoint-url ${server.url}`,
      )
      expect(out).toContain('qmrestore /var/lib/vz/dump/vzdump-qemu-100.zst 100')
      expect(out).toContain(
        `guestlift restore s3://archives/vault/archives/hq/vm-100/2026-11-21T02-00-00Z/ --site hq --local --site-file <file> --bucket archives --s3 ${server.url} --prefix vault\n`,
      )
    },
  )

  it('show: what restoring it costs, to where and by whose prices, and what is not in that', async () => {
    expect((await guestlift('show', '100')).out).not.toMatch(/Restoring/)
    const { out } = await guestlift('show', '100', '--details')
    expect(out).toMatch(/^Restoring 4 B of STANDARD once to internet: less than \$0\.01$/m)
    expect(out).toMatch(/^ +not in it: the 100 GB a month/m)
    expect(out).toMatch(/^ +prices: us-east-1, 2026-/m)
    const own = structuredClone(listPrices)
    own.transferOut['direct-connect'] = [{ dollarsPerGiB: 2 ** 28 }]
    await writeFile(join(directory, 'own.json'), JSON.stringify(own))
    const words = ['--prices', join(directory, 'own.json'), '--destination', 'direct-connect', '--json']
    const told = JSON.parse((await guestlift('show', '100', ...words)).out) as { guests: unknown[] }
    expect(told.guests[0]).toMatchObject({
      restorePrice: {
        storageClass: 'STANDARD',
        sizeBytes: 4,
        objects: 1,
        ways: [{ tier: 'immediate', mostDollars: 1 }],
      },
    })
    expect(await guestlift('show', '100', '--destination', 'moon')).toMatchObject({ code: 64 })
  })

  it('show: when the guest was rehearsed last, that it never was, and that nobody can tell', async () => {
    const row = async () => /^Rehearsed +(.*)$/m.exec((await guestlift('show', '100')).out)?.[1]
    const book = `${prefix}drills/sites/hq.json`
    expect(await row()).toBe('never')
    const ports = { store, keyPrefix: prefix }
    await noteRehearsal(evidenceOf('drill-1'), `${prefix}drills/2026/11/20/drill-1.json`, ports)
    expect(await row()).toBe('rehearsed 2026-11-20, 4 m 05 s, archive of 2026-11-19')
    const told = JSON.parse((await guestlift('show', '100', '--json')).out) as { guests: unknown[] }
    expect(told.guests).toMatchObject([{ rehearsal: { last: { passed: true, totalSeconds: 245 } } }])
    const failed = { passed: false, endedAt: '2026-11-21T02:05:00.000Z', summary: 'Drill failed: it did not start.' }
    await noteRehearsal(evidenceOf('drill-2', failed), `${prefix}drills/2026/11/21/drill-2.json`, ports)
    expect(await row()).toBe(
      'REHEARSAL FAILED 2026-11-21, 4 m 05 s, archive of 2026-11-19. Drill failed: it did not start. The last that passed: 2026-11-20.',
    )
    await store.writeText(book, '<html></html>')
    expect(await row()).toMatch(/^When guests of site hq were rehearsed is not known\. The .* can't be read/)
    await store.remove(book)
  })

  it('show --at: when that archive was rehearsed, and not another one of its guest', async () => {
    const row = async (...words: string[]) => /^Rehearsed +(.*)$/m.exec((await guestlift('show', ...words)).out)?.[1]
    const at = (createdAt: string) => ({ archive: { ...evidenceOf('x').archive, createdAt } })
    const put = async (id: string, changes: object) => {
      const evidence = evidenceOf(id, changes)
      const key = `${prefix}drills/${evidence.startedAt.slice(0, 10).replaceAll('-', '/')}/${id}.json`
      await store.writeText(key, JSON.stringify(evidence))
      await noteRehearsal(evidence, key, { store, keyPrefix: prefix })
      return key
    }
    const [old, young] = ['2026-11-20T02:00:00.000Z', '2026-11-21T02:00:00.000Z']
    const keys = [
      await put('first', { ...at(old), startedAt: '2026-11-20T05:00:00.000Z', endedAt: '2026-11-20T05:01:00.000Z' }),
      await put('other', {
        ...at(old),
        startedAt: '2026-11-20T06:00:00.000Z',
        guest: { kind: 'vm', id: '777', name: 'x' },
      }),
      await put('second', { ...at(young), startedAt: '2026-11-22T05:00:00.000Z', endedAt: '2026-11-22T05:01:00.000Z' }),
    ]
    expect(await row('100')).toBe('rehearsed 2026-11-22, 4 m 05 s, archive of 2026-11-21')
    expect(await row('100', '--at', '2026-11-20')).toBe('rehearsed 2026-11-20, 4 m 05 s, archive of 2026-11-20')
    expect(await row('100', '--at', '2026-11-21')).toBe('rehearsed 2026-11-22, 4 m 05 s, archive of 2026-11-21')
    expect(await row('vault/archives/hq/vm-100/2026-11-20T02-00-00Z/')).toMatch(/^rehearsed 2026-11-20, /)
    const { guests } = JSON.parse((await guestlift('show', '100', '--at', '2026-11-20', '--json')).out)
    expect(guests).toMatchObject([{ rehearsal: { last: { archiveCreatedAt: old } } }])
    await store.remove(keys[0] ?? '')
    expect(await row('100', '--at', '2026-11-20')).toBe(
      'never this archive; its guest was rehearsed 2026-11-22, 4 m 05 s, archive of 2026-11-21',
    )
    expect(await row('101', '--at', '2026-11-21')).toBe('never')
    for (const key of [...keys, `${prefix}drills/sites/hq.json`]) await store.remove(key)
  })

  it('show <key>: that archive, whichever of its files the key names', async () => {
    const { out } = await guestlift('show', 's3://archives/vault/archives/hq/vm-100/2026-11-20T02-00-00Z/manifest.json')
    expect(out).toContain('2026-11-20T02-00-00Z')
    expect(out).not.toContain('2026-11-21T02-00-00Z')
    expect(await guestlift('show', 'nobody')).toMatchObject({ code: 1 })
  })

  it('list <guest or key>: only what it names, with the same words as show', async () => {
    for (const [what, count] of [
      ['hq/vm-100', 2],
      ['WEB', 2],
      ['archives/hq/vm-100/2026-11-20T02-00-00Z/', 0],
      ['vault/archives/hq/vm-100/2026-11-20T02-00-00Z/', 1],
    ] as const) {
      const { code, out } = await guestlift('list', what, '--json')
      expect((JSON.parse(out) as { archives: object[] }).archives).toHaveLength(count)
      expect(code).toBe(count === 0 ? 1 : 0)
    }
    expect(await guestlift('list', 'web', '--guest', '100')).toMatchObject({ code: 64 })
    expect(await guestlift('list', 's3://elsewhere/vault/archives/hq/vm-100/2026-11-20T02-00-00Z/')).toMatchObject({
      code: 64,
      error: expect.stringMatching(/is not in the bucket archives: name one of them/),
    })
  })

  it('show --at: the newest archive on or before a day or an instant', async () => {
    for (const at of ['2026-11-20', '2026-11-21T01:59:59Z']) {
      const { code, out } = await guestlift('show', 'web', '--at', at)
      expect(code).toBe(0)
      expect(out).toMatch(/^Archive +s3:\/\/archives\/vault\/archives\/hq\/vm-100\/2026-11-20T02-00-00Z\//m)
    }
    expect(await guestlift('show', 'web', '--at', '2026-11-19')).toMatchObject({
      code: 1,
      out: expect.stringMatching(/is called web, or it was not archived by 2026-11-19 23:59:59Z/),
    })
    expect(await guestlift('show', 's3://elsewhere/vault/archives/hq/vm-100/2026-11-20T02-00-00Z/')).toMatchObject({
      code: 1,
      error: expect.stringMatching(/is not in the bucket archives/),
    })
  })

  it('catalog page: writes one whole file, and leaves none when it fails', async () => {
    const file = join(directory, 'page.html')
    const { code, out } = await guestlift('catalog', 'page', '--out', file)
    expect(code).toBe(0)
    expect(out).toMatch(/page\.html: 3 archives of 2 guests/)
    const page = await readFile(file, 'utf8')
    expect(page).toMatch(/^<!doctype html>[^]*<\/html>\n$/)
    expect(page).toContain(`"name":"db's"`)
    const failed = await guestlift('catalog', 'page', '--out', join(directory, 'nowhere', 'page.html'))
    expect(failed.code).toBe(1)
    expect(failed.error).toMatch(/^guestlift: The page can't be written to .*ENOENT[^\n]*\n$/)
    expect((await readdir(directory)).filter((name) => name.includes('page'))).toEqual(['page.html'])
  })

  it('ends quietly when nobody reads on', async () => {
    const words = ['list', '--bucket', 'archives', '--s3', server.url, '--prefix', 'vault', '--json']
    const child = spawn(process.execPath, [bin, ...words], { env: { PATH: process.env['PATH'], ...aws } })
    child.stdout.destroy()
    let error = ''
    child.stderr.on('data', (chunk: Buffer) => (error += chunk.toString()))
    const [code]: unknown[] = await once(child, 'close')
    expect({ code, error }).toEqual({ code: 0, error: '' })
  })

  it('catalog rebuild: from then on the manifests need not be read, and an old index misleads nobody', async () => {
    expect((await guestlift('catalog', 'rebuild')).out).toMatch(/2 index objects written/)
    const before = await guestlift('list', '--archives')
    expect(before.error).toMatch(/1 ListObjectsV2, 2 GetObject/)
    const folder = await put(web, '2026-11-22T02:00:00.000Z')
    await store.remove(manifestKey(archiveFolder(prefix, 'hq', db, '2026-11-21T02:10:00.000Z')))
    const { code, out, error } = await guestlift('list', '--archives')
    expect(code).toBe(2)
    expect(out).toMatch(/INCOMPLETE.*no manifest/)
    expect(out).toMatch(/2026-11-22 02:00:00Z/)
    expect(error).toMatch(/1 ListObjectsV2, 3 GetObject/)
    await store.remove(manifestKey(folder))
    const shown = await guestlift('show', '100')
    // The newest is broken: the one before it is shown, and the exit code says so.
    expect(shown.code).toBe(2)
    expect(shown.out).toMatch(/Archive +\S+2026-11-21T02-00-00Z/)
  })

  describe('of an id that was given again', () => {
    const payroll: Guest = { id: '700', kind: 'vm', name: 'payroll-db', node: 'pve1', identity: { id: 'smbios:1' } }
    const scratch: Guest = { ...payroll, name: 'scratch', identity: { id: 'smbios:2' } }
    const site = ['--site', 'branch']

    beforeAll(async () => {
      for (const day of ['20', '21'])
        await put(payroll, `2026-10-${day}T02:00:00.000Z`, 'accounts', undefined, 'branch')
      // The clock of its node was five years ahead.
      await put(scratch, '2031-11-01T02:00:00.000Z', undefined, '2026-11-01T02:10:00.000Z', 'branch')
    })

    it('list and search: keep the guests apart, and tell both times where they differ', async () => {
      const { out } = await guestlift('list', '--archives', ...site)
      expect(out).toMatch(
        /vm 700 {2}scratch {2}1 archive,.*\n {2}2031-11-01 02:00:00Z by its platform, really 2026-11-01 02:10:00Z .*\nbranch {2}vm 700 {2}payroll-db {2}\(another guest that had this id\) {2}2 archives,/,
      )
      expect(out).toMatch(/3 archives of 2 guests/)
      const json = async (...words: string[]) =>
        (JSON.parse((await guestlift(...words, ...site, '--json')).out) as { archives: object[] }).archives
      expect(await json('list', '--until', '2026-10-20')).toMatchObject([{ formerGuest: 'payroll-db' }])
      expect(await json('search', 'accounts')).toMatchObject([
        { formerGuest: 'payroll-db', facts: { identity: { id: 'smbios:1' } } },
        { formerGuest: 'payroll-db' },
      ])
      expect(await json('search', 'scratch')).toMatchObject([{ at: '2026-11-01T02:10:00.000Z' }])
    })

    it('show: a guest by an id that is no number', async () => {
      const guest = { id: '0f8fad5b-d9cb', kind: 'vm', name: 'files', node: 'n1' } as const
      await put(guest, '2026-11-01T02:00:00.000Z', undefined, undefined, 'third')
      for (const what of ['0F8FAD5B-D9CB', 'vm-0f8fad5b-d9cb', 'third/0f8fad5b-d9cb', 'third/vm-0f8fad5b-d9cb']) {
        const { code, out } = await guestlift('show', what)
        expect(out).toMatch(/Guest +third, vm 0f8fad5b-d9cb files, on n1\n/)
        expect(code).toBe(0)
      }
      expect(await guestlift('show', 'third/container-0f8fad5b-d9cb')).toMatchObject({ code: 1 })
    })

    it('show: the guest that has the id in full, and the other one by name or by the address of an archive', async () => {
      const { code, out } = await guestlift('show', 'branch/vm-700')
      expect(code).toBe(0)
      expect(out).toMatch(/Archive +\S+vm-700\/2031-11-01T02-00-00Z\//)
      expect(out).toMatch(/Made +2031-11-01 02:00:00Z by its platform, really 2026-11-01 02:10:00Z\n/)
      expect(out).toMatch(
        /payroll-db {2}\(another guest that had this id\)[^]*To see one in full:\n {2}guestlift show s3:\/\//,
      )
      expect(out.match(/To restore it/g)).toHaveLength(1)
      for (const what of ['payroll-db', 's3://archives/vault/archives/branch/vm-700/2026-10-21T02-00-00Z/']) {
        const shown = await guestlift('show', what)
        expect(shown.code).toBe(0)
        expect(shown.out).toMatch(/Guest +branch, vm 700 payroll-db, on pve1 \(another guest that had this id\)\n/)
        expect(shown.out).toMatch(/Archive +\S+2026-10-21T02-00-00Z\//)
        expect(shown.out).not.toContain('scratch')
      }
    })
  })
})

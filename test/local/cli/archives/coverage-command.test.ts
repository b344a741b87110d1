import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createS3Client } from '../../../../functions/aws/s3-client.ts'
import { S3ArchiveStore } from '../../../../functions/aws/s3-archive-store.ts'
import type { Guest } from '../../../../functions/contracts/nouns.ts'
import { archiveFolder, manifestKey } from '../../../../functions/domain/books/object-keys.ts'
import { type Lab, startLab } from '../../../../local/labs/proxmox/lab.ts'
import { type S3Server, startS3 } from '../../../../local/s3/server.ts'
import { manifestOf } from '../../../fakes/manifest.ts'
import { guestlift } from '../command-line.ts'

let directory: string
let lab: Lab
let server: S3Server
let put: (guest: Guest, createdAt: string, writtenAt?: string) => Promise<void>
const hoursAgo = (hours: number) => new Date(Date.now() - hours * 3_600_000).toISOString()
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'guestlift-coverage-'))
  lab = await startLab({
    directory: join(directory, 'lab'),
    unauthorizedDelaySeconds: 0,
    guests: [
      { vmid: 100, kind: 'qemu', name: 'web', disks: [{ key: 'scsi0', sizeBytes: 2 ** 20 }] },
      { vmid: 101, kind: 'lxc', name: 'db', dataBytes: 2 ** 20 },
      { vmid: 102, kind: 'lxc', name: 'scratch', tags: 'guestlift-parked', dataBytes: 2 ** 20 },
      { vmid: 900, kind: 'qemu', name: 'golden', template: true, status: 'stopped' },
    ],
  })
  await writeFile(join(directory, 'hq.json'), JSON.stringify(lab.site()))
  server = await startS3({
    directory: join(directory, 's3'),
    accessKeyId: 'key',
    secretAccessKey: 'secret',
    buckets: ['archives'],
  })
  const credentials = { accessKeyId: 'key', secretAccessKey: 'secret' }
  const client = createS3Client({ endpoint: server.url, region: 'us-east-1', credentials })
  const store = new S3ArchiveStore(client, 'archives', { sleep: async () => undefined, random: () => 0 })
  put = async (guest, createdAt, writtenAt = createdAt) => {
    const folder = archiveFolder('', 'hq', guest, createdAt)
    const manifest = { ...manifestOf(createdAt, [4], guest), writtenAt }
    for (const { fileName } of manifest.artifacts) await store.writeText(`${folder}${fileName}`, 'vmaz')
    await store.writeText(manifestKey(folder), JSON.stringify(manifest))
  }
  await put({ id: '100', kind: 'vm', name: 'web', node: 'pve1' }, hoursAgo(3))
  await put({ id: '100', kind: 'container', name: 'former', node: 'pve1' }, hoursAgo(500))
})
afterAll(async () => {
  await server.close()
  await lab.close()
  await rm(directory, { recursive: true, force: true })
})

function coverage(...words: string[]): Promise<{ code: number; out: string; error: string }> {
  const env = {
    PATH: process.env['PATH'],
    NO_COLOR: '1',
    AWS_ACCESS_KEY_ID: 'key',
    AWS_SECRET_ACCESS_KEY: 'secret',
    AWS_REGION: 'us-east-1',
  }
  const where = ['coverage', '--bucket', 'archives', '--s3', server.url]
  return guestlift([...where, ...words], { cwd: directory, env })
}

interface Told {
  guests: { guest: { kind: string; id: string }; state: string }[]
  unknown: string[]
}

const statesIn = (out: string) =>
  Object.fromEntries((JSON.parse(out) as Told).guests.map(({ guest, state }) => [`${guest.kind} ${guest.id}`, state]))

describe('guestlift coverage', () => {
  it('tells guests of the site that were never archived, parked, templates, gone; and fails', async () => {
    const { code, out, error } = await coverage('--site-file', 'hq.json', '--json')
    expect(error).toBe('')
    expect(statesIn(out)).toEqual({
      'vm 100': 'covered',
      'container 100': 'absent',
      'container 101': 'never',
      'container 102': 'parked',
      'vm 900': 'parked',
    })
    expect(code).toBe(1)
  })

  it('succeeds once the rest is parked, and prints a table', async () => {
    const { code, out } = await coverage('--site-file', 'hq.json', '--parked', '101')
    expect(out).toMatch(/covered +hq +vm 100 +web +\d{4}-/)
    expect(out).toMatch(/5 guests, to be archived within 30 hours: 1 covered, 3 parked, 1 absent\./)
    expect(code).toBe(0)
  })

  it('judges by the schedule that is told', async () => {
    const { code, out } = await coverage('--site-file', 'hq.json', '--parked', '101', '--every', '1h', '--json')
    expect(statesIn(out)['vm 100']).toBe('stale')
    expect(code).toBe(1)
  })

  it('tells guests that the job leaves out, though nobody fails for it', async () => {
    await writeFile(join(directory, 'job.json'), JSON.stringify({ site: 'hq', guests: { vmids: [101] } }))
    const words = ['--site-file', 'hq.json', '--job', 'job.json', '--parked', '101']
    const { code, out } = await coverage(...words)
    expect(out).toMatch(/covered +hq +vm 100 .*No schedule chooses it\./)
    expect(code).toBe(0)
    const chosen = JSON.parse((await coverage('--site-file', 'hq.json', '--job', 'job.json', '--json')).out) as Told
    expect(chosen.guests.find(({ guest }) => guest.id === '101')).toMatchObject({
      state: 'never',
      chosenBy: ['job.json'],
    })
  })

  it.each([
    [['--job', 'job.json'], /--job needs --site-file/],
    [['--deployment', 'example'], /either --bucket <name> or --deployment <name>/],
  ])('refuses %j', async (words, complaint) => {
    expect(await coverage(...words)).toMatchObject({ code: 64, error: expect.stringMatching(complaint) })
  })

  it('without the site says what it cannot know, and takes what is gone for stale', async () => {
    const { code, out } = await coverage('--json')
    expect(statesIn(out)).toEqual({ 'vm 100': 'covered', 'container 100': 'stale' })
    expect((JSON.parse(out) as Told).unknown).toHaveLength(1)
    expect(code).toBe(1)
  })

  it('calls no guest covered by the archive of another one that had its id, or by one of the future', async () => {
    const former = { id: '101', kind: 'container', name: 'payroll-db', node: 'pve1' } as const
    await put({ ...former, identity: { id: 'hwaddr:aa:aa:aa:aa:aa:aa' } }, hoursAgo(2))
    await put({ id: '100', kind: 'vm', name: 'web', node: 'pve1' }, '2099-01-01T00:00:00.000Z', hoursAgo(1))
    const { code, out } = await coverage('--site-file', 'hq.json')
    expect(out).toMatch(
      /never +hq +container 101 +db +no archive +It was never archived\. The archives are of another guest that had this id \(payroll-db, last archived \d{4}-\d\d-\d\d\)\./,
    )
    expect(out).toMatch(
      /misdated +hq +vm 100 +web +\S+ \S+ \(dated 2099-01-01 00:00:00Z\).*The newest archive is dated in the/,
    )
    expect(code).toBe(1)
  })

  it("takes the site's name from the file itself, wherever the file lies", async () => {
    await writeFile(join(directory, 'site.json'), JSON.stringify({ ...lab.site(), name: 'hq' }))
    const { out } = await coverage('--site-file', join(directory, 'site.json'), '--json')
    const { guests } = JSON.parse(out) as { guests: { guest: { id: string; kind: string }; archives: number }[] }
    expect(guests.find(({ guest }) => guest.id === '100' && guest.kind === 'vm')?.archives).toBeGreaterThan(0)
  })

  it('does not report every guest as never archived because a file is called otherwise than its site', async () => {
    await writeFile(join(directory, 'site-of-mine.json'), JSON.stringify(lab.site()))
    const { code, out, error } = await coverage('--site-file', join(directory, 'site-of-mine.json'))
    expect({ code, out }).toEqual({ code: 64, out: '' })
    expect(error).toMatch(/holds nothing of a site site-of-mine\. It knows: hq\. .*--site.*"name" in the file/)
  })
})

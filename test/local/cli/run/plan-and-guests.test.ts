import { evidenceOf } from '../../../functions/providers/gathered.ts'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { CreateBucketCommand, PutObjectCommand } from '@aws-sdk/client-s3'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createS3Client } from '../../../../functions/aws/s3-client.ts'
import { archiveFolder, manifestKey } from '../../../../functions/domain/books/object-keys.ts'
import { jobSchema } from '../../../../functions/contracts/job.ts'
import type { ForeseenRun } from '../../../../functions/operations/foresight/foresee-run.ts'
import { proxmoxSiteSchema } from '../../../../functions/providers/proxmox/config.ts'
import { openProxmox } from '../../../../functions/providers/proxmox/provider.ts'
import type { ToldGuest } from '../../../../local/cli/print/print-guests.ts'
import { startS3 } from '../../../../local/s3/server.ts'
import { manifestOf } from '../../../fakes/manifest.ts'
import { type Lab, startLab } from '../../../../local/labs/proxmox/lab.ts'
import { guestlift as run, type Ended } from '../command-line.ts'

const MIB = 2 ** 20

let directory: string
let lab: Lab
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'guestlift-plan-'))
  lab = await startLab({
    directory: join(directory, 'lab'),
    secondsPerDump: 0,
    unauthorizedDelaySeconds: 0,
    guests: [
      {
        vmid: 100,
        kind: 'qemu',
        name: 'web01',
        tags: 'prod;web',
        disks: [
          { key: 'scsi0', sizeBytes: 2 * MIB },
          { key: 'scsi1', sizeBytes: 64 * MIB, backup: false },
        ],
      },
      { vmid: 101, kind: 'lxc', name: 'db01', tags: 'prod', dataBytes: MIB, haState: 'started' },
      { vmid: 102, kind: 'lxc', name: 'busy', lock: 'rollback', node: 'pve2' },
      { vmid: 900, kind: 'qemu', name: 'golden', template: true, status: 'stopped' },
    ],
  })
  await writeFile(join(directory, 'hq.json'), JSON.stringify(lab.site()))
})
afterAll(async () => {
  await lab.close()
  await rm(directory, { recursive: true, force: true })
})

/** Without colours, and without anything of AWS. */
const environment = {
  PATH: process.env['PATH'],
  HOME: process.env['HOME'],
  NO_COLOR: '1',
  AWS_EC2_METADATA_DISABLED: 'true',
}

function guestlift(words: readonly string[], aws: Record<string, string> = {}): Promise<Ended> {
  return run(words, { cwd: directory, env: { ...environment, ...aws } })
}

async function planOf(job: object, ...words: string[]) {
  await writeFile(join(directory, 'job.json'), JSON.stringify(job))
  return guestlift(['plan', 'job.json', '--site-file', 'hq.json', ...words])
}

/** Archive guest 101 on its node; the archive's size. */
async function backUp(): Promise<number> {
  const provider = openProxmox('hq', proxmoxSiteSchema.parse(lab.site()), {
    now: () => new Date(),
    sleep: (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds / 10)),
    log: () => undefined,
  })
  const guest = { id: '101', kind: 'container', name: 'db01', node: 'pve1' } as const
  const { backup } = jobSchema.parse({ site: 'hq', guests: { vmids: [101] } })
  const { jobRef } = await provider.start(guest, backup)
  await lab.control.endOfTask(jobRef)
  const { listed } = await evidenceOf(provider, jobRef, guest, 'local')
  await provider.close()
  return listed?.sizeBytes ?? 0
}

/** All that the platform was asked to change since the lab began. */
const orders = () =>
  lab.faults.requests.filter(({ method, path }) => method !== 'GET' && !path.endsWith('/access/ticket'))

describe('guestlift plan', () => {
  const everything = { site: 'hq', guests: { all: true, exclude: { tags: ['web'] } }, backup: { storage: 'local' } }

  it('says what would be archived, skipped and left out, and changes nothing', async () => {
    const { code, out } = await planOf(everything)
    expect(code).toBe(0)
    expect(out).toMatch(/^Site hq \(version 9\.\d+\.\d+\): all guests except those with tag web, mode snapshot/)
    expect(out).toMatch(/^Would be archived \(1\)\n +101 +db01 +container +pve1 +running +≤ 4\.0 GiB +at most/m)
    expect(out).toMatch(
      /^Would be skipped \(1\)\n +102 +busy +pve2 +Site hq, node pve2, guest 102: cannot back it up: the guest is locked \(rollback\)/m,
    )
    expect(out).toMatch(/^Left out \(2\)\n +100 +web01 +pve1 +It is excluded: it has tag web\.\n +900 +golden/m)
    expect(out).toMatch(/^ +local +on pve1 +\S+ \S+ free of .* holds backup, iso, vztmpl$/m)
    expect(out).toMatch(/Nothing was changed\.\n$/)
    expect(orders()).toEqual([])
  })

  it('says which disks a backup would lack', async () => {
    const { out } = await planOf({ ...everything, guests: { vmids: [100] } })
    expect(out).toMatch(/^ +without scsi1 local-lvm:vm-100-disk-1 \(its backup option is off\)$/m)
  })

  it('prints the same as one line of JSON', async () => {
    const { code, out } = await planOf(everything, '--json')
    expect(code).toBe(0)
    expect(out.trimEnd()).not.toContain('\n')
    const plan = JSON.parse(out) as ForeseenRun
    expect(plan.guests.map(({ id, fate }) => [id, fate])).toEqual([
      ['101', 'archive'],
      ['102', 'skip'],
    ])
    expect(plan).toMatchObject({ version: 1, site: 'hq', totals: { archive: 1, skip: 1, fail: 0, leftOut: 2 } })
  })

  it('takes the size from the last archive on the storage', async () => {
    const sizeBytes = await backUp()
    const { out } = await planOf({ ...everything, guests: { vmids: [101] } }, '--json')
    const [guest] = (JSON.parse(out) as ForeseenRun).guests
    expect(guest?.expected).toMatchObject({ from: 'archive-on-storage', sizeBytes })
  })

  it('takes the size from the last archive in the bucket where the storage has none', async () => {
    const keys = { accessKeyId: 'cli', secretAccessKey: 'cli-secret-key' }
    const server = await startS3({ directory: join(directory, 's3'), ...keys })
    const s3 = createS3Client({ endpoint: server.url, region: 'us-east-1', credentials: keys })
    await s3.send(new CreateBucketCommand({ Bucket: 'archives' }))
    const createdAt = '2026-11-20T02:00:00.000Z'
    const guest = { id: '100', kind: 'vm', name: 'web01', node: 'pve1' } as const
    const key = manifestKey(archiveFolder('p/', 'hq', guest, createdAt))
    const manifest = JSON.stringify(manifestOf(createdAt, [12_345], guest))
    await s3.send(new PutObjectCommand({ Bucket: 'archives', Key: key, Body: manifest }))
    await writeFile(join(directory, 'job.json'), JSON.stringify({ ...everything, guests: { vmids: [100] } }))
    const words = ['plan', 'job.json', '--site-file', 'hq.json', '--json', '--bucket', 'archives', '--s3', server.url]
    const aws = { AWS_ACCESS_KEY_ID: keys.accessKeyId, AWS_SECRET_ACCESS_KEY: keys.secretAccessKey }
    const { out } = await guestlift([...words, '--prefix', 'p'], aws)
    s3.destroy()
    await server.close()
    expect((JSON.parse(out) as ForeseenRun).guests[0]?.expected).toMatchObject({
      sizeBytes: 12_345,
      says: 'last archive in the bucket, 2026-11-20, zstd',
    })
  })

  it.each([
    ['nobody is chosen', { site: 'hq', guests: { tags: ['prdo'] } }, /no guest that this account sees fits "prdo"/],
    [
      'nobody is there',
      { site: 'hq', guests: { vmids: [777] } },
      /^Would fail \(1\)\n +777 +Site hq knows no guest 777/m,
    ],
    [
      'the storage takes no backups',
      { site: 'hq', guests: { vmids: [100] }, backup: { storage: 'local-lvm' } },
      /storage local-lvm doesn't take backups, only images, rootdir/,
    ],
    ['a pool is hidden', { site: 'hq', guests: { pools: ['shop'] } }, /missing privilege: Pool\.Audit on \/pool\/shop/],
  ])('exits with 1 when %s', async (_, job, says) => {
    const { code, out } = await planOf(job)
    expect(out).toMatch(says)
    expect(code).toBe(1)
  })

  it('names the field of a malformed job, and leaves with 1', async () => {
    const { code, error } = await planOf({ site: 'hq', guests: { ranges: ['9-1'] } })
    expect(error).toMatch(/job\.json:1:\d+: guests\.ranges\[0\]: a range of ids reads 100-199/)
    expect(code).toBe(1)
  })

  it.each([[[]], [['--site-file', 'hq.json', '--deployment', 'example']]])(
    'refuses %j: one place for the site',
    async (words) => {
      await writeFile(join(directory, 'job.json'), JSON.stringify(everything))
      const { code, error } = await guestlift(['plan', 'job.json', ...words])
      expect(error).toMatch(/either --site-file <file> or --deployment <name>/)
      expect(code).toBe(64)
    },
  )

  it('with a deployment and without AWS settings says that these are missing', async () => {
    await writeFile(join(directory, 'job.json'), JSON.stringify(everything))
    const { code, error } = await guestlift(['plan', 'job.json', '--deployment', 'example'])
    expect(error).toMatch(/AWS settings are missing: .*or give the site with --site-file/)
    expect(code).toBe(1)
  })
})

describe('guestlift guests', () => {
  it('lists all guests with what is known of them', async () => {
    const { code, out } = await guestlift(['guests', '--site-file', 'hq.json'])
    expect(code).toBe(0)
    const lines = out.split('\n')
    expect(lines[0]).toMatch(/^ID +NAME +KIND +NODE +STATE/)
    expect(lines.slice(1, 5).map((line) => line.slice(0, 3))).toEqual(['100', '101', '102', '900'])
    expect(out).toMatch(/^101 .* prod +HA started$/m)
    expect(out).toMatch(/^102 .*locked \(rollback\)$/m)
    expect(out).toMatch(/^900 +golden +vm template/m)
  })

  it.each([
    [
      ['--tag', 'prod'],
      ['100', '101'],
    ],
    [['--tag', 'web,scratch'], ['100']],
    [
      ['--tag', 'web', '--tag', 'prod'],
      ['100', '101'],
    ],
    [['--name', '*01', '--kind', 'container'], ['101']],
    [
      ['--id', '100,102-199'],
      ['100', '102'],
    ],
    [['--node', 'pve2'], ['102']],
    [['--state', 'stopped'], ['900']],
    [
      ['--templates', 'leave-out'],
      ['100', '101', '102'],
    ],
    [['--templates', 'only'], ['900']],
    [['--ha', 'managed'], ['101']],
    [
      ['--exclude-tag', 'prod', '--exclude-kind', 'vm'],
      ['101', '102', '900'],
    ],
  ])('with %j finds %j', async (words, ids) => {
    const { code, out } = await guestlift(['guests', '--site-file', 'hq.json', '--json', ...words])
    expect((JSON.parse(out) as { guests: ToldGuest[] }).guests.map(({ id }) => id)).toEqual(ids)
    expect(code).toBe(0)
  })

  it('tells the disks, and which of them a backup holds', async () => {
    const { out } = await guestlift(['guests', '--site-file', 'hq.json', '--id', '100', '--details'])
    expect(out).toMatch(/^ +\+ scsi0 +2\.0 MiB +local-lvm:vm-100-disk-0 +in the backup$/m)
    expect(out).toMatch(/^ +- scsi1 +64\.0 MiB +local-lvm:vm-100-disk-1 +not in the backup: its backup option is off$/m)
  })

  it('exits with 1 when there is none, and says what fits nobody', async () => {
    const { code, out } = await guestlift(['guests', '--site-file', 'hq.json', '--tag', 'prdo'])
    expect(out).toMatch(/no guest that this account sees fits "prdo"/)
    expect(code).toBe(1)
  })

  it('refuses a filter that can not be, naming it', async () => {
    const { code, error } = await guestlift(['guests', '--site-file', 'hq.json', '--id', '100,5'])
    expect(error).toMatch(/vmids\.1: Too small/)
    expect(code).toBe(64)
  })
})

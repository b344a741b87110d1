/** What commands print in a narrow terminal: no line is wider, except for what is to be copied. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { stripVTControlCharacters } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createS3Client } from '../../../functions/aws/s3-client.ts'
import { S3ArchiveStore } from '../../../functions/aws/s3-archive-store.ts'
import type { Guest } from '../../../functions/contracts/nouns.ts'
import {
  archiveFolder,
  configurationKey,
  lastCoverageKey,
  manifestKey,
} from '../../../functions/domain/books/object-keys.ts'
import { completionTree } from '../../../local/cli/completion/completion-tree.ts'
import { guestliftProgram } from '../../../local/cli/program.ts'
import { listenForStop } from '../../../local/cli/stop-signals.ts'
import { type Lab, startLab } from '../../../local/labs/proxmox/lab.ts'
import { type S3Server, startS3 } from '../../../local/s3/server.ts'
import { compressors, labArchive, putLabArchive } from '../../fakes/lab-archives.ts'
import { manifestOf } from '../../fakes/manifest.ts'
import { guestlift } from './command-line.ts'
import { ownEnvironment, ownKeys } from './own-environment.ts'

const LONG = 'the-database-of-the-shop-in-front-and-of-its-many-warehouses'
const hoursAgo = (hours: number) => new Date(Date.now() - hours * 3_600_000).toISOString()

let directory: string
let lab: Lab
let server: S3Server
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'guestlift-narrow-'))
  lab = await startLab({
    directory: join(directory, 'lab'),
    unauthorizedDelaySeconds: 0,
    guests: [
      {
        vmid: 100,
        kind: 'qemu',
        name: LONG,
        tags: 'prod;accounting;reviewed-by-the-auditors',
        disks: [
          { key: 'scsi0', sizeBytes: 2 ** 21 },
          { key: 'scsi1', sizeBytes: 2 ** 26, backup: false },
        ],
      },
      { vmid: 101, kind: 'lxc', name: 'db', tags: 'prod', dataBytes: 2 ** 20, haState: 'started', lock: 'rollback' },
      { vmid: 102, kind: 'lxc', name: 'scratch', tags: 'guestlift-parked', dataBytes: 2 ** 20 },
      { vmid: 900, kind: 'qemu', name: 'golden', template: true, status: 'stopped' },
    ],
  })
  server = await startS3({ directory: join(directory, 's3'), ...ownKeys, buckets: ['archives'] })
  const client = createS3Client({ endpoint: server.url, region: 'us-east-1', credentials: ownKeys })
  const store = new S3ArchiveStore(client, 'archives', { sleep: async () => undefined, random: () => 0 })
  const put = async (guest: Guest, createdAt: string) => {
    const folder = archiveFolder('', 'hq', guest, createdAt)
    const manifest = { ...manifestOf(createdAt, [4], guest), site: 'hq' }
    const evidence = {
      ...manifest.evidence,
      notes: 'weekly, before the upgrade of the whole cluster to the next release',
    }
    for (const { fileName } of manifest.artifacts) await store.writeText(`${folder}${fileName}`, 'vmaz')
    await store.writeText(manifestKey(folder), JSON.stringify({ ...manifest, evidence }))
  }
  await put({ id: '100', kind: 'vm', name: LONG, node: 'pve1' }, hoursAgo(3))
  await put({ id: '100', kind: 'vm', name: LONG, node: 'pve1' }, hoursAgo(300))
  await put({ id: '777', kind: 'container', name: 'former', node: 'pve1' }, hoursAgo(500))
  await store.writeText(
    `${archiveFolder('', 'hq', { id: '778', kind: 'vm', name: '', node: 'pve1' }, hoursAgo(9))}vzdump-qemu-778.vma.zst`,
    'x',
  )
  for (const kind of ['vm', 'container'] as const) {
    for (const compressor of compressors.slice(0, 1)) await putLabArchive(store, await labArchive(kind, compressor))
  }
  await store.writeText(lastCoverageKey('', 'hq'), 'scribbled over')
  const configuration = JSON.parse(
    await readFile(new URL('../../golden/site-configuration/first.json', import.meta.url), 'utf8'),
  )
  await store.writeText(configurationKey('', 'hq', configuration.takenAt), JSON.stringify(configuration))
  const site = { name: 'hq', ...lab.site() }
  const job = {
    site: 'hq',
    guests: { all: true, exclude: { names: ['golden'] } },
    backup: { storage: 'local' },
    retention: { 'keep-last': 1 },
  }
  await writeFile(join(directory, 'hq.json'), JSON.stringify(site))
  await writeFile(join(directory, 'job.json'), JSON.stringify(job))
})
afterAll(async () => {
  await server.close()
  await lab.close()
  await rm(directory, { recursive: true, force: true })
})

const bucket = () => ['--bucket', 'archives', '--s3', server.url]
const site = ['--site-file', 'hq.json']
const env = () => ownEnvironment(directory, { TZ: 'Asia/Kolkata' })

/** By the words of the command. */
const printed: Record<string, () => string[][]> = {
  list: () => [bucket(), ['--archives', ...bucket()], ['100', ...bucket()]],
  search: () => [['warehouses', ...bucket()]],
  show: () => [['100', '--details', ...bucket()]],
  coverage: () => [bucket(), [...bucket(), ...site], [...bucket(), ...site, '--job', 'job.json', '--rehearsed', '30d']],
  guests: () => [site, [...site, '--details']],
  plan: () => [
    ['job.json', ...site],
    ['job.json', '--details', ...site, ...bucket()],
  ],
  quote: () => [['job.json', '--details', ...site]],
  bill: () => [
    ['--details', ...bucket()],
    ['--job', 'job.json', ...site, ...bucket()],
  ],
  prune: () => [['--job', 'job.json', ...site, ...bucket()]],
  config: () => [[]],
  platforms: () => [[]],
  'exit-codes': () => [[]],
  verify: () => [['--archive', '200', ...bucket()]],
  extract: () => [['archives/hq/vm-100/2026-11-22T02-00-07Z/', '--list', ...bucket()]],
  'backups list': () => [site],
  'backups latest': () => [['100', ...site]],
  'backups prune-preview': () => [['--storage', 'local', '--guest', '100', '--keep-last', '1', ...site]],
  'tasks list': () => [site],
  'site show': () => [['hq', ...bucket()]],
  'site configuration': () => [
    ['hq', ...bucket()],
    ['hq', '--changes', ...bucket()],
  ],
  'unfinished list': () => [bucket()],
  'unfinished adopt': () => [bucket()],
  report: () => [['--from', '2026-11-01', '--every', '24h', ...bucket()]],
}

/**
 * What has no table: sentences, some with a command to be copied (`doctor`); a report, whose lines are folded the same
 * way; or a text for machines.
 */
const others = [
  '',
  'backups',
  'guest',
  'tasks',
  'catalog',
  'site',
  'unfinished',
  'help',
  'run',
  'follow',
  'restore',
  'drill',
  'sweep',
  'doctor',
  'init',
  'demo',
  'completion',
  'prices',
  'metrics',
  'mcp',
  'catalog rebuild',
  'catalog page',
  'site accept',
  'backups notes',
  'backups protect',
  'backups unprotect',
  'backups delete',
  'backups locate',
  'guest status',
  'notify',
  'notify test',
  'guest start',
  'guest stop',
  'guest shutdown',
  'guest suspend',
  'guest resume',
  'tasks log',
  'tasks stop',
  'guest reboot',
  'unfinished remove',
  'archive',
  'archive hold',
  'archive release',
  'archive pin',
  'archive unpin',
  'copies',
]

/** A line that is one word is an address, and `show` prints commands: both are to be copied. */
function tooWide(out: string, columns: number): string[] {
  const copied = /To restore it, on a node:[^]*?With Guestlift, first as a dry run:\n.*\n/g
  return out
    .replaceAll(copied, '')
    .split('\n')
    .filter((line) => line.length > columns && /\S\s+\S/.test(line) && !line.startsWith('  guestlift '))
}

describe.each([80, 60])('in a terminal of %d columns', (columns) => {
  it.each(Object.keys(printed))('%s prints no line that is wider', async (command) => {
    for (const words of printed[command]?.() ?? []) {
      const { out, error } = await guestlift([...command.split(' '), ...words], { cwd: directory, env: env(), columns })
      expect(out, error).not.toBe('')
      expect(tooWide(stripVTControlCharacters(out), columns)).toEqual([])
    }
  })
})

it('every command that prints a table is asked', () => {
  const stop = listenForStop()
  try {
    const all = completionTree(guestliftProgram(stop)).map(({ path }) => path)
    expect(all.filter((path) => !(path in printed) && !others.includes(path))).toEqual([])
    expect(Object.keys(printed).filter((path) => !all.includes(path))).toEqual([])
  } finally {
    stop.release()
  }
})

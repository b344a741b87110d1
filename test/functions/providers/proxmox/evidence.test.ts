import { describe, expect, it } from 'vitest'
import type { Guest } from '../../../../functions/contracts/nouns.ts'
import { PlatformUnavailable } from '../../../../functions/contracts/errors.ts'
import type { ApiClient } from '../../../../functions/providers/proxmox/client.ts'
import { NoSuchTask, NoSuchVolume } from '../../../../functions/providers/proxmox/errors.ts'
import { gatherEvidence } from '../../../../functions/providers/proxmox/evidence.ts'
import { parseUpid } from '../../../../functions/providers/proxmox/identifiers.ts'
import type { TaskReader, TaskState } from '../../../../functions/providers/proxmox/tasks.ts'

const REF = 'UPID:pve1:0000ABCD:00001234:6921A1C5:vzdump:100:backup@pve!client:'
const upid = parseUpid(REF)
if (upid === undefined) throw new Error('it is none')
const job = { ref: REF, upid }
const guest = { id: '100', kind: 'vm', name: 'web', node: 'pve2' } as const
const name = 'vzdump-qemu-100-2026_11_22-17_34_51.vma.zst'
const volid = `nas:backup/${name}`
const list = '/nodes/pve1/storage/nas/content?content=backup&vmid=100'
const volume = `/nodes/pve1/storage/nas/content/${encodeURIComponent(volid)}`
const head = [
  'INFO: starting new backup job: vzdump 100 --mode snapshot --storage nas',
  'INFO: Starting Backup of VM 100 (qemu)',
]
const creating = `INFO: creating vzdump archive '/mnt/pve/nas/dump/${name}'`
const good = [
  ...head,
  'INFO: Backup started at 2026-11-22 17:34:51',
  'INFO: backup mode: snapshot',
  creating,
  'INFO: transferred 1.00 GiB in 3 seconds',
  'INFO: archive file size: 1.23GB',
  'INFO: Finished Backup of VM 100 (00:00:03)',
  'INFO: Backup job finished successfully',
  'TASK OK',
]
const row = { volid, size: 1000, ctime: upid.startTime + 7 }

interface Site {
  state?: TaskState | Error
  /** What each reading finds; the last one for all that follow. */
  logs?: (readonly string[] | Error)[]
  rows?: (typeof row)[][]
  about?: { path: string; notes?: string } | Error
  permissions?: unknown
}

function open(its: Site = {}, of: Guest = guest) {
  const { state = { running: false, exitStatus: 'OK' }, logs = [good], rows = [[row]] } = its
  const { about = { path: '/mnt/pve/nas/dump/x' }, permissions = {} } = its
  const asked: string[] = []
  const slept: number[] = []
  const nth = <Value>(values: readonly Value[], at: number) => values[Math.min(at, values.length - 1)]
  const settle = <Value>(value: Value | Error): Promise<Value> =>
    value instanceof Error ? Promise.reject(value) : Promise.resolve(value)
  let looks = 0
  let readings = 0
  const client = {
    about: (doing: string, details: object = {}) => ({ site: 'hq', account: 'backup@pve', doing, ...details }),
    get: async (path: string) => {
      asked.push(path)
      if (path === list) return { data: nth(rows, looks++) ?? [] }
      if (path === volume) return { data: await settle(about) }
      if (path === '/access/permissions') return { data: permissions }
      if (path.includes('/prunebackups?')) return { data: [] }
      throw new Error(`nobody answers ${path}`)
    },
  } as unknown as ApiClient
  const tasks = {
    state: () => settle(state),
    log: () => settle<readonly string[]>(nth(logs, readings++) ?? []),
  } as unknown as TaskReader
  const sleep = async (milliseconds: number) => {
    slept.push(milliseconds)
  }
  const gather = async () => (await gatherEvidence(client, tasks, sleep, job, of, 'asked')).evidence
  return { gather, asked, slept }
}

describe('the evidence of a backup', () => {
  it('is what task, log and storage say of it, the storage twice', async () => {
    const site = open({ about: { path: '/mnt/pve/nas/dump/x', notes: 'by hand\nguestlift:0f1e2d3c4b5a6978' } })
    expect(await site.gather()).toEqual({
      jobRef: REF,
      jobStartedAt: new Date(upid.startTime * 1000).toISOString(),
      exitStatus: 'OK',
      ending: 'ok',
      warnings: [],
      errors: [],
      used: { mode: 'snapshot', compress: 'zstd', storage: 'nas' },
      guestFinished: true,
      logComplete: true,
      archiveName: name,
      contentBytes: 2 ** 30,
      grade: expect.objectContaining({ gaps: [] }),
      listed: {
        artifactRef: volid,
        fileName: name,
        sizeBytes: 1000,
        createdAt: new Date((upid.startTime + 7) * 1000).toISOString(),
        location: { node: 'pve1', path: '/mnt/pve/nas/dump/x', storage: 'nas', volume: `backup/${name}` },
      },
      listedAgainSizeBytes: 1000,
      removeWith: `pvesm free '${volid}'`,
      notes: 'by hand',
    })
    expect(site.asked).toEqual([list, volume, list])
    expect(site.slept).toEqual([2000])
  })

  it('has no notes where nobody but us wrote any', async () => {
    expect(await open({ about: { path: '/x', notes: 'guestlift:0f1e2d3c4b5a6978' } }).gather()).not.toHaveProperty(
      'notes',
    )
    expect(await open().gather()).not.toHaveProperty('notes')
  })

  it('keeps both sizes of an archive that still grows, and the first alone where it vanished', async () => {
    expect(await open({ rows: [[row], [{ ...row, size: 1001 }]] }).gather()).toMatchObject({
      listed: { sizeBytes: 1000 },
      listedAgainSizeBytes: 1001,
    })
    const vanished = await open({ rows: [[row], []] }).gather()
    expect(vanished.listed).toBeDefined()
    expect(vanished).not.toHaveProperty('listedAgainSizeBytes')
  })

  it('is of the very archive that the log names', async () => {
    const other = { ...row, volid: volid.replace('17_34_51', '16_34_51') }
    expect((await open({ rows: [[other, row]] }).gather()).listed?.artifactRef).toBe(volid)
    expect(await open({ rows: [[other]] }).gather()).not.toHaveProperty('listed')
  })

  it('lists none that was gone before its path could be read', async () => {
    const site = open({ about: new NoSuchVolume('gone') })
    expect(await site.gather()).not.toHaveProperty('listed')
    expect(site.slept).toEqual([])
    await expect(open({ about: new PlatformUnavailable('503') }).gather()).rejects.toThrow('503')
  })

  it('says of one that isn’t listed where to look, on the job’s node, unless the log gives better advice', async () => {
    expect((await open({ rows: [[]] }).gather()).advice).toMatch(
      /^Nothing of that name or time is on storage nas\. Look on node pve1/,
    )
    const full = good.toSpliced(4, 0, 'ERROR: No space left on device')
    expect((await open({ rows: [[]], logs: [full] }).gather()).advice).toMatch(/^Storage nas is full/)
  })

  it('asks of a container what its log leaves unsaid, and of a VM nothing', async () => {
    const asked = open({}, { ...guest, kind: 'container' }).gather()
    await expect(asked).rejects.toThrow(/nobody answers .*\/lxc\/100\//)
  })

  it('looks on the storage that was asked for where the job doesn’t say its own', async () => {
    const plain = good.map((line) => line.replace(' --storage nas', ''))
    await expect(open({ logs: [plain] }).gather()).rejects.toThrow('/nodes/pve1/storage/asked/content')
  })

  it('tells lines that nothing accounts for, and what of the options is known', async () => {
    expect((await open({ logs: [good.toSpliced(4, 0, 'strange')] }).gather()).remarks).toEqual(['strange'])
    const bare = await open({ state: { running: false, exitStatus: 'job errors' }, logs: [[]] }).gather()
    for (const key of ['remarks', 'used', 'guestFailure', 'archiveName', 'contentBytes', 'left', 'listed'])
      expect(bare).not.toHaveProperty(key)
    expect(bare).toMatchObject({ guestFinished: false, logComplete: false })
  })

  it.each([
    ['its beginning', good.slice(1)],
    ['its end', good.slice(0, -1)],
  ])('is incomplete where the log lacks %s', async (_, lines) => {
    const state = { running: false, exitStatus: 'OK' }
    const plain = lines.map((line) => line.replace(name, 'x'))
    expect((await open({ state, logs: [plain] }).gather()).logComplete).toBe(false)
  })
})

describe('a job that went wrong', () => {
  const failed = [
    ...head,
    creating,
    'INFO: archive file size: 1.23GB',
    'ERROR: Backup of VM 100 failed - hook',
    'TASK ERROR: job errors',
  ]
  const state = { running: false, exitStatus: 'job errors' }

  it('tells why, and what it left, and no archive of it is listed', async () => {
    const evidence = await open({ state, logs: [failed] }).gather()
    expect(evidence).toMatchObject({
      ending: 'errors',
      guestFailure: 'hook',
      errors: [expect.stringContaining('hook')],
    })
    expect(evidence.left).toEqual([{ what: volid, node: 'pve1', remove: `pvesm free '${volid}'`, artifactRef: volid }])
    expect(evidence).not.toHaveProperty('listed')
  })

  it('leaves nothing behind as long as it runs', async () => {
    const killed = [...head, creating]
    const running = await open({ state: { running: true }, logs: [killed] }).gather()
    expect(running).toMatchObject({ ending: 'unknown', exitStatus: 'still running' })
    expect(running).not.toHaveProperty('left')
    const gone = await open({ state: { running: false, exitStatus: 'unexpected status' }, logs: [killed] }).gather()
    expect(gone.left).toHaveLength(2)
  })

  it('of which this guest was finished before has its archive listed all the same', async () => {
    const later = [...good.slice(0, -2), 'INFO: Backup job finished with errors', 'TASK ERROR: job errors']
    expect((await open({ state, logs: [later] }).gather()).listed).toBeDefined()
  })

  it('that warns has its archive listed though its log doesn’t say that the guest was finished', async () => {
    const odd = [...good.filter((line) => !line.includes('Finished')).slice(0, -1), 'TASK WARNINGS: 1']
    const { listed, ending } = await open({
      state: { running: false, exitStatus: 'WARNINGS: 1' },
      logs: [odd],
    }).gather()
    expect(ending).toBe('warnings')
    expect(listed).toBeDefined()
    const well = good.filter((line) => !line.includes('Finished'))
    expect((await open({ logs: [well] }).gather()).listed).toBeDefined()
  })

  it.each([
    ['ours', 'guestlift:0f1e2d3c4b5a6978', { ending: 'ok', warnings: [] }],
    ['ours in the end', 'other --notes-template guestlift:0f1e2d3c4b5a6978', { ending: 'ok', warnings: [] }],
    [
      'a person’s',
      'guestlift:0f1e2d3c4b5a6978 --notes-template nightly',
      { ending: 'warnings', warnings: ['unable to add notes - no'] },
    ],
  ])('that warns of notes which could not be kept does so where they are %s', async (_, notes, told) => {
    const opening = `INFO: starting new backup job: vzdump 100 --storage nas --notes-template ${notes}`
    const log = [opening, ...good.slice(1, -1), 'WARN: unable to add notes - no', 'TASK WARNINGS: 1']
    const site = open({ state: { running: false, exitStatus: 'WARNINGS: 1' }, logs: [log] })
    expect(await site.gather()).toMatchObject(told)
  })

  it('that the platform lost says how to see to the guest on the job’s node', async () => {
    const evidence = await open({ state: { running: false, exitStatus: 'unexpected status' }, logs: [head] }).gather()
    expect(evidence).toMatchObject({
      ending: 'unknown',
      advice: 'Check the guest on node pve1; if nothing works on it, run "qm unlock 100" on node pve1.',
    })
  })

  it('has advice by its exit status as well', async () => {
    const status = { running: false, exitStatus: "storage 'nas' does not exist" }
    expect((await open({ state: status, logs: [head] }).gather()).advice).toMatch(/^There is no storage/)
  })
})

describe('a status that makes no sense', () => {
  const lost = { running: false, exitStatus: 'unexpected status' }

  it('is read again after a pause, with the log, which has the last word', async () => {
    const site = open({ state: lost, logs: [good.slice(0, -1), good] })
    expect(await site.gather()).toMatchObject({ exitStatus: 'OK', ending: 'ok', logComplete: true })
    expect(site.slept).toEqual([2000, 2000])
  })

  it('is that of a task which the node doesn’t know any more', async () => {
    const evidence = await open({ state: new NoSuchTask('gone'), logs: [new NoSuchTask('gone')] }).gather()
    expect(evidence).toMatchObject({ exitStatus: 'no such task', ending: 'unknown', logComplete: false })
  })

  it('is no answer of a platform that is away', async () => {
    await expect(open({ state: new PlatformUnavailable('503') }).gather()).rejects.toThrow('503')
    await expect(open({ logs: [new PlatformUnavailable('504')] }).gather()).rejects.toThrow('504')
  })
})

describe('the time of an archive', () => {
  const at = async (secondsAfterStart: number, lines: readonly string[] = good) => {
    const rows = [[{ ...row, ctime: upid.startTime + secondsAfterStart }]]
    const { listed } = await open({ rows, logs: [lines] }).gather()
    return Date.parse(listed?.createdAt ?? '') / 1000 - upid.startTime
  }

  it('is the storage’s, but for the hour that clocks repeat: then it is the job’s by its name', async () => {
    expect(await at(0)).toBe(0)
    expect(await at(-1)).toBe(3599)
    expect(await at(-3600)).toBe(0)
    expect(await at(-3601)).toBe(-3601)
  })

  it('is left alone where the log doesn’t show that the name is this job’s', async () => {
    expect(
      await at(
        -1,
        good.map((line) => line.replace('17:34:51', '17:34:52')),
      ),
    ).toBe(-1)
    expect(
      await at(
        -1,
        good.filter((line) => !line.includes('Backup started')),
      ),
    ).toBe(-1)
  })
})

import { evidenceOf, freed } from '../gathered.ts'
import * as fc from 'fast-check'
import { afterEach, describe, expect, it } from 'vitest'
import { backupEvidenceSchema } from '../../../../functions/contracts/evidence.ts'
import { GuestliftError } from '../../../../functions/contracts/errors.ts'
import { judgeProxmox as judge } from '../../../fakes/judge.ts'
import { openProxmox } from '../../../../functions/providers/proxmox/provider.ts'
import type { ProxmoxProvider } from '../../../../functions/providers/proxmox/provider.ts'
import { answer, data, type Reply, type SeenRequest, type ScriptedServer, startServer } from './scripted-server.ts'
import { shortLimits, siteFor, surroundings } from './site.ts'

const closing: { close(): Promise<void> }[] = []
afterEach(async () => {
  await Promise.all(closing.splice(0).map((one) => one.close()))
})

/** 2026-10-25T00:59:00Z: the hour that is repeated when clocks in Europe go back begins a minute later. */
const started = Date.parse('2026-10-25T00:59:00Z') / 1000
const job = `UPID:pve1:00000001:00000002:${started.toString(16).toUpperCase()}:vzdump:100:backup@pve!client:`
const archive = 'vzdump-qemu-100-2026_10_25-02_59_00.vma.zst'
const guest = { id: '100', kind: 'vm', name: 'web', node: 'pve1' } as const
const options = { mode: 'snapshot', compress: 'none', storage: 'nas' } as const

function logOf(file: string, startedLocal: string): string[] {
  return [
    'INFO: starting new backup job: vzdump 100',
    'INFO: Starting Backup of VM 100 (qemu)',
    `INFO: Backup started at ${startedLocal}`,
    `INFO: creating vzdump archive '/mnt/pve/nas/dump/${file}'`,
    'INFO: Finished Backup of VM 100 (00:01:10)',
    'INFO: Backup job finished successfully',
    'TASK OK',
  ]
}

/** A site with one ended backup; tests change what it answers. */
function siteWith(
  changes: Partial<
    Record<
      'status' | 'log' | 'list' | 'volume' | 'start' | 'tasks' | 'remove',
      (request: SeenRequest, call: number) => Reply
    >
  > = {},
) {
  const calls: Record<string, number> = {}
  const rows = [{ volid: `nas:backup/${archive}`, size: 1000, ctime: started }]
  const standard = {
    status: () => data({ status: 'stopped', exitstatus: 'OK' }),
    log: () => data(logOf(archive, '2026-10-25 02:59:00').map((t, index) => ({ n: index + 1, t }))),
    list: () => data(rows),
    volume: () => data({ path: `/mnt/pve/nas/dump/${archive}`, notes: 'web' }),
    start: () => data(job),
    tasks: () => data([]),
    remove: () => data(null),
  }
  return (request: SeenRequest): Reply => {
    const kind = kindOf(request)
    calls[kind] = (calls[kind] ?? 0) + 1
    return (changes[kind] ?? standard[kind])(request, calls[kind])
  }
}

function kindOf({ method, path }: SeenRequest) {
  if (method === 'POST') return 'start'
  if (method === 'DELETE') return 'remove'
  if (path.includes('/status')) return 'status'
  if (path.includes('/log?')) return 'log'
  if (/\/content\?/.test(path)) return 'list'
  return path.includes('/content/') ? 'volume' : 'tasks'
}

async function open(
  script: (request: SeenRequest) => Reply,
): Promise<{ provider: ProxmoxProvider; server: ScriptedServer; slept: number[] }> {
  const server = await startServer(script)
  const deps = surroundings()
  const provider = openProxmox('hq', siteFor(server), deps, shortLimits)
  closing.push(provider, server)
  return { provider, server, slept: deps.slept }
}

describe('starting a backup', () => {
  it('asks for one guest, keeps all older archives, and returns the job', async () => {
    const { provider, server } = await open(siteWith())
    expect(await provider.start(guest, options)).toEqual({
      jobRef: job,
      startedAt: '2026-10-25T00:59:00.000Z',
      running: true,
      // The node says so, four weeks before our clock.
      clock: { offsetSeconds: -2480459.5, uncertaintySeconds: 0.5, measuredAt: '2026-11-22T18:00:00.000Z' },
    })
    expect(server.requests.map(({ method, path, body }) => `${method} ${path} ${body}`)).toEqual([
      'POST /api2/json/nodes/pve1/vzdump vmid=100&mode=snapshot&compress=0&storage=nas&remove=0',
    ])
  })

  it.each<[string, Reply]>([
    ['the connection is cut', { bytes: '', after: 'reset' }],
    ['the node goes silent', answer(596, 'Connection timed out')],
    ['the answer is no task', data('thanks')],
    ['the answer is empty', data(null)],
    ['the answer is a task of another kind', data(job.replace(':vzdump:', ':imgdel:'))],
    ['the answer is a list', data([job])],
  ])('is unclear, and asked once, when %s', async (_, reply) => {
    const { provider, server } = await open(siteWith({ start: () => reply }))
    await expect(provider.start(guest, options)).rejects.toMatchObject({
      name: 'BackupStartUnclear',
      message: expect.stringContaining('Site hq, node pve1, guest 100') as unknown,
    })
    expect(server.requests).toHaveLength(1)
  })
})

describe('a storage', () => {
  it.each([
    ['dir', true],
    ['nfs', true],
    ['cifs', true],
    ['cephfs', true],
    ['btrfs', true],
    ['glusterfs', true],
    ['pbs', false],
    ['blockstor', undefined],
    ['', undefined],
  ])('of type "%s" keeps backups as files: %s', async (type, files) => {
    const row = { storage: 'nas', type, content: 'backup', enabled: 1, active: '1' }
    const { provider } = await open(siteWith({ tasks: () => data([row]) }))
    expect((await provider.storages.describe('nas', 'pve1'))?.backupsAreFiles).toBe(files)
  })
})

describe('the evidence about a backup', () => {
  it('is whole, fits the contract and is good', async () => {
    const { provider } = await open(siteWith())
    const evidence = await evidenceOf(provider, job, guest, 'nas')
    expect(backupEvidenceSchema.parse(evidence)).toEqual(evidence)
    expect(judge(evidence).name).toBe('archived')
  })

  it('reads numbers that come as text', async () => {
    const { provider } = await open(
      siteWith({
        list: () => data([{ volid: `nas:backup/${archive}`, size: '1000', ctime: String(started), vmid: '100' }]),
      }),
    )
    expect((await evidenceOf(provider, job, guest, 'nas')).listed).toMatchObject({ sizeBytes: 1000 })
  })

  it('shows a size that moves between two looks, a moment apart', async () => {
    const { provider, slept } = await open(
      siteWith({ list: (_, call) => data([{ volid: `nas:backup/${archive}`, size: 1000 + call, ctime: started }]) }),
    )
    expect(judge(await evidenceOf(provider, job, guest, 'nas')).name).toBe('archive-still-growing')
    expect(slept).toEqual([2000])
  })

  it('puts an hour right that the storage misread when clocks went back, where the log proves it', async () => {
    const { provider } = await open(
      siteWith({ list: () => data([{ volid: `nas:backup/${archive}`, size: 1000, ctime: started - 3600 }]) }),
    )
    const evidence = await evidenceOf(provider, job, guest, 'nas')
    expect(evidence.listed?.createdAt).toBe('2026-10-25T00:59:00.000Z')
    expect(judge(evidence).name).toBe('archived')
  })

  it.each([
    ['the log tells another start', started - 3600, '2026-10-25 01:20:00'],
    ['it is more than an hour', started - 7200, '2026-10-25 02:59:00'],
    ['it is of yesterday', started - 86_400, '2026-10-25 02:59:00'],
  ])('leaves an older time as it is when %s', async (_, ctime, startedLocal) => {
    const { provider } = await open(
      siteWith({
        list: () => data([{ volid: `nas:backup/${archive}`, size: 1000, ctime }]),
        log: () => data(logOf(archive, startedLocal).map((t) => ({ t }))),
      }),
    )
    expect(judge(await evidenceOf(provider, job, guest, 'nas')).name).toBe('archive-older-than-job')
  })

  it('is read a second time before an unexpected status is believed', async () => {
    const { provider, slept } = await open(
      siteWith({
        status: (_, call) => data({ status: 'stopped', exitstatus: call === 1 ? 'unexpected status' : 'OK' }),
        log: (_, call) =>
          data(
            logOf(archive, '2026-10-25 02:59:00')
              .slice(0, call === 1 ? 5 : 7)
              .map((t) => ({ t })),
          ),
      }),
    )
    expect(judge(await evidenceOf(provider, job, guest, 'nas')).name).toBe('archived')
    expect(slept).toEqual([2000, 2000])
  })

  it("believes the log's last line where the API keeps an old status", async () => {
    const { provider } = await open(
      siteWith({ status: () => data({ status: 'stopped', exitstatus: 'unexpected status' }) }),
    )
    expect(await evidenceOf(provider, job, guest, 'nas')).toMatchObject({ exitStatus: 'OK', ending: 'ok' })
  })

  it('of a killed job says how to free the guest', async () => {
    const { provider } = await open(
      siteWith({
        status: () => data({ status: 'stopped', exitstatus: 'unexpected status' }),
        log: () =>
          data(
            logOf(archive, '2026-10-25 02:59:00')
              .slice(0, 4)
              .map((t) => ({ t })),
          ),
      }),
    )
    const verdict = judge(await evidenceOf(provider, job, guest, 'nas'))
    expect(verdict.name).toBe('job-lost')
    expect(verdict.reason).toContain('"qm unlock 100" on node pve1')
  })

  it('of a job whose log was rotated away is a lost job', async () => {
    const { provider } = await open(
      siteWith({
        status: () => answer(400, 'Parameter verification failed.', { data: null, errors: { upid: 'no such task' } }),
        log: () => data([{ n: 1, t: 'unable to open file - No such file or directory' }]),
      }),
    )
    expect(await provider.check(job)).toEqual({ running: false })
    const evidence = await evidenceOf(provider, job, guest, 'nas')
    expect(evidence).toMatchObject({ exitStatus: 'no such task', ending: 'unknown', logComplete: false })
    expect(judge(evidence).name).toBe('job-lost')
  })

  it("doesn't trust a good status over a log that ends in an error", async () => {
    const lines = [...logOf(archive, '2026-10-25 02:59:00').slice(0, -1), 'TASK ERROR: job errors']
    const { provider } = await open(siteWith({ log: () => data(lines.map((t) => ({ t }))) }))
    expect(judge(await evidenceOf(provider, job, guest, 'nas')).name).toBe('backup-failed')
  })

  it('of a job that still runs is never good', async () => {
    const { provider } = await open(siteWith({ status: () => data({ status: 'running' }) }))
    const evidence = await evidenceOf(provider, job, guest, 'nas')
    expect(evidence.exitStatus).toBe('still running')
    expect(judge(evidence).good).toBe(false)
  })

  describe('of an archive that its storage does not list', () => {
    const renamed = (file: string, ctime = started + 70) => ({ volid: `nas:backup/${file}`, ctime, mark: 'renamed' })
    const reasonWith = async (rows: object[]) => {
      const { provider } = await open(siteWith({ list: () => data([]), tasks: () => data(rows) }))
      return judge(await evidenceOf(provider, job, guest, 'nas')).reason
    }

    it('names the file of that time which a hook may have made of it, and blames no rights', async () => {
      const reason = await reasonWith([
        renamed('vzdump-qemu-100-web-tonight.vma.zst'),
        renamed('vzdump-qemu-old.vma', started - 86_400),
        { ...renamed('vzdump-qemu-101-2026_10_25-02_59_00.vma.zst'), mark: 'keep' },
      ])
      expect(reason).toMatch(/doesn't list vzdump-qemu-100-2026_10_25-02_59_00\.vma\.zst, which the job's log names\./)
      expect(reason).toMatch(
        /The storage has nas:backup\/vzdump-qemu-100-web-tonight\.vma\.zst of that time\. If a hook/,
      )
      expect(reason).not.toMatch(/Datastore|vzdump-qemu-101|vzdump-qemu-old/)
    })

    it('knows a file by the time in its name, whenever it was renamed', async () => {
      expect(await reasonWith([renamed('vzdump-qemu-web-2026_10_25-02_59_00.vma', started - 9999)])).toMatch(
        /The storage has nas:backup\/vzdump-qemu-web-2026_10_25-02_59_00\.vma of that time/,
      )
    })

    it('blames rights where the storage shows the very file to a trial of pruning alone', async () => {
      expect(await reasonWith([{ ...renamed(archive, started), mark: 'keep' }])).toMatch(
        /hides archives from an account/,
      )
    })

    it.each([
      [
        'hides nothing',
        { '/': { 'Datastore.AllocateSpace': 1, 'VM.Backup': 1 } },
        /may see it, so nothing of that name/,
      ],
      ['may hide it', {}, /hides archives from an account/],
    ])('goes by the permissions where the trial is refused: %s', async (_, permissions, says) => {
      const tasks = ({ path }: SeenRequest) =>
        path.includes('/prunebackups') ? answer(403, 'Permission check failed') : data(permissions)
      const { provider } = await open(siteWith({ list: () => data([]), tasks }))
      expect(judge(await evidenceOf(provider, job, guest, 'nas')).reason).toMatch(says)
    })

    it('names no more than a few files', async () => {
      const many = [1, 2, 3, 4, 5].map((number) => renamed(`vzdump-qemu-${number}.vma`))
      expect(await reasonWith(many)).toMatch(/vzdump-qemu-3\.vma and 2 more of that time/)
    })
  })

  it('of an archive that vanishes between list and look is missing', async () => {
    const gone = answer(500, "volume_size_info on 'nas:backup/x' failed - no format", { data: null })
    const { provider } = await open(siteWith({ volume: () => gone }))
    expect(judge(await evidenceOf(provider, job, guest, 'nas')).name).toBe('archive-missing')
  })

  it('of an archive of a kind that nobody knows says which storages keep files', async () => {
    const lines = logOf(archive, '2026-10-25 02:59:00').map((line) =>
      line.startsWith('INFO: creating') ? "INFO: creating Block Vault archive 'vault:100/1'" : line,
    )
    const { provider } = await open(siteWith({ log: () => data(lines.map((t) => ({ t }))) }))
    const verdict = judge(await evidenceOf(provider, job, guest, 'nas'))
    expect(verdict.name).toBe('archive-unnamed')
    expect(verdict.reason).toMatch(/doesn't know \(Block Vault\).*name a storage that keeps files/)
  })

  it('of a backup to a backup server says that its backups are not files', async () => {
    const lines = logOf(archive, '2026-10-25 02:59:00').map((line) =>
      line.startsWith('INFO: creating')
        ? "INFO: creating Proxmox Backup Server archive 'vm/100/2026-10-25T00:59:00Z'"
        : line,
    )
    const { provider } = await open(siteWith({ log: () => data(lines.map((t) => ({ t }))) }))
    const verdict = judge(await evidenceOf(provider, job, guest, 'nas'))
    expect(verdict.name).toBe('archive-unnamed')
    expect(verdict.reason).toContain("aren't files")
  })
})

describe('following and stopping a backup', () => {
  it('reads the percentage from the end of a long log, not the whole of it', async () => {
    const lines = Array.from({ length: 400 }, (_, index) => ({
      t: `INFO: ${String(Math.floor(index / 4)).padStart(3)}% (1.0 GiB of 4.0 GiB) in ${index}s, read: 1 B/s, write: 1 B/s`,
    }))
    const { provider, server } = await open(
      siteWith({
        status: () => data({ status: 'running' }),
        log: ({ path }) => {
          const query = new URLSearchParams(path.split('?')[1])
          const start = Number(query.get('start'))
          return answer(200, 'OK', {
            data: lines.slice(start, start + Number(query.get('limit'))),
            total: lines.length,
          })
        },
      }),
    )
    expect(await provider.check(job)).toMatchObject({ running: true, progressPercent: 99 })
    expect(server.requests).toHaveLength(3)
  })

  it('a log that cannot be read does not fail a backup that runs', async () => {
    const { provider } = await open(
      siteWith({ status: () => data({ status: 'running' }), log: () => answer(403, 'Permission check failed') }),
    )
    expect(await provider.check(job)).toEqual({ running: true })
  })

  it('an ended job is left alone', async () => {
    const { provider, server } = await open(siteWith())
    await provider.stop(job, 5)
    expect(server.requests.map(({ method }) => method)).toEqual(['GET'])
  })

  it('a job that does not end in time is an error that says so', async () => {
    const { provider, server } = await open(siteWith({ status: () => data({ status: 'running' }) }))
    await expect(provider.stop(job, 3)).rejects.toMatchObject({
      name: 'PlatformUnavailable',
      message: expect.stringContaining('still runs after 3 s') as unknown,
    })
    expect(server.requests.filter(({ method }) => method === 'DELETE')).toHaveLength(1)
  })

  it('whether an order to stop that got no answer was heard is seen from the job', async () => {
    const { provider } = await open(
      siteWith({
        status: (_, call) => data({ status: call < 3 ? 'running' : 'stopped', exitstatus: 'interrupted by signal' }),
        remove: () => ({ bytes: '', after: 'reset' }),
      }),
    )
    await provider.stop(job, 5)
    expect(await provider.check(job)).toEqual({ running: false })
  })

  it('a job that is no task id is refused before anything is sent', async () => {
    const { provider, server } = await open(siteWith())
    await expect(provider.check('job-1')).rejects.toMatchObject({ name: 'RequestRejected' })
    await expect(evidenceOf(provider, '', guest, 'nas')).rejects.toMatchObject({ name: 'RequestRejected' })
    expect(server.requests).toEqual([])
  })
})

/** A row of the task list. */
function row(changes: Partial<Record<'time' | 'id' | 'user' | 'type', string>>, more: object = {}) {
  const { time = '6B000000', id = '100', user = 'backup@pve!client', type = 'vzdump' } = changes
  return { upid: `UPID:pve1:00000001:00000002:${time}:${type}:${id}:${user}:`, ...more }
}

describe('finding jobs', () => {
  it('leaves out other guests, kinds and accounts, and puts the newest first', async () => {
    const ended = { endtime: 1, status: 'OK' }
    const rows = [
      row({ time: '6B000001' }, ended),
      row({ time: '6B000003' }, { status: 'RUNNING' }),
      row({ time: '6B000002' }, ended),
      row({ id: '1001' }),
      row({ id: '' }),
      row({ user: 'backup@pve' }),
      row({ user: 'backup@pve!other' }),
      row({ type: 'qmrestore' }),
    ]
    const { provider } = await open(siteWith({ tasks: () => data(rows) }))
    const jobs = await provider.findJobs(guest, new Date(0))
    expect(jobs.map(({ jobRef, running }) => `${jobRef.split(':')[4] ?? ''} ${running}`)).toEqual([
      '6B000003 true',
      '6B000002 false',
      '6B000001 false',
    ])
  })

  it('a list that is not understood is an error, since an overlooked job would be started twice', async () => {
    const { provider } = await open(siteWith({ tasks: () => data([{ id: 5 }]) }))
    await expect(provider.findJobs(guest, new Date(0))).rejects.toMatchObject({ name: 'PlatformUnavailable' })
  })
})

/** The same answer with the time of whoever gives it in its head. */
function at(date: string, reply: Reply): Reply {
  return { ...reply, bytes: String(reply.bytes).replace('\r\n', `\r\nDate: ${date}\r\n`) }
}
/** Seconds since 1970 as a task's id holds them. */
const hexTime = (instant: string) => (Date.parse(instant) / 1000).toString(16).toUpperCase().padStart(8, '0')

describe('a clock that is years off', () => {
  const since = new Date('2026-11-22T17:00:00Z')

  it.each([
    ['behind', 'Mon, 22 Nov 2021 18:00:00 GMT', '2021-11-22T17:30:00Z', '2021-11-22T16:00:00Z'],
    ['ahead', 'Sat, 22 Nov 2031 18:00:00 GMT', '2031-11-22T17:30:00Z', '2031-11-22T16:00:00Z'],
  ])('and %s hides no job that was started since then by our clock', async (_, date, after, before) => {
    const ended = { endtime: 1, status: 'OK' }
    const rows = [
      row({ time: hexTime('2019-01-01T00:00:00Z') }, { status: 'RUNNING' }),
      row({ time: hexTime(after) }, ended),
      row({ time: hexTime(before) }, ended),
    ]
    const { provider, server } = await open(siteWith({ tasks: () => at(date, data(rows)) }))
    const jobs = await provider.findJobs(guest, since)
    expect(jobs.map(({ jobRef, running }) => `${jobRef.split(':')[4] ?? ''} ${running}`).toSorted()).toEqual(
      [`${hexTime('2019-01-01T00:00:00Z')} true`, `${hexTime(after)} false`].toSorted(),
    )
    expect(server.requests.some(({ path }) => path.includes('since='))).toBe(false)
  })

  it('hides no running task from the list of all of them either', async () => {
    const rows = [
      row({ time: hexTime('2021-11-22T17:30:00Z') }, {}),
      row({ time: hexTime('2021-11-20T17:30:00Z') }, { endtime: 1 }),
    ]
    const { provider } = await open((request) =>
      request.path.includes('/cluster/resources')
        ? data([{ node: 'pve1', status: 'online' }])
        : at('Mon, 22 Nov 2021 18:00:00 GMT', data(rows)),
    )
    expect((await provider.tasks.list(since)).jobs.map(({ running }) => running)).toEqual([true])
  })

  it('is told by the head of an answer that was there anyway', async () => {
    const { provider, server } = await open(siteWith({ tasks: () => at('Mon, 22 Nov 2021 18:00:00 GMT', data([])) }))
    await provider.findJobs(guest, since)
    expect(await provider.clock('pve1')).toEqual({
      offsetSeconds: -1826 * 86_400 + 0.5,
      uncertaintySeconds: 0.5,
      measuredAt: '2026-11-22T18:00:00.000Z',
    })
    expect(server.requests).toHaveLength(1)
  })

  it.each([
    ['none', data({ version: '9.2.11' })],
    ['no date', at('soon', data({ version: '9.2.11' }))],
    ['a number', at('5', data({ version: '9.2.11' }))],
  ])('is unknown when a fresh answer shows %s', async (_, reply) => {
    const { provider, server } = await open(() => reply)
    expect(await provider.clock('pve1')).toBeUndefined()
    expect(server.requests.map(({ path }) => path)).toEqual(['/api2/json/version'])
  })
})

describe('removing an archive', () => {
  it('names it percent-encoded, and waits for the task', async () => {
    const task = job.replace(':vzdump:100:', ':imgdel:100@nas:')
    const { provider, server } = await open(
      siteWith({
        remove: () => data(task),
        status: (_, call) => data({ status: call < 3 ? 'running' : 'stopped', exitstatus: 'OK' }),
      }),
    )
    await freed(provider, `nas:backup/${archive}`, 'pve1')
    expect(server.requests.map(({ method }) => method)).toEqual(['DELETE', 'GET', 'GET', 'GET'])
    expect(server.requests[0]?.path).toBe(`/api2/json/nodes/pve1/storage/nas/content/nas%3Abackup%2F${archive}`)
  })

  it.each([
    ['at once', () => answer(500, "volume 'nas:backup/x' does not exist")],
    ['in the task', () => data(job)],
  ])('that is gone already, as told %s, is fine', async (_, remove) => {
    const { provider, server } = await open(
      siteWith({ remove, status: () => data({ status: 'stopped', exitstatus: "disk image '/mnt/x' does not exist" }) }),
    )
    await freed(provider, `nas:backup/${archive}`, 'pve1')
    expect(server.requests[0]?.method).toBe('DELETE')
  })

  it.each([
    ["cannot remove protected volume 'backup/x' on 'nas'", 'StorageUnusable'],
    ['403 Permission check failed (/storage/nas, Datastore.Allocate)', 'PrivilegeMissing'],
    ['something new', 'StorageUnusable'],
    ['unexpected status', 'StorageUnusable'],
  ])('whose task ends in "%s" ends in %s', async (exitstatus, error) => {
    const { provider } = await open(
      siteWith({ remove: () => data(job), status: () => data({ status: 'stopped', exitstatus }) }),
    )
    await expect(freed(provider, `nas:backup/${archive}`, 'pve1')).rejects.toMatchObject({ name: error })
  })
})

describe('hostile answers', () => {
  /** Good answers, bent: another type somewhere, bytes cut or changed, nonsense around them. */
  const json = fc.json({ maxDepth: 3 })
  const bent = fc.oneof(
    json.map((text) => answer(200, 'OK', text)),
    json.map((text) => answer(200, 'OK', `{"data":${text}}`)),
    fc.tuple(fc.integer({ min: 100, max: 999 }), fc.string({ maxLength: 40 }), json).map(([status, reason, text]) => answer(status, reason.replace(/[\r\n]/g, ' '), text)),
    fc.string({ unit: 'binary', maxLength: 200 }).map((bytes): Reply => ({ bytes, after: 'close' })),
    fc.nat(300).map((length): Reply => ({ bytes: String(data({ status: 'stopped', exitstatus: 'OK', path: '/x', version: '9' }).bytes).slice(0, length), after: 'close' })),
    fc.constantFrom<Reply>(
      data(null), data('OK'), data([]), data({}), data(-1), data([null]), data({ status: 'stopped' }), data([{ t: 5 }]),
      data([{ volid: `nas:backup/${archive}`, size: -1, ctime: 1e300 }]), data({ '/': null }), data([{ upid: null }]),
    ),
  ) // biome-ignore format: a table

  const calls: Record<string, (provider: ProxmoxProvider) => Promise<unknown>> = {
    identify: (provider) => provider.identify(),
    missingPrivileges: (provider) =>
      provider.missingPrivileges({ guestIds: ['100'], storage: 'nas', deleteSource: false }),
    findGuests: (provider) => provider.findGuests(['100']),
    findJobs: (provider) => provider.findJobs(guest, new Date(0)),
    startBackup: (provider) => provider.start(guest, options),
    checkBackup: (provider) => provider.check(job),
    gatherEvidence: (provider) => evidenceOf(provider, job, guest, 'nas'),
    readLog: (provider) => provider.tasks.log(job),
    stopBackup: (provider) => provider.stop(job, 1),
    release: (provider) => freed(provider, `nas:backup/${archive}`, 'pve1'),
  }

  it.each(Object.keys(calls))(
    '%s ends in a value or an error of ours, never in a crash or a false success',
    async (method) => {
      let replies: Reply[] = []
      let turn = 0
      const server = await startServer(() => replies[turn++ % replies.length] ?? data(null))
      const limits = { ...shortLimits, headersTimeoutMs: 300, bodyTimeoutMs: 300, totalTimeoutMs: 600 }
      const provider = openProxmox('hq', siteFor(server), surroundings(), limits)
      closing.push(provider, server)
      await fc.assert(
        fc.asyncProperty(fc.array(bent, { minLength: 1, maxLength: 4 }), async (bentReplies) => {
          replies = bentReplies
          turn = 0
          const [ended] = await Promise.allSettled([calls[method]?.(provider)])
          expect(ended?.status === 'fulfilled' || ended?.reason instanceof GuestliftError).toBe(true)
          const evidence = backupEvidenceSchema.safeParse(ended?.status === 'fulfilled' ? ended.value : undefined)
          expect(evidence.success && judge(evidence.data).good).toBe(false)
        }),
        { numRuns: 40, interruptAfterTimeLimit: 8000 },
      )
    },
  )
})

/** What goes wrong around a backup, and what the client makes of it. Cases that recordings hold are judged with those. */
import { evidenceOf } from '../gathered.ts'
import { afterEach, describe, expect, it } from 'vitest'
import { judgeProxmox as judge } from '../../../fakes/judge.ts'
import { openProxmox } from '../../../../functions/providers/proxmox/provider.ts'
import type { ProxmoxProvider } from '../../../../functions/providers/proxmox/provider.ts'
import { answer, data, type Reply, type ScriptedServer, type SeenRequest, startServer } from './scripted-server.ts'
import { shortLimits, siteFor, surroundings } from './site.ts'

const upid = 'UPID:pve2:0000211A:0003B7FF:6B0327BB:vzdump:100:backup@pve!client:'
const startSeconds = 0x6b0327bb
const archive = 'vzdump-qemu-100-2026_11_22-17_34_52.vma.zst'
const guest = { id: '100', kind: 'vm', name: 'web', node: 'pve2' } as const

const closing: { close(): Promise<void> }[] = []
afterEach(async () => {
  await Promise.all(closing.splice(0).map((one) => one.close()))
})

const logLines = [
  'INFO: starting new backup job: vzdump 100 --storage nas',
  'INFO: Starting Backup of VM 100 (qemu)',
  'INFO: Backup started at 2026-11-22 17:34:52',
  `INFO: creating vzdump archive '/mnt/pve/nas/dump/${archive}'`,
  'INFO: Finished Backup of VM 100 (00:01:10)',
  'INFO: Backup job finished successfully',
  'TASK OK',
]
const rowsOf = (lines: readonly string[]): Reply => data(lines.map((t, index) => ({ n: index + 1, t })))

interface Site {
  exitstatus?: string
  lines?: readonly string[]
  ctime?: number
  size?: number
  volumeSize?: number
}

function site({ exitstatus = 'OK', lines = logLines, ctime = startSeconds + 1, size = 1000, volumeSize = 1024 }: Site) {
  return ({ path }: SeenRequest): Reply => {
    if (path.includes('/status')) return data({ status: 'stopped', exitstatus })
    if (path.includes('/log')) return rowsOf(lines)
    if (/\/content\?/.test(path)) return data([{ volid: `nas:backup/${archive}`, size, ctime }])
    return data({ path: `/mnt/pve/nas/dump/${archive}`, notes: '', size: volumeSize })
  }
}

async function serve(script: (request: SeenRequest) => Reply): Promise<ScriptedServer> {
  const server = await startServer(script)
  closing.push(server)
  return server
}

function providerFor(servers: Parameters<typeof siteFor>[0]): { provider: ProxmoxProvider; slept: number[] } {
  const deps = surroundings()
  const provider = openProxmox('hq', siteFor(servers), deps, shortLimits)
  closing.push(provider)
  return { provider, slept: deps.slept }
}

async function verdictOn(what: Site) {
  const evidence = await evidenceOf(providerFor(await serve(site(what))).provider, upid, guest, 'nas')
  return { ...judge(evidence), evidence }
}

describe('the verdict', () => {
  it('keeps the exact size of the list where the single volume is rounded up to 512 bytes', async () => {
    const { name, evidence } = await verdictOn({ size: 1000, volumeSize: 1024 })
    expect(name).toBe('archived')
    expect(evidence.listed?.sizeBytes).toBe(1000)
  })

  it.each([
    ['its first lines', logLines.slice(2)],
    ['its last lines', logLines.slice(0, 5)],
    ['all of it', []],
    ['all of it, as the API words it', ['no content']],
  ])('on a job that says OK and whose log lost %s is not good', async (_, lines) => {
    const { good, name } = await verdictOn({ lines })
    expect({ good, name }).toEqual({ good: false, name: 'log-incomplete' })
  })

  it('on a job that waited for the lock of its node is that on any other', async () => {
    const lines = ['INFO: trying to get global lock - waiting...', 'INFO: got global lock', ...logLines]
    expect((await verdictOn({ lines, ctime: startSeconds + 7200 })).name).toBe('archived')
  })

  it('on a job that waited for the lock in vain names it', async () => {
    const lines = [
      'INFO: trying to get global lock - waiting...',
      "ERROR: can't acquire lock '/var/run/vzdump.lock' - got timeout",
    ]
    const { name, reason } = await verdictOn({ exitstatus: 'unexpected status', lines })
    expect(name).toBe('backup-failed')
    expect(reason).toMatch(/vzdump\.lock.*got timeout/)
  })

  it('takes times from the storage and not from the name, whose zone is the node’s', async () => {
    const { name, evidence } = await verdictOn({
      lines: logLines.map((line) => line.replace('2026-11-22 17:34:52', '2026-11-23 06:34:52')),
    })
    expect(name).toBe('archived')
    expect(evidence.listed?.createdAt).toBe('2026-11-22T17:34:52.000Z')
  })

  it.each([
    ['half a minute back', -29, 'archived'],
    ['an hour and more back', -3700, 'archive-older-than-job'],
    ['a day back', -86_400, 'archive-older-than-job'],
    ['hours ahead', 5 * 3600, 'archived'],
  ])('on an archive whose clock is %s', async (_, seconds, name) => {
    expect((await verdictOn({ ctime: startSeconds + seconds })).name).toBe(name)
  })

  const running = logLines.toSpliced(3, 0, 'INFO: status = running', 'INFO: backup mode: suspend')

  it('warns of a mode that nobody asked for, and the evidence keeps what was used', async () => {
    const { evidence } = await verdictOn({ lines: running })
    expect(evidence.used).toEqual({ mode: 'suspend', compress: 'zstd', storage: 'nas' })
    expect(judge(evidence, { mode: 'snapshot' })).toMatchObject({
      name: 'archived-with-warnings',
      reason: expect.stringContaining('It was asked for in mode snapshot and was made in mode suspend.'),
    })
    expect(judge(evidence, { mode: 'suspend' }).name).toBe('archived')
  })

  it('finds nothing lesser in the mode of a guest that was stopped', async () => {
    const lines = logLines.toSpliced(3, 0, 'INFO: status = stopped', 'INFO: backup mode: stop')
    const { evidence } = await verdictOn({ lines })
    expect(evidence.used).toMatchObject({ mode: 'stop', guestStopped: true })
    expect(judge(evidence, { mode: 'snapshot' }).name).toBe('archived')
  })

  it('takes no mode from a log that tells several', async () => {
    const { evidence } = await verdictOn({ lines: running.toSpliced(4, 0, 'INFO: backup mode: snapshot') })
    expect(evidence.used).not.toHaveProperty('mode')
  })

  it('looks for the archive on the storage that the job itself names', async () => {
    const { provider } = providerFor(await serve(site({})))
    const evidence = await evidenceOf(provider, upid, guest, 'elsewhere')
    expect(judge(evidence).name).toBe('archived')
    expect(evidence.listed?.location).toMatchObject({ storage: 'nas' })
  })

  it('warns of a line without a level: the file system of the cluster went away and the job says OK', async () => {
    const line =
      "unable to open file '/etc/pve/nodes/pve2/qemu-server/100.conf.tmp.1' - Transport endpoint is not connected"
    const { name, reason, evidence } = await verdictOn({ lines: logLines.toSpliced(4, 0, line) })
    expect(evidence.remarks).toEqual([line])
    expect({ name, reason }).toEqual({ name: 'archived-with-warnings', reason: expect.stringContaining(line) })
  })

  const hookFailed = [
    ...logLines.slice(0, 4),
    'INFO: archive file size: 1KB',
    "ERROR: Backup of VM 100 failed - command '/usr/local/sbin/hook backup-end snapshot 100' failed: exit code 1",
    'INFO: Failed at 2026-11-22 17:35:52',
    'INFO: Backup job finished with errors',
    'TASK ERROR: job errors',
  ]

  it('on a job whose hook failed after the archive was whole names what it left and the command that removes it', async () => {
    const { name, evidence } = await verdictOn({ exitstatus: 'job errors', lines: hookFailed })
    expect(name).toBe('backup-failed')
    const what = `nas:backup/${archive}`
    expect(evidence.left).toEqual([{ what, node: 'pve2', remove: `pvesm free '${what}'`, artifactRef: what }])
    expect(evidence).not.toHaveProperty('listed')
  })

  it.each([
    ['an archive of that name that is older than the job', { ctime: startSeconds - 60, lines: hookFailed }],
    ['a job that never finished its archive', { lines: hookFailed.toSpliced(4, 1) }],
  ])('never means %s', async (_, what) => {
    expect((await verdictOn({ exitstatus: 'job errors', ...what })).evidence).not.toHaveProperty('left')
  })

  it('on a worker that was killed names the files that no list shows', async () => {
    const { name, evidence } = await verdictOn({ exitstatus: 'unexpected status', lines: logLines.slice(0, 4) })
    expect(name).toBe('job-lost')
    const base = '/mnt/pve/nas/dump/vzdump-qemu-100-2026_11_22-17_34_52'
    expect(evidence.left).toEqual([
      { what: `${base}.vma.dat`, node: 'pve2', remove: `rm '${base}.vma.dat'` },
      { what: `${base}.tmp`, node: 'pve2', remove: `rm -r '${base}.tmp'` },
    ])
    const tmpfs = "INFO: filesystem type on dumpdir is 'tmpfs' -using /var/tmp/vzdumptmp26880_100 for temporary files"
    const elsewhere = await verdictOn({
      exitstatus: 'unexpected status',
      lines: logLines.slice(0, 4).toSpliced(1, 0, tmpfs),
    })
    expect(elsewhere.evidence.left?.[1]?.remove).toBe("rm -r '/var/tmp/vzdumptmp26880_100'")
  })

  it.each([
    ['a job with our mark alone is not warned of', 'guestlift:0f1e2d3c4b5a6978', 'archived'],
    ['notes of a person is warned of', String.raw`'mine\nguestlift:0f1e2d3c4b5a6978'`, 'archived-with-warnings'],
  ])('on a storage that keeps no notes: %s', async (_, template, expected) => {
    const lines = [
      `INFO: starting new backup job: vzdump 100 --storage nas --notes-template ${template}`,
      ...logLines.slice(1, 4),
      "WARN: unable to add notes - volume notes are not supported for plugin 'other'",
      ...logLines.slice(4, -1),
      'TASK WARNINGS: 1',
    ]
    expect((await verdictOn({ exitstatus: 'WARNINGS: 1', lines })).name).toBe(expected)
    const more = lines.toSpliced(5, 0, 'WARN: another').toSpliced(-1, 1, 'TASK WARNINGS: 2')
    expect((await verdictOn({ exitstatus: 'WARNINGS: 2', lines: more })).name).toBe('archived-with-warnings')
  })

  it('on a job in which notifications failed is good, and tells nothing of them as errors of the backup', async () => {
    const lines = [...logLines.slice(0, -1), 'ERROR: could not notify via target `mail`: refused', 'TASK OK']
    const { name, evidence } = await verdictOn({ lines })
    expect(name).toBe('archived')
    expect(evidence.errors).toEqual([])
  })

  it('keeps warnings for the manifest', async () => {
    const lines = [...logLines.slice(0, 4), 'WARN: a hook failed', ...logLines.slice(4, -1), 'TASK WARNINGS: 1']
    const { name, good, evidence } = await verdictOn({ exitstatus: 'WARNINGS: 1', lines })
    expect({ name, good }).toEqual({ name: 'archived-with-warnings', good: true })
    expect(evidence.warnings).toEqual(['a hook failed'])
  })
})

describe('a start whose answer got lost', () => {
  it('after 30 s of silence behind the proxy is unclear, and the job is found in the list', async () => {
    const row = { upid, status: 'RUNNING', type: 'vzdump', id: '100', user: 'backup@pve!client' }
    const server = await serve(({ method }) => (method === 'POST' ? answer(596, 'Connection timed out') : data([row])))
    const { provider } = providerFor(server)
    const options = { mode: 'snapshot', compress: 'zstd', storage: 'nas' } as const
    await expect(provider.start(guest, options)).rejects.toMatchObject({ name: 'BackupStartUnclear' })
    expect(await provider.findJobs(guest, new Date(startSeconds * 1000))).toEqual([
      { jobRef: upid, startedAt: '2026-11-22T17:34:51.000Z', running: true },
    ])
    expect(server.requests.filter(({ method }) => method === 'POST')).toHaveLength(1)
  })
})

describe('the node that is asked', () => {
  it('dies in the middle of a run: the next one goes on, also for the job of a third, and is asked first', async () => {
    const first = await startServer(() => data({ status: 'running' }))
    const second = await serve(site({}))
    const { provider, slept } = providerFor([first, second])
    expect(await provider.check(upid)).toMatchObject({ running: true })
    await first.close()
    expect(await provider.check(upid)).toEqual({ running: false })
    expect(judge(await evidenceOf(provider, upid, guest, 'nas')).name).toBe('archived')
    expect(second.requests.every(({ path }) => path.includes('/nodes/pve2/'))).toBe(true)
    // The one pause is that between the two looks at the archive's size.
    expect(slept).toEqual([2000])
  })

  it('is remembered by the next function call of the same process', async () => {
    const silent = await serve(() => ({ bytes: '', after: 'reset' }))
    const lively = await serve(site({}))
    await providerFor([silent, lively]).provider.check(upid)
    const before = silent.connections()
    await providerFor([silent, lively]).provider.check(upid)
    expect(silent.connections()).toBe(before)
  })
})

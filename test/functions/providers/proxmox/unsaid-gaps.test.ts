/** Gaps of a container's archive that no log tells of: what the node answers, and what it keeps to itself. */
import { evidenceOf } from '../gathered.ts'
import { afterEach, describe, expect, it } from 'vitest'
import { openProxmox } from '../../../../functions/providers/proxmox/provider.ts'
import { answer, data, type Reply, type SeenRequest, startServer } from './scripted-server.ts'
import { shortLimits, siteFor, surroundings } from './site.ts'

const upid = 'UPID:pve2:0000211A:0003B7FF:6B0327BB:vzdump:100:backup@pve!client:'
const archive = 'vzdump-lxc-100-2026_11_22-17_34_52.tar.zst'
const guest = { id: '100', kind: 'container', name: 'db', node: 'pve2' } as const
const lines = [
  'INFO: starting new backup job: vzdump 100 --storage nas',
  'INFO: Starting Backup of VM 100 (lxc)',
  'INFO: Backup started at 2026-11-22 17:34:52',
  'INFO: status = stopped',
  'INFO: backup mode: stop',
  `INFO: creating vzdump archive '/mnt/pve/nas/dump/${archive}'`,
  'INFO: Finished Backup of VM 100 (00:01:10)',
  'INFO: Backup job finished successfully',
  'TASK OK',
]
const present = { name: 'current', running: 0 }
const plain: Record<string, Reply> = {
  '/snapshot': data([present]),
  '/pending': data([{ key: 'memory', value: 512 }]),
  '/vzdump/defaults': data({ mode: 'snapshot' }),
}

const closing: { close(): Promise<void> }[] = []
afterEach(async () => {
  await Promise.all(closing.splice(0).map((one) => one.close()))
})

async function evidenceWith(changes: Record<string, Reply>) {
  const replies = { ...plain, ...changes }
  const server = await startServer(({ path }: SeenRequest): Reply => {
    const asked = Object.keys(replies).find((end) => path.split('?')[0]?.endsWith(end))
    if (asked !== undefined) return replies[asked] ?? answer(500, 'no reply')
    if (path.includes('/status')) return data({ status: 'stopped', exitstatus: 'OK' })
    if (path.includes('/log')) return data(lines.map((t, index) => ({ n: index + 1, t })))
    if (/\/content\?/.test(path)) return data([{ volid: `nas:backup/${archive}`, size: 1000, ctime: 0x6b0327bc }])
    return data({ path: `/mnt/pve/nas/dump/${archive}`, notes: '', size: 1024 })
  })
  closing.push(server)
  const provider = openProxmox('hq', siteFor(server), surroundings(), shortLimits)
  closing.push(provider)
  return evidenceOf(provider, upid, guest, 'nas')
}

describe("gaps that a container's log keeps quiet about", () => {
  it('are none where the node shows none', async () => {
    const { grade } = await evidenceWith({})
    expect(grade).toEqual({ consistency: 'application', reason: expect.any(String), gaps: [] })
  })

  it.each<[string, Record<string, Reply>, string]>([
    ['snapshots', { '/snapshot': data([{ name: 'before' }, present]) }, 'snapshots'],
    ['a snapshot that is called by a number', { '/snapshot': data([{ name: 2024 }, present]) }, 'snapshots'],
    ['a value that waits', { '/pending': data([{ key: 'memory', value: 512, pending: 1024 }]) }, 'pending-changes'],
    ['a deletion that waits', { '/pending': data([{ key: 'memory', value: 512, delete: 1 }]) }, 'pending-changes'],
    [
      'what the node excludes',
      { '/vzdump/defaults': data({ mode: 'snapshot', 'exclude-path': ['/srv/?*'] }) },
      'files',
    ],
    [
      'what an older node excludes, in one text',
      { '/vzdump/defaults': data({ mode: 'snapshot', 'exclude-path': '/srv/?*\0/opt' }) },
      'files',
    ],
  ])('are told: %s', async (_, changes, name) => {
    const { grade } = await evidenceWith(changes)
    expect(grade?.gaps.map((gap) => gap.name)).toEqual([name])
    expect(grade).not.toHaveProperty('gapsMayLack')
  })

  it.each<[string, Record<string, Reply>]>([
    ['an account may not look', { '/snapshot': answer(403, 'Permission check failed (/vms/100, VM.Audit)') }],
    [
      'a version does not know the call',
      { '/pending': answer(501, "Method 'GET /nodes/pve2/lxc/100/pending' not implemented") },
    ],
    ['a list lacks what every list has', { '/snapshot': data([]) }],
    ['the keys are missing', { '/pending': data([]) }],
    ['an answer is of another shape', { '/vzdump/defaults': data([]) }],
    ['an answer is nothing', { '/pending': data(null) }],
  ])('are not known to be none where %s, and the archive is as good', async (_, changes) => {
    const evidence = await evidenceWith(changes)
    expect(evidence.listed).toBeDefined()
    expect(evidence.grade).toMatchObject({ gaps: [], gapsMayLack: expect.stringContaining('100') })
  })

  it('are asked for again where the node is away for the moment', async () => {
    await expect(evidenceWith({ '/snapshot': answer(596, 'timed out') })).rejects.toMatchObject({ group: 'retry' })
  })
})

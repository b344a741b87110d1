/** The lab's restores over real sockets: what comes back is what was archived, and the refusals of a real site. */
import { createHash } from 'node:crypto'
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { Task } from '../../../../local/labs/proxmox/tasks.ts'
import type { LabOptions } from '../../../../local/labs/proxmox/lab.ts'
import { dataOf, type TestSite, testSite } from './api-client.ts'
import { exchange, type RawResponse, request } from './raw-http.ts'

const MIB = 1024 ** 2

interface RestoreSite extends TestSite {
  /** As the account that may restore. */
  ask(method: string, path: string, form?: Record<string, string>): Promise<RawResponse>
  /** The address of a fresh archive. */
  archive(vmid: number, options?: string): Promise<string>
  restore(kind: 'qemu' | 'lxc', form: Record<string, string>): Promise<Task | undefined>
}

let lab: RestoreSite
/** An id that no test has used. */
let vmid = 9000
beforeAll(async () => {
  lab = await restoreSite()
})
beforeEach(() => {
  vmid += 10
})
afterAll(() => lab.dispose())

async function restoreSite(): Promise<RestoreSite> {
  const guests: LabOptions['guests'] = [
    { vmid: 100, kind: 'qemu', name: 'web01', diskBytes: 3 * MIB, options: { agent: '1' } },
    { vmid: 101, kind: 'lxc', name: 'db01', dataBytes: 3 * MIB, options: { unprivileged: '1' } },
    { vmid: 102, kind: 'qemu', name: 'windows', status: 'stopped', diskBytes: 2 * MIB },
    { vmid: 103, kind: 'lxc', name: 'old', dataBytes: MIB },
    { vmid: 104, kind: 'qemu', name: 'empty', diskBytes: 64 * MIB, zero: 1 },
  ]
  const made = await testSite({ guests })
  const { tokenId, secret } = made.lab.restoreToken
  const port = Number(new URL(made.lab.apiUrl).port)
  const headers = { Authorization: `PVEAPIToken=${tokenId}=${secret}` }
  const ask: RestoreSite['ask'] = (method, path, form) => {
    const body = form === undefined ? undefined : new URLSearchParams(form).toString()
    return exchange(port, request(method, `/api2/json${path}`, headers, body))
  }
  return {
    ...made,
    ask,
    async archive(of, more) {
      const task = await made.backUp(of, more)
      expect(task.status).toBe('OK')
      const file = task.lines.flatMap((line) => /creating vzdump archive '.*\/([^/]+)'/.exec(line)?.[1] ?? []).at(-1)
      return `nas:backup/${file ?? ''}`
    },
    async restore(kind, form) {
      const named = kind === 'lxc' ? { restore: '1' } : {}
      const answer = await ask('POST', `/nodes/pve1/${kind}`, { storage: 'local-lvm', ...named, ...form })
      expect(answer.body).toContain('UPID')
      return made.lab.control.endOfTask(String(dataOf(answer)))
    },
  }
}

/** SHA-256 of each disk's file of a guest, by its number. */
function disksOf(of: number): string[] {
  const folder = join(lab.directory, 'storage', 'pve1', 'local-lvm', 'images', String(of))
  return readdirSync(folder)
    .toSorted()
    .map((file) =>
      createHash('sha256')
        .update(readFileSync(join(folder, file)))
        .digest('hex'),
    )
}

const config = async (kind: string, of: number): Promise<Record<string, unknown>> =>
  dataOf(await lab.ask('GET', `/nodes/pve1/${kind}/${of}/config`)) as Record<string, unknown>

describe('the lab restores a VM', () => {
  it.each(['zstd', 'gzip', 'lzo', '0'])(
    'from an archive packed with %s, to a guest that is archived again and comes back with the same disks',
    async (compress) => {
      const first = await lab.archive(100, `&compress=${compress}`)
      const task = await lab.restore('qemu', { vmid: String(vmid), archive: first })
      expect(task?.lines.at(-1)).toBe('TASK OK')
      const second = await lab.archive(vmid, `&compress=${compress}`)
      const again = await lab.restore('qemu', { vmid: String(vmid + 1), archive: second })
      expect(again?.status).toBe('OK')
      expect(disksOf(vmid)).toEqual(disksOf(vmid + 1))
      expect(disksOf(vmid)[0]).not.toBe(
        createHash('sha256')
          .update(Buffer.alloc(3 * MIB))
          .digest('hex'),
      )
    },
  )

  it('with its configuration but for volumes and generation id, and new addresses where that is asked for', async () => {
    lab.lab.control.guest(100, { tags: 'prod;web', options: { agent: '1', description: 'shop 100 %: ü\nsecond' } })
    const archive = await lab.archive(100)
    await lab.restore('qemu', { vmid: String(vmid), archive })
    await lab.restore('qemu', { vmid: String(vmid + 1), archive, unique: '1', name: 'copy' })
    const [old, same, unique] = await Promise.all([100, vmid, vmid + 1].map((of) => config('qemu', of)))
    const changed = (one: Record<string, unknown>): string[] =>
      Object.keys({ ...old, ...one }).filter((key) => one[key] !== old?.[key] && key !== 'digest')
    expect(old?.['description']).toBe('shop 100 %: ü\nsecond')
    expect(same?.['description']).toBe('shop 100 %: ü\nsecond\n')
    expect(changed(same ?? {}).toSorted()).toEqual(['description', 'scsi0', 'vmgenid'])
    expect(same?.['scsi0']).toBe(`local-lvm:vm-${vmid}-disk-0,size=3M`)
    expect(changed(unique ?? {}).toSorted()).toEqual(['description', 'name', 'net0', 'scsi0', 'smbios1', 'vmgenid'])
  })

  it('and shows its progress, and takes the node the seconds of a dump', async () => {
    const archive = await lab.archive(100, '&compress=zstd')
    lab.lab.control.setTaskSpeed(0)
    lab.lab.control.setSecondsPerDump(10)
    const answer = await lab.ask('POST', '/nodes/pve1/qemu', { vmid: String(vmid), archive, storage: 'local-lvm' })
    const upid = String(dataOf(answer))
    expect(upid).toContain(`:qmrestore:${vmid}:restore@pve!guestlift:`)
    expect((await config('qemu', vmid))['lock']).toBe('create')
    lab.lab.control.setTaskSpeed(Number.POSITIVE_INFINITY)
    const task = await lab.lab.control.endOfTask(upid)
    expect(task?.lines[0]).toMatch(
      /^restore vma archive: zstd -q -d -c \/mnt\/pve\/nas\/dump\/vzdump-qemu-100-\S+ \| vma extract -v -r /,
    )
    expect(task?.lines).toContain(`progress 100% (read ${3 * MIB} bytes, duration 10 sec)`)
    lab.lab.control.setSecondsPerDump(0)
    expect((await config('qemu', vmid))['lock']).toBeUndefined()
  })

  it('leaves the empty VM of a restore that failed, and its disks are gone', async () => {
    const archive = await lab.archive(100, '&compress=0')
    const file = archive.replace('nas:backup/', '')
    lab.lab.control.truncateArchive(file, 1024 ** 2)
    const task = await lab.restore('qemu', { vmid: String(vmid), archive })
    expect(task?.status).toMatch(/^command 'set -o pipefail && vma extract .*' failed: exit code 133$/)
    expect(task?.lines.join('\n')).toMatch(
      /ERROR \*\*: (?:short vma extent|read short extent|detected missing cluster)/,
    )
    expect(task?.lines.at(-2)).toContain(`VM ${vmid} state is NOT cleaned up.`)
    const { digest, ...left } = await config('qemu', vmid)
    expect([left, typeof digest]).toEqual([{}, 'string'])
    expect(disksOf(vmid)).toEqual([])
  })

  it.each([
    ['bytes that are no archive', Buffer.from('<html>not found</html>'), /zstd: .*\n|exit code 1/],
    ['nothing', Buffer.alloc(0), /exit code/],
  ])('refuses %s under an archive’s name', async (_what, content, says) => {
    const archive = await lab.archive(100)
    lab.lab.control.replaceArchive(archive.replace('nas:backup/', ''), content)
    const task = await lab.restore('qemu', { vmid: String(vmid), archive })
    expect(task?.status).toMatch(says)
    expect(task?.status).not.toBe('OK')
  })

  it('ends in no space where the storage holds less than the disks take', async () => {
    const archive = await lab.archive(100)
    lab.lab.control.fillStorage('local-lvm', 512 * 1024)
    const task = await lab.restore('qemu', { vmid: String(vmid), archive })
    lab.lab.control.fillStorage('local-lvm', 1024 ** 3)
    expect(task?.status).toMatch(/No space left on device$/)
    expect(disksOf(vmid)).toEqual([])
  })

  it('counts what an image holds as used, and not its holes', async () => {
    const archive = await lab.archive(104)
    const free = async (): Promise<number> => {
      const rows = dataOf(await lab.ask('GET', '/nodes/pve1/storage?storage=local-lvm')) as { avail: number }[]
      return rows[0]?.avail ?? 0
    }
    const before = await free()
    expect((await lab.restore('qemu', { vmid: String(vmid), archive }))?.status).toBe('OK')
    expect(before - (await free())).toBeLessThan(MIB)
  })
})

describe('the lab restores a container', () => {
  it.each(['zstd', 'gzip', 'lzo', '0'])('from an archive packed with %s, member by member', async (compress) => {
    const first = await lab.archive(101, `&compress=${compress}`)
    expect((await lab.restore('lxc', { vmid: String(vmid), ostemplate: first }))?.status).toBe('OK')
    const second = await lab.archive(vmid, `&compress=${compress}`)
    expect((await lab.restore('lxc', { vmid: String(vmid + 1), ostemplate: second }))?.status).toBe('OK')
    expect(disksOf(vmid)).toEqual(disksOf(vmid + 1))
    expect((await config('lxc', vmid + 1))['rootfs']).toBe(`local-lvm:subvol-${vmid + 1}-disk-0,size=4G`)
  })

  it('and leaves nothing of one that failed', async () => {
    const ostemplate = await lab.archive(101, '&compress=0')
    const file = ostemplate.replace('nas:backup/', '')
    lab.lab.control.truncateArchive(file, 2 * MIB)
    const task = await lab.restore('lxc', { vmid: String(vmid), ostemplate })
    expect(task?.status).toMatch(/^unable to restore CT \d+ - command 'tar xpf - .*' failed: exit code 2$/)
    expect(task?.lines).toContain('tar: Unexpected EOF in archive')
    expect((await lab.ask('GET', `/nodes/pve1/lxc/${vmid}/config`)).status).toBe(500)
    expect(disksOf(vmid)).toEqual([])
  })
})

describe('the lab refuses to restore', () => {
  it.each([
    [
      'over a guest that is there',
      'qemu',
      { vmid: '102' },
      "unable to restore VM 102 - VM 102 already exists on node 'pve1'",
    ],
    [
      'over a guest of the other kind',
      'qemu',
      { vmid: '101', force: '1' },
      "unable to restore VM 101 - CT 101 already exists on node 'pve1'",
    ],
    ['over one that runs', 'qemu', { vmid: '100', force: '1' }, 'unable to restore VM 100 - vm is running'],
    [
      'to a storage without images',
      'qemu',
      { storage: 'nas' },
      "Content type 'images' is not available on storage 'nas'",
    ],
    ['to a storage that is not there', 'qemu', { storage: 'nosuch' }, "storage 'nosuch' does not exist"],
    ['with a drive of its own', 'qemu', { scsi1: 'local-lvm:1' }, 'Parameter verification failed.'],
    [
      'what is no archive of a storage',
      'qemu',
      { archive: '/etc/passwd' },
      'Only root can pass arbitrary filesystem paths.',
    ],
    ['a privileged container', 'lxc', {}, 'Permission check failed (/, Sys.Modify)'],
    ['a template under the name of a restore', 'lxc', { restore: '0' }, 'content type needs to be'],
  ] as const)('%s', async (_what, kind, form, says) => {
    const archive = await lab.archive(kind === 'qemu' ? 100 : 103)
    const named: Record<string, string> = kind === 'qemu' ? { archive } : { ostemplate: archive, restore: '1' }
    const answer = await lab.ask('POST', `/nodes/pve1/${kind}`, {
      vmid: String(vmid),
      storage: 'local-lvm',
      ...named,
      ...form,
    })
    expect(answer.status).not.toBe(200)
    expect(answer.reason).toContain(says)
    expect(lab.lab.guests.some((guest) => guest.vmid === vmid)).toBe(false)
  })

  it('a guest that is protected or locked, and one without rights on its bridge or its archive', async () => {
    const archive = await lab.archive(102)
    const over = (): Promise<RawResponse> =>
      lab.ask('POST', '/nodes/pve1/qemu', { vmid: '102', force: '1', archive, storage: 'local-lvm' })
    lab.lab.control.guest(102, { options: { protection: '1' } })
    expect((await over()).reason).toBe('unable to restore VM 102 - protection mode enabled')
    lab.lab.control.guest(102, { options: {} })
    lab.lab.control.lockGuest(102, 'backup')
    expect((await over()).reason).toBe('unable to restore VM 102 - VM is locked (backup)')
    lab.lab.control.lockGuest(102)
    let whole: Parameters<Parameters<typeof lab.lab.control.changeAcl>[0]>[0] = []
    lab.lab.control.changeAcl((acl) => {
      whole = acl
      return acl.filter(({ path }) => !path.startsWith('/sdn'))
    })
    expect((await over()).reason).toBe('Permission check failed (/sdn/zones/localnetwork/vmbr0, SDN.Use)')
    lab.lab.control.changeAcl((acl) => acl.filter(({ who, path }) => path !== '/vms' || !who.startsWith('restore')))
    expect((await over()).reason).toBe('Permission check failed')
    lab.lab.control.changeAcl(() => whole)
  })

  it('the second of two restores to one id', async () => {
    const archive = await lab.archive(100)
    const form = { vmid: String(vmid), archive, storage: 'local-lvm' }
    const both = await Promise.all([1, 2].map(() => lab.ask('POST', '/nodes/pve1/qemu', form)))
    expect(both.filter(({ status }) => status === 200)).toHaveLength(1)
  })
})

describe('a restored guest in the lab', () => {
  it('replaces the one that was there, whose disks are gone', async () => {
    const archive = await lab.archive(102)
    await lab.restore('qemu', { vmid: String(vmid), archive })
    const [before] = disksOf(vmid)
    const task = await lab.restore('qemu', { vmid: String(vmid), archive, force: '1' })
    expect(task?.status).toBe('OK')
    expect(disksOf(vmid)).toEqual([before])
  })

  it('stays locked when its worker was killed, and no account but root takes the lock off', async () => {
    const archive = await lab.archive(100)
    lab.lab.control.setSecondsPerDump(10)
    lab.lab.control.setTaskSpeed(0)
    const form = { vmid: String(vmid), archive, storage: 'local-lvm' }
    lab.lab.control.killTask(String(dataOf(await lab.ask('POST', '/nodes/pve1/qemu', form))))
    lab.lab.control.setTaskSpeed(1)
    lab.lab.control.setSecondsPerDump(0)
    const gone = await lab.lab.control.endOfTask(String(dataOf(await lab.ask('DELETE', `/nodes/pve1/qemu/${vmid}`))))
    expect(gone?.status).toBe('VM is locked (create)')
  })

  it('is destroyed with its disks, changed by key, and asked for its agent', async () => {
    const archive = await lab.archive(100)
    await lab.restore('qemu', { vmid: String(vmid), archive, start: '1' })
    const path = `/nodes/pve1/qemu/${vmid}`
    expect(dataOf(await lab.ask('POST', `${path}/agent/ping`))).toEqual({ result: {} })
    expect((await lab.ask('DELETE', path)).reason).toBe(`VM ${vmid} is running - destroy failed`)
    const net0 = String((await config('qemu', vmid))['net0'])
    expect((await lab.ask('PUT', `${path}/config`, { net0: `${net0},link_down=1` })).status).toBe(200)
    expect((await config('qemu', vmid))['net0']).toBe(`${net0},link_down=1`)
    lab.lab.control.guest(vmid, { status: 'stopped' })
    expect((await lab.ask('POST', `${path}/agent/ping`)).reason).toBe(`VM ${vmid} is not running`)
    await lab.lab.control.endOfTask(String(dataOf(await lab.ask('DELETE', path))))
    expect((await lab.ask('GET', `${path}/config`)).status).toBe(500)
    expect(disksOf(vmid)).toEqual([])
  })

  it('keeps its disks when the lab is started again', async () => {
    const archive = await lab.archive(100)
    await lab.restore('qemu', { vmid: String(vmid), archive })
    expect(lab.lab.guests.find((of) => of.vmid === vmid)?.disks[0]).toMatchObject({ stored: true })
    const folder = join(lab.directory, 'storage', 'pve1', 'local-lvm', 'images', String(vmid))
    const [file = ''] = readdirSync(folder)
    expect(statSync(join(folder, file)).size).toBe(3 * MIB)
    writeFileSync(join(folder, file), Buffer.alloc(3 * MIB))
    const again = await lab.archive(vmid)
    await lab.restore('qemu', { vmid: String(vmid + 1), archive: again })
    expect(disksOf(vmid + 1)).toEqual(disksOf(vmid))
  })
})

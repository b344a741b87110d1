import { request as httpRequest } from 'node:http'
import { readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { connect, type DetailedPeerCertificate } from 'node:tls'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { ControlState } from '../../../../local/labs/proxmox/control-state.ts'
import { dataOf, type TestSite, testSite } from './api-client.ts'

const NOW = Date.parse('2026-11-29T12:00:00Z')
const YEARS_BACK = -157_680_000

let site: TestSite
beforeEach(async () => {
  site = await testSite({ controlPort: 0, now: () => NOW })
})
afterEach(() => site.dispose())

interface Answer {
  status: number
  body: ControlState & { error?: string }
}

function control(body?: unknown, headers: Record<string, string> = {}, method?: string): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const sent = httpRequest(site.lab.controlUrl ?? '', {
      method: method ?? (body === undefined ? 'GET' : 'POST'),
      headers,
    })
    sent.on('error', reject)
    sent.on('response', (response) => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('end', () =>
        resolve({
          status: response.statusCode ?? 0,
          body: JSON.parse(Buffer.concat(chunks).toString()) as Answer['body'],
        }),
      )
    })
    sent.end(body === undefined ? undefined : typeof body === 'string' ? body : JSON.stringify(body))
  })
}

const rows = async (path: string): Promise<Record<string, unknown>[]> =>
  dataOf(await site.call('GET', path)) as Record<string, unknown>[]
const config = async (path: string): Promise<Record<string, unknown>> =>
  dataOf(await site.call('GET', path)) as Record<string, unknown>
const guest = (state: ControlState, id: number): ControlState['guests'][number] | undefined =>
  state.guests.find((each) => each.id === id)

describe('the control address', () => {
  it('listens on loopback and shows the state of the site', async () => {
    expect(site.lab.controlUrl).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/$/)
    const { status, body } = await control()
    expect(status).toBe(200)
    expect(body).toMatchObject({
      clockOffsetSeconds: 0,
      now: '2026-11-29T12:00:00.000Z',
      clusterName: 'lab',
      fingerprint: site.lab.fingerprint,
      nodes: [
        { name: 'pve1', online: true },
        { name: 'pve2', online: true },
      ],
      hidden: [],
      nextAnswers: [],
      tasks: [],
    })
    expect(guest(body, 100)).toMatchObject({ kind: 'vm', name: 'web01', node: 'pve1', status: 'running', lock: null })
    expect(guest(body, 103)).toMatchObject({ kind: 'container', node: 'pve2' })
    expect(body.storages.map(({ name, type, enabled }) => [name, type, enabled])).toEqual([
      ['local', 'dir', true],
      ['nas', 'nfs', true],
      ['local-lvm', 'lvmthin', true],
    ])
  })

  it.each([
    ['no JSON', '{', 400, 'The body is no JSON'],
    ['a verb that there is not', { explode: 1 }, 400, 'Unrecognized key: "explode"'],
    ['no verb at all', {}, 400, 'there is no verb in it'],
    ['a list', [], 400, 'expected object'],
    ['text for a number', { removeGuest: '103' }, 400, 'removeGuest: an id is a whole number'],
    [
      'a field that the verb has not',
      { lockGuest: { id: 103, lock: 'backup', why: '' } },
      400,
      'lockGuest: Unrecognized key',
    ],
    ['a guest that there is not', { removeGuest: 999 }, 400, "The lab can't do this: there is no guest 999."],
    ['an id that is taken', { addGuest: { id: 103, kind: 'vm', name: 'x' } }, 400, 'there is a guest 103 already'],
    ['a storage that there is not', { storage: { name: 'tape', freeBytes: 0 } }, 400, 'there is no storage tape'],
    ['a storage and no change', { storage: { name: 'nas' } }, 400, 'give at least one of freeBytes, enabled and type'],
    [
      'a slow answer without a time',
      { nextAnswer: { method: 'GET', path: '/version', fate: 'slow' } },
      400,
      'needs "seconds"',
    ],
    ['a time that names cannot hold', { clockOffsetSeconds: -3_000_000_000 }, 400, 'before 1970'],
  ])('refuses %s with a sentence and changes nothing', async (_what, body, status, sentence) => {
    const before = await control()
    const refused = await control(body)
    expect(refused.status).toBe(status)
    expect(refused.body.error).toContain(sentence)
    expect((await control()).body).toEqual(before.body)
  })

  it('does nothing of a command of which a part is impossible', async () => {
    expect((await control({ renameGuest: { id: 100, name: 'other' }, removeGuest: 999 })).status).toBe(400)
    expect(guest((await control()).body, 100)?.name).toBe('web01')
  })

  it('refuses names that lead here from elsewhere, pages of a browser, other paths and other methods', async () => {
    expect((await control({ removeGuest: 103 }, { host: 'attacker.example' })).status).toBe(403)
    expect((await control({ removeGuest: 103 }, { origin: 'http://127.0.0.1' })).status).toBe(403)
    expect((await control({ removeGuest: 103 }, {}, 'PUT')).status).toBe(405)
    expect((await control({ removeGuest: 103 }, { host: 'localhost:1' })).status).toBe(200)
  })
})

describe('a clock that is wrong', () => {
  it('dates everything that the node dates, years back and years ahead', async () => {
    for (const offset of [YEARS_BACK, -YEARS_BACK]) {
      const shown = Math.floor(NOW / 1000) + offset
      const year = String(new Date(shown * 1000).getUTCFullYear())
      expect((await control({ clockOffsetSeconds: offset })).body.clockOffsetSeconds).toBe(offset)
      const answer = await site.call('GET', '/version')
      const date = answer.headers.find(([name]) => name === 'Date')?.[1] ?? ''
      expect(Date.parse(date) / 1000).toBe(shown)
      const upid = await site.start(101, '&compress=zstd&notes-template=x')
      expect(Number.parseInt(upid.split(':')[4] ?? '', 16)).toBe(shown)
      expect((await site.lab.control.endOfTask(upid))?.status).toBe('OK')
      const [volume] = (await rows('/nodes/pve1/storage/nas/content')).filter((row) =>
        String(row['volid']).includes(`-101-${year}_`),
      )
      expect(volume?.['ctime']).toBe(shown)
      const archive = site.lab.control.archives().find(({ file }) => file.includes(`-101-${year}_`))
      for (const path of [
        archive?.path ?? '',
        `${archive?.path}.notes`,
        String(archive?.path).replace('.tar.zst', '.log'),
      ])
        expect(Math.floor(statSync(path).mtimeMs / 1000), path).toBe(shown)
      const [task] = await rows('/nodes/pve1/tasks?source=all&typefilter=vzdump')
      expect(task).toMatchObject({ upid, starttime: shown, endtime: shown })
    }
    const auditor = await site.loginAs('auditor@pve')
    expect(auditor.ticket).toMatch(new RegExp(`:${(Math.floor(NOW / 1000) - YEARS_BACK).toString(16).toUpperCase()}::`))
    expect(dataOf(await auditor.get('/nodes/pve1/time'))).toMatchObject({ time: Math.floor(NOW / 1000) - YEARS_BACK })
  })

  it('leaves the uptime alone, and is taken up again with the state', async () => {
    await control({ clockOffsetSeconds: YEARS_BACK })
    const [row] = await rows('/nodes/pve1/qemu')
    expect(row?.['uptime']).toBe(3_600)
    const { directory } = site
    await site.lab.close()
    site = await testSite({ controlPort: 0, now: () => NOW, directory })
    expect((await control()).body.clockOffsetSeconds).toBe(YEARS_BACK)
  })
})

describe('guests', () => {
  it('have the identities that real ones have, in the configuration and inside their archives', async () => {
    const vm = await config('/nodes/pve1/qemu/100/config')
    expect(vm['smbios1']).toMatch(/^uuid=[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/)
    expect(vm['meta']).toMatch(/^creation-qemu=\d+(\.\d+)+,ctime=\d+$/)
    expect(vm['vmgenid']).toMatch(/^[0-9a-f-]{36}$/)
    const container = await config('/nodes/pve1/lxc/101/config')
    expect(container['net0']).toMatch(/hwaddr=BC:24:11(:[0-9A-F]{2}){3}/)
    await site.backUp(100, '&compress=zstd')
    await site.backUp(101, '&compress=zstd')
    const embedded = async (vmid: number): Promise<unknown> => {
      const volume = (await rows('/nodes/pve1/storage/nas/content')).find((row) => row['vmid'] === vmid)
      return dataOf(await site.call('GET', `/nodes/pve1/vzdump/extractconfig?volume=${String(volume?.['volid'])}`))
    }
    for (const key of ['smbios1', 'meta', 'vmgenid'])
      expect(await embedded(100)).toContain(`${key}: ${String(vm[key])}\n`)
    expect(await embedded(101)).toContain(`net0: ${String(container['net0'])}\n`)
  })

  it('keep their identity when they are renamed and lose it when their id is given again', async () => {
    const before = (await control()).body
    const renamed = await control({ renameGuest: { id: 103, name: 'cache-new' } })
    expect(guest(renamed.body, 103)).toEqual({ ...guest(before, 103), name: 'cache-new' })
    await control({ lockGuest: { id: 103, lock: 'backup' } })
    const recreated = await control({ recreateGuest: { id: 103, name: 'payroll-new' } })
    const vm = await control({ recreateGuest: { id: 100 } })
    expect(guest(recreated.body, 103)).toMatchObject({ name: 'payroll-new', lock: null })
    expect(guest(recreated.body, 103)?.identity.id).not.toBe(guest(before, 103)?.identity.id)
    expect(guest(vm.body, 100)).toMatchObject({ name: 'web01', identity: { createdAt: '2026-11-29T12:00:00.000Z' } })
    expect(guest(vm.body, 100)?.identity.id).not.toBe(guest(before, 100)?.identity.id)
    const again = await control({ recreateGuest: { id: 100 } })
    expect(guest(again.body, 100)?.identity.id).not.toBe(guest(vm.body, 100)?.identity.id)
  })

  it('come, go, are locked and freed', async () => {
    await control({ addGuest: { id: 120, kind: 'vm', name: 'x' } })
    expect(await config('/nodes/pve1/qemu/120/config')).toMatchObject({ name: 'x' })
    await control({
      addGuest: { id: 121, kind: 'container', name: 'y', node: 'pve2', status: 'stopped', sizeBytes: 1000 },
    })
    expect((await site.backUp(121)).status).toBe('OK')
    await control({ lockGuest: { id: 120, lock: 'backup' } })
    expect((await config('/nodes/pve1/qemu/120/config'))['lock']).toBe('backup')
    expect(guest((await control({ lockGuest: { id: 120, lock: null } })).body, 120)?.lock).toBeNull()
    expect(guest((await control({ removeGuest: 120 })).body, 120)).toBeUndefined()
    expect((await site.call('GET', '/nodes/pve1/qemu/120/config')).status).toBe(500)
  })

  it('that are hidden are in no list and are refused when asked for', async () => {
    expect((await control({ hidden: [100, 103] })).body.hidden).toEqual([100, 103])
    const seen = (await rows('/cluster/resources?type=vm')).map((row) => row['vmid'])
    expect(seen).toEqual([101, 102])
    expect((await rows('/nodes/pve1/qemu')).map((row) => row['vmid'])).toEqual([102])
    expect((await site.call('GET', '/nodes/pve1/qemu/100/config')).reason).toBe(
      'Permission check failed (/vms/100, VM.Audit)',
    )
    expect(Object.keys(await config('/access/permissions')).filter((path) => /^\/vms\/\d/.test(path))).toEqual([
      '/vms/101',
      '/vms/102',
    ])
    await control({ hidden: [] })
    expect(await rows('/cluster/resources?type=vm')).toHaveLength(4)
  })

  it('are as many as wanted, and the same for the same number', async () => {
    const many = await testSite({ guestCount: 20, guestBytes: 65_536 })
    const other = await testSite({ guestCount: 20, guestBytes: 65_536 })
    const facts = (lab: TestSite): unknown => lab.lab.guests.map(({ identity: _identity, ...guest }) => guest)
    expect(many.lab.guests).toHaveLength(20)
    expect(new Set(many.lab.guests.map((each) => each.name)).size).toBe(20)
    expect(facts(many)).toEqual(facts(other))
    await many.dispose()
    await other.dispose()
  })
})

describe('storages', () => {
  it('run full, are switched off and change their type', async () => {
    const free = async (name: string): Promise<unknown> => (await config(`/nodes/pve1/storage/${name}/status`))['avail']
    await control({ storage: { name: 'local', freeBytes: 0 } })
    expect(await free('local')).toBe(0)
    await control({ storage: { name: 'local', freeBytes: 5 * 1024 ** 4 } })
    expect(await free('local')).toBe(5 * 1024 ** 4)
    const off = await control({ storage: { name: 'local', enabled: false } })
    expect(off.body.storages[0]).toMatchObject({ name: 'local', enabled: false })
    expect((await config('/nodes/pve1/storage/local/status'))['enabled']).toBe(0)
    await control({ storage: { name: 'local', enabled: true } })
    expect((await config('/nodes/pve1/storage/local/status'))['enabled']).toBe(1)
    await control({ storage: { name: 'nas', type: 'bareos' } })
    expect((await config('/nodes/pve1/storage/nas/status'))['type']).toBe('bareos')
  })
})

describe('the next answer', () => {
  const begin = (): ReturnType<TestSite['call']> => site.call('POST', '/nodes/pve1/vzdump', 'vmid=100&storage=nas')

  it('is lost after the work was done, or dropped before, and is shown until it has struck', async () => {
    const lost = { method: 'POST', path: '/vzdump', fate: 'lost' }
    expect((await control({ nextAnswer: lost })).body.nextAnswers).toEqual([lost])
    await site.call('GET', '/version')
    expect((await begin()).cut).toBe(true)
    expect(site.lab.control.tasks()).toHaveLength(1)
    expect((await control()).body.nextAnswers).toEqual([])
    await control({ nextAnswer: { ...lost, fate: 'dropped' } })
    expect((await begin()).cut).toBe(true)
    expect(site.lab.control.tasks()).toHaveLength(1)
    expect((await begin()).status).toBe(200)
  })

  it('is slow', async () => {
    await control({ nextAnswer: { method: 'GET', path: '/version', fate: 'slow', seconds: 0.05 } })
    expect((await site.call('GET', '/version')).status).toBe(200)
    expect((await control()).body.nextAnswers).toEqual([])
  })
})

describe('another cluster behind the same address', () => {
  const peer = (): Promise<DetailedPeerCertificate> =>
    new Promise((resolve, reject) => {
      const socket = connect(
        { port: Number(new URL(site.lab.apiUrl).port), host: '127.0.0.1', rejectUnauthorized: false },
        () => {
          resolve(socket.getPeerCertificate(true))
          socket.destroy()
        },
      )
      socket.on('error', reject)
    })
  const fingerprints = async (): Promise<unknown[]> => (await rows('/nodes')).map((row) => row['ssl_fingerprint'])

  it('has another name and other certificates behind a handshake that stays the same', async () => {
    const first = (await control()).body
    expect((await peer()).issuer.OU).toBe(first.clusterId)
    const before = await fingerprints()
    expect(before[0]).toBe(site.lab.fingerprint)
    const { body } = await control({ clusterId: 'rebuilt' })
    expect(body).toMatchObject({ clusterId: 'rebuilt', clusterName: 'rebuilt', fingerprint: first.fingerprint })
    expect((await peer()).fingerprint256).toBe(first.fingerprint)
    for (const [index, print] of (await fingerprints()).entries()) expect(print).not.toBe(before[index])
    const auditor = await site.loginAs('auditor@pve')
    expect(auditor.clustername).toBe('rebuilt')
    expect(dataOf(await auditor.get('/cluster/status'))).toContainEqual(
      expect.objectContaining({ type: 'cluster', name: 'rebuilt' }),
    )
    expect((await site.loginAs('backup@pve')).clustername).toBeUndefined()
    const back = await control({ clusterId: first.clusterId })
    expect(back.body.clusterName).toBe('lab')
    expect(await fingerprints()).toEqual(before)
  })

  it('shows the certificate of its own authority when told to', async () => {
    const first = (await control()).body
    const { body } = await control({ clusterId: '11111111-2222-4333-8444-555555555555', certificate: 'cluster' })
    expect(body.fingerprint).not.toBe(first.fingerprint)
    const shown = await peer()
    expect(shown.fingerprint256).toBe(body.fingerprint)
    expect(shown.issuer.OU).toBe(body.clusterId)
    expect((await fingerprints())[0]).toBe(body.fingerprint)
    expect((await control({ certificate: 'first' })).body.fingerprint).toBe(first.fingerprint)
  })

  it('has other names of nodes when told to, and no jobs under them', async () => {
    await site.backUp(101)
    await control({ renameNode: { from: 'pve1', to: 'alpha' } })
    expect((await rows('/cluster/resources?type=node')).map((row) => row['node'])).toEqual(['alpha', 'pve2'])
    expect(await rows('/nodes/alpha/tasks')).toEqual([])
    expect((await rows('/nodes/alpha/lxc')).map((row) => row['vmid'])).toEqual([101])
    expect((await site.call('GET', '/nodes/pve1/lxc')).status).toBe(500)
  })
})

describe('a state directory of an older lab', () => {
  it('is taken up: its guests get identities, its certificate and everything else stay', async () => {
    const { directory, lab } = site
    await lab.close()
    const path = join(directory, 'site.json')
    const state = JSON.parse(readFileSync(path, 'utf8')) as { guests: { identity?: unknown }[]; cluster?: unknown }
    for (const each of state.guests) delete each.identity
    delete state.cluster
    writeFileSync(path, JSON.stringify(state))
    const credentials = JSON.parse(readFileSync(join(directory, 'credentials.json'), 'utf8')) as { clusterId?: string }
    delete credentials.clusterId
    writeFileSync(join(directory, 'credentials.json'), JSON.stringify(credentials))
    site = await testSite({ controlPort: 0, now: () => NOW, directory })
    expect(site.lab.fingerprint).toBe(lab.fingerprint)
    const { body } = await control()
    expect(body.clusterName).toBe('lab')
    expect(body.guests.every((each) => each.identity.id !== null)).toBe(true)
    expect((await site.backUp(100)).status).toBe('OK')
  })
})

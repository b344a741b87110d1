import { afterEach, describe, expect, it } from 'vitest'
import { openProxmox } from '../../../../functions/providers/proxmox/provider.ts'
import { answer, data, type Reply, startServer } from './scripted-server.ts'
import { shortLimits, siteFor, surroundings } from './site.ts'

const closing: { close(): Promise<void> }[] = []
afterEach(async () => {
  await Promise.all(closing.splice(0).map((one) => one.close()))
})

const uuid = '0f0e0d0c-0b0a-4009-8807-060504030201'
const rows = [
  { vmid: 100, type: 'qemu', node: 'pve1', name: 'web', status: 'running' },
  { vmid: 101, type: 'lxc', node: 'pve1', name: 'db', status: 'running' },
  { vmid: 102, type: 'lxc', node: 'pve2', name: '', status: 'unknown' },
]
const configurations: Record<string, Reply> = {
  '/nodes/pve1/qemu/100/config?current=1': data({
    smbios1: `uuid=${uuid.toUpperCase()}`,
    meta: 'creation-qemu=10.0.2,ctime=1764000000',
  }),
  '/nodes/pve1/lxc/101/config?current=1': data({ net0: 'name=eth0,hwaddr=BC:24:11:00:00:65', swap: 512 }),
}

async function open(changes: Record<string, Reply> = {}, guests: object[] = rows) {
  const server = await startServer(({ path }) => {
    const below = path.replace('/api2/json', '')
    if (below.includes('type=vm')) return data(guests)
    if (below.includes('type=node'))
      return data([
        { node: 'pve1', status: 'online' },
        { node: 'pve2', status: 'offline' },
      ])
    if (below.includes('/permissions')) return data({ '/vms': { 'VM.Audit': 1, 'VM.Backup': 1 } })
    return changes[below] ?? configurations[below] ?? answer(500, 'no such thing')
  })
  const deps = surroundings()
  const provider = openProxmox('hq', siteFor(server), deps, shortLimits)
  closing.push(provider, server)
  const configurationsRead = () => server.requests.filter(({ path }) => path.includes('/config')).length
  return { provider, deps, configurationsRead }
}

describe('who a guest is', () => {
  it('comes with it when it is looked for by its id', async () => {
    const { provider } = await open()
    expect(await provider.findGuests(['100', '101'])).toMatchObject([
      { id: '100', identity: { id: `smbios:${uuid}`, witness: 'ctime:1764000000' } },
      { id: '101', identity: { id: 'hwaddr:bc:24:11:00:00:65' } },
    ])
  })

  it.each(['identities', 'everything'] as const)(
    'is in a list with %s, but for guests of a silent node',
    async (depth) => {
      const { provider, configurationsRead } = await open()
      const { guests, notes } = await provider.listGuests(depth)
      expect(guests.map(({ id, identity }) => [id, identity?.id])).toEqual([
        ['100', `smbios:${uuid}`],
        ['101', 'hwaddr:bc:24:11:00:00:65'],
        ['102', undefined],
      ])
      expect(notes.filter((note) => note.includes('guest 10'))).toEqual([])
      expect(configurationsRead()).toBe(2)
    },
  )

  it('costs a plain list nothing', async () => {
    const { provider, configurationsRead } = await open()
    expect((await provider.listGuests()).guests.every(({ identity }) => identity === undefined)).toBe(true)
    expect(configurationsRead()).toBe(0)
  })

  it.each([
    ['is refused', answer(403, 'Permission check failed (/vms/100, VM.Audit)')],
    ['is gone', answer(500, "Configuration file 'nodes/pve1/qemu-server/100.conf' does not exist")],
    ['is no object', data([])],
  ])('stays unknown, with a note and no failure, when its configuration %s', async (_, reply) => {
    const { provider, deps } = await open({ '/nodes/pve1/qemu/100/config?current=1': reply })
    const { guests, notes } = await provider.listGuests('identities')
    expect(guests.map(({ identity }) => identity?.id)).toEqual([undefined, 'hwaddr:bc:24:11:00:00:65', undefined])
    expect(notes).toEqual([expect.stringContaining('guest 100')])
    expect(await provider.findGuests(['100'])).toEqual([
      { id: '100', kind: 'vm', name: 'web', node: 'pve1', nodeOffline: false },
    ])
    expect(deps.logged.join()).toContain('platform-identity-unknown')
  })

  it('is asked of a node that went silent for one round of guests, not for all of them', async () => {
    const many = Array.from({ length: 50 }, (_, index) => ({
      vmid: 200 + index,
      type: 'qemu',
      node: 'pve1',
      status: 'running',
    }))
    const silent = Object.fromEntries(
      many.map(({ vmid }) => [`/nodes/pve1/qemu/${vmid}/config?current=1`, answer(595, 'No route to host')]),
    )
    const { provider, configurationsRead } = await open(silent, many)
    const { guests, notes } = await provider.listGuests('identities')
    expect(guests).toHaveLength(50)
    expect(configurationsRead()).toBeLessThanOrEqual(8 * 4)
    expect(notes).toHaveLength(6)
    expect(notes.at(-1)).toBe('The same is so for 45 more guests.')
  })
})

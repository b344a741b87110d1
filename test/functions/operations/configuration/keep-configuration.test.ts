import { beforeEach, describe, expect, it } from 'vitest'
import { RequestRejected, PlatformUnavailable } from '../../../../functions/contracts/errors.ts'
import type { ConfigurationPart, SiteConfiguration } from '../../../../functions/contracts/site-configuration.ts'
import { keepConfiguration } from '../../../../functions/operations/configuration/keep-configuration.ts'
import {
  configurationChanges,
  newestConfiguration,
  type RecordedChanges,
} from '../../../../functions/operations/configuration/read-configurations.ts'
import type { Provider } from '../../../../functions/providers/provider.ts'
import { type FakePorts, fakePorts } from '../../../fakes/ports.ts'

const input = { site: 'hq', platform: 'proxmox', platformVersion: '9.2.11' }
const DAY = 86_400_000

let ports: FakePorts
let parts: ConfigurationPart[]
beforeEach(() => {
  ports = fakePorts()
  parts = [{ part: 'users', what: 'Users', entries: { 'a@pve': { enable: 1, password: 'hunter2' } } }]
  const read = async () => structuredClone(parts)
  ports.provider = async () => ({ configuration: { read } }) as unknown as Provider
})
const later = (milliseconds: number) => {
  ports.clock.now = new Date(ports.clock.now.getTime() + milliseconds)
}
const keys = () => ports.store.listKeys('configurations/')

describe("a site's configuration", () => {
  it('is kept whole with the first run, without its secrets, which are named', async () => {
    const kept = await keepConfiguration(input, ports)
    expect(kept).toEqual({
      key: 'configurations/hq/2026-11-22T02-00-05Z.json',
      takenAt: '2026-11-22T02:00:05.000Z',
      changes: [],
      changeCount: 0,
      incomplete: [],
    })
    const text = (await ports.store.readText(kept.key))?.text ?? ''
    expect(text).not.toContain('hunter2')
    expect(JSON.parse(text)).toMatchObject({ version: 1, site: 'hq', leftOut: ['users/a@pve.password'] })
  })

  it('keeps entries whose own names sound like secrets: a storage may be called token', async () => {
    const entries = { token: { type: 'dir', password: 'hunter2' }, keys: { type: 'nfs' } }
    parts = [{ part: 'storages', what: 'Storages', entries }]
    const { key } = await keepConfiguration(input, ports)
    const record = JSON.parse((await ports.store.readText(key))?.text ?? '') as SiteConfiguration
    expect(record.parts[0]?.entries).toMatchObject({ token: { type: 'dir' }, keys: { type: 'nfs' } })
    expect(record.leftOut).toEqual(['storages/token.password'])
  })

  it('is not written again while nothing changes, and is told where it lies', async () => {
    const first = await keepConfiguration(input, ports)
    later(DAY)
    expect(await keepConfiguration(input, ports)).toEqual(first)
    expect(await keys()).toEqual([first.key])
    expect(ports.logged).toEqual([])
  })

  it('is written again after a month, whatever became of the older record by then', async () => {
    await keepConfiguration(input, ports)
    later(30 * DAY - 1)
    await keepConfiguration(input, ports)
    expect(await keys()).toHaveLength(1)
    later(1)
    expect(await keepConfiguration(input, ports)).toMatchObject({ changeCount: 0, takenAt: ports.now().toISOString() })
    expect(await keys()).toHaveLength(2)
  })

  it('is written beside the older one when something changed, which is told', async () => {
    await keepConfiguration(input, ports)
    later(DAY)
    parts = [{ part: 'users', what: 'Users', entries: { 'a@pve': { enable: 0, password: 'hunter2' }, 'b@pve': {} } }]
    expect(await keepConfiguration(input, ports)).toMatchObject({
      changeCount: 2,
      changes: [
        { part: 'users', entry: 'a@pve', change: 'changed', fields: ['enable'] },
        { part: 'users', entry: 'b@pve', change: 'added' },
      ],
    })
    expect(await keys()).toHaveLength(2)
  })

  it('is told in the log where something changed, and is kept beside what another run kept in the same second', async () => {
    const first = await keepConfiguration(input, ports)
    parts = [{ part: 'users', what: 'Users', entries: { 'a@pve': { enable: 0, password: 'hunter2' } } }]
    const second = await keepConfiguration(input, ports)
    expect(second).toMatchObject({ key: 'configurations/hq/2026-11-22T02-00-06Z.json', changeCount: 1 })
    expect(ports.logged).toMatchObject([
      { event: 'configuration-changed', fields: { changes: 1 } },
      { event: 'configuration-key-taken', fields: { key: first.key } },
    ])
    expect(await keys()).toEqual([first.key, second.key])
    expect(JSON.parse((await ports.store.readText(second.key))?.text ?? '')).toMatchObject({
      takenAt: second.takenAt,
      parts: [{ entries: { 'a@pve': { enable: 0 } } }],
    })
  })

  it('is found as it was at an instant, and record by record with what changed', async () => {
    const { key: first } = await keepConfiguration(input, ports)
    const at = ports.now().toISOString()
    for (const enable of [0, 2]) {
      later(DAY)
      parts = [{ part: 'users', what: 'Users', entries: { 'a@pve': { enable, password: 'hunter2' } } }]
      await keepConfiguration(input, ports)
    }
    expect((await newestConfiguration('hq', ports, at)).found?.key).toBe(first)
    expect((await newestConfiguration('hq', ports, '2026-11-01T00:00:00.000Z')).found).toBeUndefined()
    const told: RecordedChanges[] = []
    for await (const one of configurationChanges('hq', ports)) told.push(one)
    expect(told.map(({ key, changes }) => [key === first, changes.length])).toEqual([
      [true, 0],
      [false, 1],
      [false, 1],
    ])
  })

  it('shows no more changes than state has room for, and counts them all', async () => {
    await keepConfiguration(input, ports)
    later(DAY)
    const many = Array.from({ length: 300 }, (_, index) => [`user${index}@pve`, { enable: 1 }])
    parts = [{ part: 'users', what: 'Users', entries: Object.fromEntries(many) }]
    const { changes, changeCount } = await keepConfiguration(input, ports)
    expect({ shown: changes.length, changeCount }).toEqual({ shown: 100, changeCount: 301 })
  })

  it('says which parts may be incomplete, and never that what is hidden now is gone', async () => {
    await keepConfiguration(input, ports)
    later(DAY)
    parts = [{ part: 'users', what: 'Users', entries: {}, incomplete: 'The account lacks a right.' }]
    expect(await keepConfiguration(input, ports)).toMatchObject({
      changeCount: 0,
      incomplete: ['Users: The account lacks a right.'],
    })
    // The record that holds the users is still there.
    expect(await keys()).toHaveLength(2)
  })

  it('leaves a record that nobody can read as it is, and compares with the one before', async () => {
    const first = await keepConfiguration(input, ports)
    const broken = 'configurations/hq/2026-11-22T03-00-00Z.json'
    await ports.store.writeText(broken, '<html>')
    later(DAY)
    expect(await keepConfiguration(input, ports)).toEqual(first)
    expect((await ports.store.readText(broken))?.text).toBe('<html>')
    expect(ports.logged.map(({ event }) => event)).toContain('configuration-unreadable')
  })

  it('is not kept when the site stops answering: nothing is written', async () => {
    const read = () => Promise.reject(new PlatformUnavailable('hq is gone'))
    ports.provider = async () => ({ configuration: { read } }) as unknown as Provider
    await expect(keepConfiguration(input, ports)).rejects.toThrow(PlatformUnavailable)
    expect(await keys()).toEqual([])
  })

  it('is refused with a sentence on a platform that says nothing of it', async () => {
    ports.provider = async () => ({ platform: 'ec2' }) as unknown as Provider
    await expect(keepConfiguration(input, ports)).rejects.toThrow(RequestRejected)
  })
})

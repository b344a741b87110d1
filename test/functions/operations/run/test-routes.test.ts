import type { Storages } from '../../../../functions/providers/capabilities/storages.ts'
import type { Provider } from '../../../../functions/providers/provider.ts'
import { FakeProvider } from '../../../fakes/fake-provider.ts'
import { describe, expect, it } from 'vitest'
import {
  ConnectionDropped,
  GuestliftError,
  HostKeyMismatch,
  PrivilegeMissing,
} from '../../../../functions/contracts/errors.ts'
import { testRoutes } from '../../../../functions/operations/run/test-routes.ts'
import type { CheckedPlace, Route } from '../../../../functions/readers/reader.ts'
import { fakePorts } from '../../../fakes/ports.ts'

const nodesOf = (count: number) => Array.from({ length: count }, (_, index) => `pve${index + 1}`)

/** A route whose checks are the test's; those that it is told of are counted. */
function routeThat(check: Route['check'], endOf: Route['endOf'] = (node) => node): Route {
  return { open: () => Promise.reject(new Error('no reader here')), endOf, check }
}

describe('testing the routes of a run', () => {
  const test = { site: 'hq', nodes: nodesOf(2), storage: 'nas' }

  it('asks a file server once that all nodes share, and takes its answer for all of them', async () => {
    const asked: string[] = []
    const route = routeThat(
      async (node) => {
        asked.push(node)
        throw new HostKeyMismatch('another key')
      },
      () => 'nas:22',
    )
    const refusals = await testRoutes({ ...test, nodes: nodesOf(20) }, route, {}, fakePorts())
    expect(asked).toEqual(['pve1'])
    expect([...refusals.keys()]).toEqual(nodesOf(20))
  })

  it('tells the route which folder and which storage archives will land in', async () => {
    const places: (CheckedPlace | undefined)[] = []
    const route = routeThat(async (_node, place) => void places.push(place))
    await testRoutes(
      { ...test, nodes: ['pve1'] },
      route,
      foldersAre(async () => '/mnt/pve/nas/dump'),
      fakePorts(),
    )
    const auto = { ...test, nodes: ['pve1'], storage: 'auto' }
    await testRoutes(
      auto,
      route,
      foldersAre(() => Promise.reject(new Error('not asked'))),
      fakePorts(),
    )
    expect(places).toEqual([
      { storage: 'nas', folder: '/mnt/pve/nas/dump', withinMilliseconds: 6_000 },
      { withinMilliseconds: 6_000 },
    ])
  })

  it('tests the rest where the folder can not be known', async () => {
    const ports = fakePorts()
    const refusals = await testRoutes(
      test,
      routeThat(async () => undefined),
      foldersAre(() => Promise.reject(new PrivilegeMissing('not shown'))),
      ports,
    )
    expect(refusals.size).toBe(0)
    expect(ports.logged).toMatchObject([{ event: 'backup-folder-unknown' }])
  })

  it('gives nodes that send to the store a URL of it, and no others', async () => {
    const places: (CheckedPlace | undefined)[] = []
    const route = routeThat(async (_node, place) => void places.push(place))
    const pushing: Route = { ...route, openPusher: () => Promise.reject(new Error('no pusher here')) }
    await testRoutes({ ...test, nodes: ['pve1'] }, pushing, {}, fakePorts())
    await testRoutes({ ...test, nodes: ['pve1'] }, route, {}, fakePorts())
    expect(places.map((place) => place?.storeUrl)).toEqual(['memory:/none/1', undefined])
  })

  it('is over within six seconds of its clock, tries who does not answer again, and keeps a clear refusal', async () => {
    const ports = fakePorts()
    const begunAt = ports.now().getTime()
    const asked = new Map<string, number>()
    const route = routeThat(async (node) => {
      asked.set(node, (asked.get(node) ?? 0) + 1)
      throw node === 'pve1' ? new HostKeyMismatch('another key') : new ConnectionDropped('refused')
    })
    const refusals = await testRoutes(test, route, {}, ports)
    expect(refusals.get('pve1')?.name).toBe('HostKeyMismatch')
    expect(refusals.get('pve2')).toMatchObject({ name: 'RouteUnreachable', group: 'fail-run', standing: 'unscathed' })
    expect(asked.get('pve1')).toBe(1)
    expect(asked.get('pve2')).toBeGreaterThan(1)
    expect(ports.now().getTime() - begunAt).toBeLessThanOrEqual(6_000)
  })

  it('gives up on nodes that are silent, and holds nothing against those whose turn did not come', async () => {
    const ports = fakePorts()
    const begun: string[] = []
    const route = routeThat((node) => {
      begun.push(node)
      return new Promise(() => undefined)
    })
    const tested = testRoutes({ ...test, nodes: nodesOf(20) }, route, {}, ports)
    await Promise.resolve()
    while (begun.length < 16) await new Promise((resolve) => setImmediate(resolve))
    expect(begun).toHaveLength(16)
    ports.clock.now = new Date(ports.clock.now.getTime() + 6_000)
    for (const timer of ports.timers) timer.fire()
    const refusals = await tested
    expect([...refusals.keys()]).toEqual(begun)
    for (const error of refusals.values()) expect(error).toBeInstanceOf(GuestliftError)
    expect(ports.logged.filter(({ event }) => event === 'route-not-tested')).toHaveLength(4)
  })
})

/** A platform with storages of which only the folder can be asked. */
function foldersAre(folderOf: Storages['folderOf']): Pick<Provider, 'storages'> {
  return { storages: { ...new FakeProvider().storages, folderOf } }
}

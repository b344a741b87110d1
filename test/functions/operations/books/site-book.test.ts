import { describe, expect, it } from 'vitest'
import { ClusterChanged } from '../../../../functions/contracts/errors.ts'
import { lookAtSite } from '../../../../functions/operations/selection/look-at-site.ts'
import { acceptCluster, readSiteBook } from '../../../../functions/operations/books/site-book.ts'
import { FakeProvider } from '../../../fakes/fake-provider.ts'
import { MemoryStore } from '../../../fakes/memory-store.ts'

const vm = (id: string) => ({ id, kind: 'vm', name: `vm${id}`, node: 'pve1', nodeOffline: false }) as const

function scene(archived: string[], listed: string[]) {
  const store = new MemoryStore(() => new Date('2026-11-22T02:00:00.000Z'))
  for (const id of archived) {
    store.objects.set(`archives/hq/vm-${id}/2026-11-01T02-00-00Z/manifest.json`, {
      body: Buffer.from('{}'),
      etag: id,
      writtenAt: '2026-11-01T02:00:00.000Z',
    })
  }
  const provider = new FakeProvider()
  provider.guests = listed.map(vm)
  const clock = { now: new Date('2026-11-22T02:00:00.000Z') }
  const ports = { store, keyPrefix: '', now: () => clock.now }
  const look = (its: { record?: boolean; settle?: boolean; confirmedGone?: boolean } = {}) =>
    lookAtSite({ site: 'hq', provider, record: true, ...its }, ports)
  const nextDays = (days: number) => {
    clock.now = new Date(clock.now.getTime() + days * 86_400_000)
  }
  return { store, provider, ports, look, nextDays }
}

describe('the book of a site', () => {
  it('pins the first cluster that answers, and refuses any other until a person accepts it', async () => {
    const { provider, ports, look } = scene(['100'], ['100'])
    await look()
    provider.cluster = 'cluster-2'
    await expect(look()).rejects.toThrow(ClusterChanged)
    await expect(look({ record: false })).rejects.toThrow(ClusterChanged)
    expect((await readSiteBook('hq', ports)).book.cluster?.id).toBe('cluster-1')
    const book = await acceptCluster('hq', 'cluster-2', ports)
    expect(book).toMatchObject({ cluster: { id: 'cluster-2' }, earlierClusters: [{ id: 'cluster-1' }], guests: [] })
    await expect(look()).resolves.toMatchObject({ absent: [] })
  })

  it('counts anew on a cluster that was accepted', async () => {
    const { provider, ports, look, nextDays } = scene(['100', '101'], ['100'])
    for (let list = 0; list < 3; list += 1) {
      await look()
      nextDays(4)
    }
    expect((await look()).absent).toMatchObject([{ id: '101', gone: true }])
    provider.cluster = 'cluster-2'
    await acceptCluster('hq', 'cluster-2', ports)
    expect((await look()).absent).toMatchObject([{ id: '101', lists: 1, gone: false }])
  })

  it('is never taken for none when it can not be read, since that would pin whoever answers', async () => {
    const { store, look } = scene(['100'], ['100'])
    for (const text of ['{', '{"version":2,"site":"hq","guests":[]}', '{"version":1,"site":"other","guests":[]}']) {
      await store.writeText('sites/hq.json', text)
      await expect(look()).rejects.toMatchObject({ name: expect.stringMatching(/^Record(Unreadable|TooNew)$/) })
      expect((await store.readText('sites/hq.json'))?.text).toBe(text)
    }
  })

  it('believes no list of a site that does not tell which cluster it is, once one is known', async () => {
    const { provider, look, nextDays } = scene(['100', '101'], ['100'])
    await look()
    provider.cluster = undefined
    for (let list = 0; list < 5; list += 1) {
      nextDays(5)
      expect(await look()).toMatchObject({ absent: [], mayLack: expect.stringMatching(/doesn't show which cluster/) })
    }
  })

  it('takes no part of a list for the whole of it', async () => {
    const { provider, look, nextDays } = scene(['100', '101'], ['100'])
    provider.mayLack = 'The account may not see all guests.'
    for (let list = 0; list < 5; list += 1) {
      nextDays(5)
      expect((await look()).absent).toEqual([])
    }
    provider.mayLack = undefined
    expect((await look()).absent).toMatchObject([{ lists: 1, gone: false }])
  })

  it('needs a person for a list of nobody, each time until it is settled', async () => {
    const { look, nextDays } = scene(['100', '101'], [])
    expect(await look()).toMatchObject({ absent: [], doubt: expect.stringMatching(/lists no guest at all/) })
    expect((await look({ confirmedGone: true })).absent).toHaveLength(2)
    nextDays(4)
    // Confirmed and not kept: a dry run.
    expect((await look()).doubt).toMatch(/no guest at all/)
    await look({ confirmedGone: true, settle: true })
    nextDays(4)
    const later = await look({ settle: true })
    expect(later.doubt).toBeUndefined()
    expect(later.absent.map(({ gone }) => gone)).toEqual([true, true])
  })

  it('loses nothing when two write at once', async () => {
    const { store, look } = scene(['100', '101', '102'], ['100', '101'])
    await Promise.all([look(), look(), look()])
    expect(JSON.parse((await store.readText('sites/hq.json'))?.text ?? '')).toMatchObject({
      cluster: { id: 'cluster-1' },
      guests: [{ id: '100' }, { id: '101' }, { id: '102', absent: { lists: 1 } }],
    })
  })
})

import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { ClusterChanged, InvalidJob, PlatformUnavailable } from '../../../../functions/contracts/errors.ts'
import type { Guest } from '../../../../functions/contracts/nouns.ts'
import { pruningReportSchema } from '../../../../functions/contracts/pruning.ts'
import { guestRetentionSchema } from '../../../../functions/contracts/retention-report.ts'
import { listPrices } from '../../../../functions/domain/prices/list-prices.ts'
import { planPruning } from '../../../../functions/operations/pruning/plan-pruning.ts'
import { pruneArchives } from '../../../../functions/operations/pruning/prune-archives.ts'
import type { RetentionPorts } from '../../../../functions/operations/pruning/retention-ports.ts'
import { FakeProvider } from '../../../fakes/fake-provider.ts'
import { putArchive } from '../../../fakes/put-archive.ts'
import { openVersionedBucket, type VersionedBucket } from '../../../fakes/versioned-bucket.ts'

const box: Guest = { id: '100', kind: 'container', name: 'box', node: 'pve1' }
const web: Guest = { id: '101', kind: 'vm', name: 'web', node: 'pve1' }
const db: Guest = { id: '102', kind: 'vm', name: 'db', node: 'pve1' }
const all = [box, web, db]

const killed: unknown = Symbol('killed')
const order = { pruningId: 'nightly', startedAt: '2026-11-22T02:00:00.000Z' }
const prefix = 'prunings/2026/11/22/nightly/'

describe('pruning a site', () => {
  let bucket: VersionedBucket
  let ports: RetentionPorts
  let provider: FakeProvider
  /** Milliseconds that are left, as each look at the clock finds them. */
  let left: () => number
  let now: Date
  beforeEach(async () => {
    bucket = await openVersionedBucket('versioned')
    const { store, versions } = bucket
    left = () => 900_000
    now = new Date('2026-11-22T02:00:00.000Z')
    const base = { keyPrefix: '', prices: listPrices, now: () => new Date(), log: () => undefined }
    ports = { ...base, store, versions, remainingMilliseconds: () => left() }
    provider = new FakeProvider()
    provider.guests = all.map((guest) => ({ ...guest, nodeOffline: false }))
    for (const guest of all) {
      for (const day of [1, 2, 3, 4]) await putArchive(bucket, guest, `2026-11-0${day}T02:00:00.000Z`)
    }
  })
  afterEach(() => bucket.close())

  const plan = (request: unknown) =>
    planPruning(
      { ...order, request },
      { store: bucket.store, keyPrefix: '', now: () => now, provider: async () => provider },
    )
  const prune = (planKey: string, its: Partial<RetentionPorts> = {}) =>
    pruneArchives({ ...order, planKey }, { ...ports, ...its })
  /** The site is listed on these days of November, and then on the 22nd. */
  async function daysWithout(request: object, ...days: number[]): Promise<void> {
    for (const day of days) {
      now = new Date(Date.UTC(2026, 10, day))
      await plan(request)
    }
    now = new Date('2026-11-22T02:00:00.000Z')
  }
  const report = async () =>
    pruningReportSchema.parse(JSON.parse((await bucket.store.readText(`${prefix}report.json`))?.text ?? 'null'))
  const manifests = async () =>
    (await bucket.store.listKeys('archives/')).filter((key) => key.endsWith('manifest.json')).length

  it('removes what the rules let go, of all guests, and tells of each', async () => {
    const { planKey } = await plan({ site: 'hq', retention: { 'keep-last': 3 } })
    expect(planKey).toBe(`${prefix}plan.json`)
    expect(await prune(planKey)).toEqual({
      outcome: 'succeeded',
      summary: '3 archives removed of 3 guests (9 B).',
      guests: 3,
      troubled: 0,
      toRemove: 3,
      removed: 3,
      removedBytes: 9,
      locked: 0,
      done: true,
      bucket: 'archives',
      reportKey: `${prefix}report.json`,
    })
    expect(await manifests()).toBe(9)
    expect((await report()).told.map(({ guest, removed }) => `${guest.kind}-${guest.id}: ${removed}`)).toEqual([
      'container-100: 1',
      'vm-101: 1',
      'vm-102: 1',
    ])
    const [own = ''] = await bucket.store.listKeys('retention/hq/vm-101/')
    const reasons = guestRetentionSchema.parse(JSON.parse((await bucket.store.readText(own))?.text ?? ''))
    expect(reasons.archives.map(({ reason }) => reason)[0]).toBe('removed: no rule keeps it')
  })

  it('is done when it is asked again, and tells the same', async () => {
    const { planKey } = await plan({ site: 'hq', retention: { 'keep-last': 3 } })
    const first = await prune(planKey)
    expect(await prune(planKey)).toEqual(first)
  })

  it('treats guests that are gone from the site by their own rule', async () => {
    provider.guests = provider.guests.filter(({ id }) => id !== '102')
    const request = { site: 'hq', retention: { 'keep-last': 3, orphans: { 'keep-last': 2 } } }
    await daysWithout(request, 11, 15)
    const { planKey } = await plan(request)
    expect(await prune(planKey)).toMatchObject({ removed: 4 })
    expect((await bucket.store.listKeys('archives/hq/vm-102/')).filter((key) => key.endsWith('.json'))).toHaveLength(2)
  })

  it('leaves guests alone of which nobody knows whether they are gone, and says so', async () => {
    provider.guests = provider.guests.filter(({ id }) => id !== '102')
    provider.mayLack = 'Node pve2 does not answer.'
    const { planKey } = await plan({ site: 'hq', retention: { 'keep-last': 3 } })
    expect(await prune(planKey)).toMatchObject({
      outcome: 'partial',
      removed: 2,
      troubled: 1,
      summary: expect.stringMatching(
        /1 guest needs attention\. vm 102: It isn't known whether this guest is gone.*Node pve2/,
      ),
    })
  })

  it('removes nothing when nobody is listed at all, and needs a person', async () => {
    provider.guests = []
    const { planKey } = await plan({
      site: 'hq',
      retention: { 'keep-last': 1, orphans: { 'keep-last': 1 } },
      confirmed: true,
    })
    expect(await prune(planKey)).toMatchObject({
      outcome: 'failed',
      removed: 0,
      troubled: 3,
      summary: expect.stringMatching(/3 guests need attention\. .*Site hq lists no guest at all/),
    })
    expect(await manifests()).toBe(12)
  })

  it('removes nothing of a cluster that nobody has accepted', async () => {
    const request = { site: 'hq', retention: { 'keep-last': 3 } }
    await plan(request)
    provider.cluster = 'cluster-2'
    await expect(plan({ ...request, confirmed: true, confirmedGone: true })).rejects.toThrow(ClusterChanged)
    const { planKey } = await plan({ ...request, acceptCluster: 'cluster-2' })
    expect(await prune(planKey)).toMatchObject({ outcome: 'succeeded', removed: 3 })
  })

  it('tells of a guest that is absent and not yet gone, and needs nobody for it', async () => {
    provider.guests = provider.guests.filter(({ id }) => id !== '102')
    const { planKey } = await plan({
      site: 'hq',
      retention: { 'keep-last': 1, orphans: { 'keep-last': 1 } },
      guests: ['102'],
    })
    expect(await prune(planKey)).toMatchObject({ outcome: 'succeeded', guests: 1, removed: 0, troubled: 0 })
    expect((await report()).told).toMatchObject([
      {
        summary: expect.stringMatching(/absent since 2026-11-22 \(1 whole list.*3 whole lists over 7 days/),
        attention: [],
      },
    ])
  })

  it('prunes nothing while the site does not answer', async () => {
    provider.listGuests = () => Promise.reject(new PlatformUnavailable('Site hq does not answer.'))
    await expect(plan({ site: 'hq', retention: { 'keep-last': 1 } })).rejects.toThrow(PlatformUnavailable)
    expect(await bucket.store.listKeys('prunings/')).toEqual([])
  })

  it.each([
    ['a job in its place', { site: 'hq', guests: { vmids: [100] }, retention: { 'keep-last': 1 } }, /guests/],
    ['rules that contradict each other', { site: 'hq', retention: { 'keep-all': true, 'keep-last': 1 } }, /keep-all/],
    ['no retention', { site: 'hq' }, /retention/],
    ['a misspelt rule', { site: 'hq', retention: { 'keep-latest': 1 } }, /keep-latest/],
    ['nothing', null, /malformed/],
  ])('refuses %s', async (_, request, words) => {
    await expect(plan(request)).rejects.toThrow(InvalidJob)
    await expect(plan(request)).rejects.toThrow(words)
  })

  it('changes nothing in a dry run, and tells what would go', async () => {
    const { planKey } = await plan({ site: 'hq', retention: { 'keep-last': 3 }, dryRun: true })
    expect(await prune(planKey)).toMatchObject({
      toRemove: 3,
      removed: 0,
      summary: '3 archives would be removed of 3 guests.',
    })
    expect(await manifests()).toBe(12)
    expect(await bucket.store.listKeys('retention/')).toEqual([])
  })

  it('waits for a person when much would go at once, unless one has confirmed it', async () => {
    const retention = { 'keep-last': 1 }
    const waiting = await plan({ site: 'hq', retention, guests: ['101'] })
    expect(await prune(waiting.planKey)).toMatchObject({ outcome: 'partial', guests: 1, removed: 0, troubled: 1 })
    await bucket.store.remove(`${prefix}report.json`)
    const confirmed = await plan({ site: 'hq', retention, guests: ['101'], confirmed: true })
    expect(await prune(confirmed.planKey)).toMatchObject({ outcome: 'succeeded', removed: 3 })
    expect(await manifests()).toBe(9)
  })

  it('goes on behind the last guest when the time of a call was up', async () => {
    const { planKey } = await plan({ site: 'hq', retention: { 'keep-last': 3 } })
    left = () => 60_000
    expect(await prune(planKey)).toMatchObject({ done: false, guests: 1, removed: 1 })
    expect(await prune(planKey)).toMatchObject({ done: false, guests: 2, removed: 2 })
    left = () => 900_000
    expect(await prune(planKey)).toMatchObject({ done: true, guests: 3, removed: 3, outcome: 'succeeded' })
  })

  it('comes back to a guest that the time did not suffice for', async () => {
    const { planKey } = await plan({ site: 'hq', retention: { 'keep-last': 2 }, confirmed: true })
    // Time for the first archive of the first guest, and not for its second.
    const looks = [900_000, 20_000, 20_000]
    left = () => looks.shift() ?? 20_000
    expect(await prune(planKey)).toMatchObject({ done: false, guests: 0, removed: 1, outcome: 'succeeded' })
    left = () => 900_000
    expect(await prune(planKey)).toMatchObject({ done: true, guests: 3, removed: 6, outcome: 'succeeded' })
    expect(await manifests()).toBe(6)
  })

  it('does not come back for ever to a guest of which a whole call could remove nothing', async () => {
    const { planKey } = await plan({ site: 'hq', retention: { 'keep-last': 3 } })
    left = () => 20_000
    expect(await prune(planKey)).toMatchObject({ done: false, guests: 1, removed: 0, troubled: 1 })
    left = () => 900_000
    const { done, summary } = await prune(planKey)
    expect([done, summary]).toEqual([true, expect.stringMatching(/^2 archives removed of 3 guests .*Time ran out/)])
  })

  it('is brought to its end after a death at any request, and removes the same', async () => {
    const { planKey } = await plan({ site: 'hq', retention: { 'keep-last': 3 } })
    let deaths = 0
    for (let fatal = 1; ; fatal += 1) {
      let requests = 0
      const mortal = <Store extends object>(store: Store): Store =>
        new Proxy(store, {
          get: (target, name) => {
            const method: unknown = Reflect.get(target, name)
            if (typeof method !== 'function') return method
            return (...args: unknown[]) => {
              requests += 1
              // No Error: nobody catches a death.
              if (requests === fatal) throw killed
              return method.apply(target, args)
            }
          },
        })
      try {
        await prune(planKey, { store: mortal(bucket.store), versions: mortal(bucket.versions) })
        if (requests < fatal) break
      } catch (error) {
        if (error !== killed) throw error
      }
      deaths += 1
    }
    expect(deaths).toBeGreaterThan(3)
    expect(await manifests()).toBe(9)
    expect(await bucket.store.listKeys('retention/hq/vm-101/removing/')).toEqual([])
    expect((await report()).done).toBe(true)
  })
})

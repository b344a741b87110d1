import { beforeEach, describe, expect, it } from 'vitest'
import { RequestRejected } from '../../../../functions/contracts/errors.ts'
import type { StrayReport } from '../../../../functions/contracts/sweep.ts'
import { siteBookKey } from '../../../../functions/domain/books/object-keys.ts'
import { sweepStrays } from '../../../../functions/operations/sweep/sweep-strays.ts'
import { proxmoxTraits } from '../../../../functions/providers/proxmox/traits.ts'
import type { Stray } from '../../../../functions/providers/provider.ts'
import { type FakePorts, fakePorts, item } from '../../../fakes/ports.ts'

const stray = (name: string, createdAt = '2026-10-01T02:00:00.000Z'): Stray => ({
  what: `snapshot ${name}`,
  made: { guest: item.guest, jobRef: name, token: `${name}-token`, sources: [{ artifactRef: name, node: 'pve1' }] },
  createdAt,
  removeWith: `remove ${name}`,
})
const order = (changes: object = {}) => ({
  sweepId: 'sweep-1',
  startedAt: '2026-11-22T02:00:00.000Z',
  dryRun: false,
  site: 'hq',
  ...changes,
})

let ports: FakePorts
beforeEach(() => {
  ports = fakePorts()
  ports.fakeProvider.traits = { ...proxmoxTraits, makes: 'temporary' }
  ports.remainingMilliseconds = () => 900_000
})

async function report(): Promise<StrayReport> {
  return JSON.parse((await ports.store.readText('sweeps/2026/11/22/sweep-1-strays-hq.json'))?.text ?? '{}')
}
const released = () => ports.fakeProvider.calls.filter((call) => call.startsWith('release'))

describe('a sweep of a platform', () => {
  it('removes what nobody works on, oldest first, and reports each', async () => {
    ports.fakeProvider.strays = [stray('young', '2026-10-02T02:00:00.000Z'), stray('old')]
    expect(await sweepStrays(order(), ports)).toMatchObject({
      outcome: 'succeeded',
      removed: 2,
      summary: 'Site hq: 2 strays were removed.',
    })
    expect(released()).toEqual(['release old', 'release young'])
    expect((await report()).strays.map(({ what, outcome }) => [what, outcome])).toEqual([
      ['snapshot old', 'removed'],
      ['snapshot young', 'removed'],
    ])
  })

  it('only reports in a dry run', async () => {
    ports.fakeProvider.strays = [stray('old')]
    const { summary } = await sweepStrays(order({ dryRun: true }), ports)
    expect([summary, released()]).toEqual(['Site hq: 1 stray would be removed.', []])
  })

  it('says what could not be removed and how to, and removes the others', async () => {
    ports.fakeProvider.strays = [stray('stuck'), stray('old', '2026-10-02T02:00:00.000Z')]
    ports.fakeProvider.onDelete = async () => {
      if (released().length === 1) throw new RequestRejected('No.')
    }
    expect(await sweepStrays(order(), ports)).toMatchObject({
      outcome: 'partial',
      removed: 1,
      failed: 1,
      summary: 'Site hq: 1 stray was removed. 1 stray stayed: No. Remove it on node pve1: remove stuck.',
    })
  })

  it('answers what the first call did when it is asked again because that answer was lost', async () => {
    ports.fakeProvider.strays = [stray('old')]
    const first = await sweepStrays(order(), ports)
    ports.fakeProvider.strays = []
    expect(await sweepStrays(order(), ports)).toEqual(first)
  })

  it('begins nothing for which there is no time, and says so', async () => {
    ports.fakeProvider.strays = [stray('old')]
    ports.remainingMilliseconds = () => 59_999
    expect(await sweepStrays(order(), ports)).toMatchObject({ outcome: 'failed', removed: 0, failed: 1 })
    expect(released()).toEqual([])
  })

  it('removes nothing when another cluster answers than the one that the archives come from', async () => {
    ports.fakeProvider.strays = [stray('old')]
    const cluster = { id: 'another', pinnedAt: '2026-10-01T02:00:00.000Z' }
    await ports.store.writeText(siteBookKey('', 'hq'), JSON.stringify({ version: 1, site: 'hq', cluster, guests: [] }))
    await expect(sweepStrays(order(), ports)).rejects.toMatchObject({ name: 'ClusterChanged' })
    expect(released()).toEqual([])
  })

  it('leaves alone a copy that no manifest proves to be archived', async () => {
    ports.fakeProvider.traits = proxmoxTraits
    ports.fakeProvider.strays = [stray('local:backup/a.vma')]
    expect(await sweepStrays(order(), ports)).toMatchObject({ outcome: 'succeeded', removed: 0 })
    expect([released(), (await report()).strays]).toEqual([[], []])
  })
})

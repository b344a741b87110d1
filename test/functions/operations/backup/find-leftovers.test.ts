import { describe, expect, it } from 'vitest'
import { MAX_LEFTOVERS } from '../../../../functions/contracts/tasks.ts'
import type { PlanItem } from '../../../../functions/contracts/plan-item.ts'
import { newClaim } from '../../../../functions/domain/backup/guest-claim.ts'
import { claimKey, planKey } from '../../../../functions/domain/books/object-keys.ts'
import { findLeftovers } from '../../../../functions/operations/backup/find-leftovers.ts'
import { execution, type FakePorts, fakePorts, item, itemOf } from '../../../fakes/ports.ts'

const stopped = { runId: item.run.id, startedAt: item.run.startedAt, request: { site: 'hq' } }
const guest = (id: string): PlanItem => ({ ...item, guest: { ...item.guest, id } })

async function plan(ports: FakePorts, items: readonly PlanItem[]): Promise<void> {
  await ports.store.writeText(planKey(item.run.prefix), JSON.stringify(items))
}

async function claim(ports: FakePorts, of: PlanItem, more: object = {}, runId = item.run.id): Promise<void> {
  const text = JSON.stringify({ ...newClaim({ runId, execution }, ports.now()), ...more })
  await ports.store.writeText(claimKey('', of.site, of.guest), text)
}

describe('finding what a stopped execution left behind', () => {
  it('names the guests that are still claimed for its run, and nobody else’s', async () => {
    const ports = fakePorts()
    const [held, given, other, never, lapsed] = ['100', '101', '102', '103', '104'].map(guest)
    if (!held || !given || !other || !never || !lapsed) throw new Error('five guests')
    await plan(ports, [held, given, other, never, lapsed])
    await claim(ports, held)
    await claim(ports, given, { released: true })
    await claim(ports, other, {}, 'another-run')
    // Nobody holds it any more, and its job may run on.
    await claim(ports, lapsed, { renewedAt: '2026-11-20T00:00:00.000Z', jobRef: 'job-9' })
    expect(await findLeftovers(stopped, ports)).toEqual({
      planned: { run: item.run, site: 'hq', planKey: 'runs/2026/11/22/run-1/plan.json' },
      leftovers: [
        { item: held, execution },
        { item: lapsed, execution },
      ],
      further: 0,
    })
  })

  it('looks at the one guest of an execution that repeated it alone, under the run that it repeated', async () => {
    const ports = fakePorts()
    await claim(ports, item)
    const alone = { runId: 'console-1', startedAt: '2026-11-25T02:00:00.000Z', request: item }
    expect(await findLeftovers(alone, ports)).toEqual({ leftovers: [{ item, execution }], further: 0 })
    expect(await findLeftovers({ ...alone, request: itemOf('run-2') }, ports)).toEqual({ leftovers: [], further: 0 })
  })

  it('finds nothing of a run that was stopped before it had a plan', async () => {
    expect(await findLeftovers(stopped, fakePorts())).toEqual({ leftovers: [], further: 0 })
  })

  it('says how many did not fit into its answer', async () => {
    const ports = fakePorts()
    const items = Array.from({ length: MAX_LEFTOVERS + 3 }, (_, index) => guest(String(1000 + index)))
    await plan(ports, items)
    await Promise.all(items.map((each) => claim(ports, each)))
    const { leftovers, further } = await findLeftovers(stopped, ports)
    expect([leftovers.length, further]).toEqual([MAX_LEFTOVERS, 3])
    expect(JSON.stringify(leftovers).length).toBeLessThan(200 * 1024)
  })

  it('counts a guest whose claim nobody can read as one that was not looked at, and finds the others', async () => {
    const ports = fakePorts()
    const [broken, held] = ['100', '101'].map(guest)
    if (!broken || !held) throw new Error('two guests')
    await plan(ports, [broken, held])
    await claim(ports, held)
    await ports.store.writeText('claims/hq/vm-100.json', '{"version":')
    const { leftovers, further } = await findLeftovers(stopped, ports)
    expect(leftovers.map(({ item: { guest } }) => guest.id)).toEqual(['101'])
    expect(further).toBe(1)
  })

  it('fails over a plan that is no plan, rather than finding nothing', async () => {
    const ports = fakePorts()
    await ports.store.writeText(planKey(item.run.prefix), '[{"broken":true}]')
    await expect(findLeftovers(stopped, ports)).rejects.toThrow(/plan of the run s3:.*can't be read/)
  })
})

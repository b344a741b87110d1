import { describe, expect, it } from 'vitest'
import { BudgetExceeded } from '../../../../functions/contracts/errors.ts'
import { jobSchema } from '../../../../functions/contracts/job.ts'
import { keepBudget } from '../../../../functions/operations/run/keep-budget.ts'
import { chooseGuests } from '../../../../functions/operations/selection/choose-guests.ts'
import { planRun } from '../../../../functions/operations/run/plan-run.ts'
import { FakeProvider } from '../../../fakes/fake-provider.ts'
import { fakePorts, item } from '../../../fakes/ports.ts'

const GIB = 2 ** 30

/** Guest 100 with one disk: 1,000 GiB are $23 a month. */
function aSite(diskBytes: number | undefined): FakeProvider {
  const provider = new FakeProvider()
  provider.guests = [{ id: '100', kind: 'vm', name: 'web', node: 'pve1', nodeOffline: false }]
  provider.storageRecords = [
    {
      storage: 'nas',
      node: 'pve1',
      type: 'nfs',
      content: ['backup'],
      takesBackups: true,
      enabled: true,
      active: true,
      shared: true,
      totalBytes: 9000 * GIB,
      freeBytes: 9000 * GIB,
    },
  ]
  const disk = { key: 'scsi0', volume: 's:v', included: true, reason: 'r' }
  const disks = [diskBytes === undefined ? disk : { ...disk, sizeBytes: diskBytes }]
  provider.details = { '100': { description: '', disks, replication: [], notes: [] } }
  return provider
}
const job = (budget?: object) =>
  jobSchema.parse({ site: 'hq', guests: { vmids: [100] }, backup: { storage: 'nas' }, ...(budget && { budget }) })

/** As planning a run does it. */
async function kept(of: ReturnType<typeof job>, provider: FakeProvider): Promise<void> {
  await keepBudget(of, await chooseGuests('hq', of.guests, provider, 'everything'), provider)
}

describe('the budget of a run', () => {
  it('stops a run that may cost more, with the figures and what to do', async () => {
    const refused = kept(job({ dollarsPerRun: 5 }), aSite(1000 * GIB))
    await expect(refused).rejects.toThrow(BudgetExceeded)
    await expect(refused).rejects.toThrow(
      /^Site hq: .* may cost up to \$2\d\.\d\d, above its budget of \$5\.00\. Nothing was started\. .*budget\.confirmed/,
    )
  })

  it('lets a run go that can not cost more', async () => {
    await expect(kept(job({ dollarsPerRun: 5 }), aSite(10 * GIB))).resolves.toBeUndefined()
  })

  it('stops a run whose price nobody can know', async () => {
    await expect(kept(job({ dollarsPerRun: 5 }), aSite(undefined))).rejects.toThrow(
      /Nobody knows how large 100 will be/,
    )
  })

  it.each([undefined, { dollarsPerRun: 1, confirmed: true }])('asks the site nothing for %j', async (budget) => {
    const provider = aSite(1000 * GIB)
    const choice = await chooseGuests('hq', job().guests, provider)
    provider.listGuests = () => Promise.reject(new Error('asked'))
    provider.findGuests = () => Promise.reject(new Error('asked'))
    provider.identify = () => Promise.reject(new Error('asked'))
    await expect(keepBudget(job(budget), choice, provider)).resolves.toBeUndefined()
  })

  it.each([0, -1])('can not be %i', (dollarsPerRun) => {
    expect(() => job({ dollarsPerRun })).toThrow(/dollarsPerRun/)
  })

  it.each([
    ['everything', { dollarsPerRun: 500 }],
    [undefined, { dollarsPerRun: 5, confirmed: true }],
    [undefined, undefined],
  ])('has the guests listed once, with depth %s for the budget %j', async (depth, budget) => {
    const ports = fakePorts()
    const provider = aSite(10 * GIB)
    const asked: unknown[] = []
    const list = () => FakeProvider.prototype.listGuests.call(provider)
    provider.listGuests = (...its: unknown[]) => {
      asked.push(its[0])
      return list()
    }
    const { run, site, platform, platformVersion } = item
    const input = { run, site, platform, platformVersion, job: job(budget) }
    expect(await planRun(input, { ...ports, provider: async () => provider })).toMatchObject({ guestCount: 1 })
    expect(asked).toEqual([depth])
  })

  it('stops planning before a plan is written', async () => {
    const ports = fakePorts()
    const provider = aSite(1000 * GIB)
    const { run, site, platform, platformVersion } = item
    const input = { run, site, platform, platformVersion, job: job({ dollarsPerRun: 5 }) }
    const planned = planRun(input, { ...ports, provider: async () => provider })
    await expect(planned).rejects.toThrow(BudgetExceeded)
    expect([...ports.store.objects.keys()]).toEqual([])
  })
})

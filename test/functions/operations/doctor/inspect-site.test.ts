import { describe, expect, it } from 'vitest'
import type { GuestliftError } from '../../../../functions/contracts/errors.ts'
import { CredentialsRejected, PlatformUnavailable } from '../../../../functions/contracts/errors.ts'
import { jobSchema } from '../../../../functions/contracts/job.ts'
import { inspectSite } from '../../../../functions/operations/doctor/inspect-site.ts'
import { fakePorts } from '../../../fakes/ports.ts'

const job = jobSchema.parse({ site: 'hq', guests: { vmids: [100] }, backup: { storage: 'local' } })

function bench() {
  const ports = fakePorts()
  const inspect = () => inspectSite(job, ports.fakeProvider, { ...ports, route: () => ports.route('hq') })
  return { ports, inspect }
}

const failing = (error: GuestliftError) => () => Promise.reject(error)

describe('inspecting a site', () => {
  it('asks each node for its clock where the platform has no endpoints', async () => {
    const { ports, inspect } = bench()
    ports.fakeProvider.clock = async () => ({
      offsetSeconds: 100_000,
      uncertaintySeconds: 1,
      measuredAt: '2026-11-22T02:00:00.000Z',
    })
    const clocks = (await inspect()).filter(({ check }) => check === 'clock')
    expect(clocks).toMatchObject([{ at: 'pve1', verdict: 'failed', error: 'ClockOff' }])
  })

  it('changes nothing on the site or in the bucket', async () => {
    const { ports, inspect } = bench()
    await inspect()
    expect(await ports.store.listKeys('')).toEqual([])
  })

  it('leaves open what a refused login hides', async () => {
    const { ports, inspect } = bench()
    ports.fakeProvider.identify = failing(new CredentialsRejected('401'))
    const findings = await inspect()
    expect(findings.filter(({ verdict }) => verdict === 'failed')).toMatchObject([{ check: 'login', message: '401' }])
    expect(findings.filter(({ verdict }) => verdict === 'unchecked').length).toBeGreaterThan(3)
  })

  it('calls it the API where what ends the login is no word of one', async () => {
    const { ports, inspect } = bench()
    ports.fakeProvider.identify = failing(new PlatformUnavailable('596'))
    expect((await inspect())[0]).toMatchObject({ check: 'api', verdict: 'failed', error: 'PlatformUnavailable' })
  })

  it('goes on after a site that is silent over one question, once its time is over', async () => {
    const { ports, inspect } = bench()
    const asked = Promise.withResolvers<void>()
    ports.fakeProvider.missingPrivileges = () => {
      asked.resolve()
      return new Promise(() => undefined)
    }
    const inspecting = inspect()
    await asked.promise
    for (const { fire } of ports.timers) fire()
    const privileges = (await inspecting).find(({ check }) => check === 'privileges')
    expect(privileges).toMatchObject({
      verdict: 'failed',
      message: 'Site hq took longer than 5 seconds over one answer. Look at the load of its nodes.',
    })
  })
})

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

  it('reads the set-up of the site only for a job that keeps it, and warns of each part that the account may not see', async () => {
    const { ports } = bench()
    const answers = [
      { part: 'users', what: 'Users', entries: {}, incomplete: 'The account lacks Sys.Audit on /access.' },
      { part: 'pools', what: 'Pools', entries: {} },
    ]
    const provider = Object.assign(ports.fakeProvider, { configuration: { read: async () => answers } })
    const inspect = async (siteConfiguration: boolean) =>
      (await inspectSite({ ...job, siteConfiguration }, provider, { ...ports, route: () => ports.route('hq') })).filter(
        ({ check }) => check === 'configuration',
      )
    expect(await inspect(false)).toEqual([])
    expect(await inspect(true)).toEqual([
      {
        check: 'configuration',
        at: 'users',
        verdict: 'warning',
        message: 'Users: The account lacks Sys.Audit on /access.',
      },
    ])
    answers.shift()
    expect(await inspect(true)).toMatchObject([{ verdict: 'passed', message: '1 part, all of them whole' }])
    provider.configuration.read = failing(new PlatformUnavailable('hq says nothing.'))
    expect(await inspect(true)).toMatchObject([{ verdict: 'failed', message: 'hq says nothing.' }])
  })

  it('refuses a job that keeps the set-up on a platform that says nothing of it, as a run does, and goes on', async () => {
    const { ports } = bench()
    const keeping = { ...job, siteConfiguration: true }
    const findings = await inspectSite(keeping, ports.fakeProvider, { ...ports, route: () => ports.route('hq') })
    expect(findings.find(({ check }) => check === 'configuration')).toMatchObject({
      verdict: 'failed',
      error: 'RequestRejected',
      message: expect.stringMatching(/^The job asks for "siteConfiguration".* Take that field out of the job\.$/),
    })
    expect(findings.map(({ check }) => check)).toContain('guests')
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

import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { manifestSchema } from '../../functions/contracts/manifest.ts'
import { openSite, type Site } from './harness.ts'

const FIVE_YEARS = 157_680_000

let site: Site
beforeAll(async () => {
  site = await openSite({}, (own) => ({ tolerant: { ...own, clockToleranceSeconds: 2 * FIVE_YEARS } }))
})
afterAll(() => site.close())
afterEach(() => {
  site.lab.faults.clear()
  site.lab.control.setClockOffset(0)
})

const job = (vmid: number, name = 'hq') => ({ site: name, guests: { vmids: [vmid] }, backup: { storage: 'local' } })
const asks = (): number =>
  site.lab.faults.requests.filter(({ method, path }) => method === 'POST' && path.endsWith('/vzdump')).length

async function manifestOf(key: string | undefined) {
  return manifestSchema.parse(JSON.parse(await site.text(key ?? '')))
}

describe.each([
  ['behind', -FIVE_YEARS],
  ['ahead', FIVE_YEARS],
])('a node whose clock is five years %s', (words, offset) => {
  it('dumps nothing, and the report says what to do', async () => {
    site.lab.control.setClockOffset(offset)
    const [before, kept] = [asks(), await site.keys('archives/')]
    const { guests } = await site.run(job(101))
    expect(guests['101']).toMatchObject({
      outcome: 'failed',
      verdict: 'ClockOff',
      reason: expect.stringMatching(new RegExp(`node pve1: its clock is 5 years ${words}.*NTP`)),
    })
    expect(asks()).toBe(before)
    expect(await site.keys('archives/')).toEqual(kept)
  })

  it('is archived where the site allows it, with a warning and the offset in the manifest', async () => {
    site.lab.control.setClockOffset(offset)
    const { guests } = await site.run(job(101, 'tolerant'))
    expect(guests['101']).toMatchObject({
      outcome: 'succeeded',
      verdict: 'archived-with-warnings',
      reason: expect.stringContaining(`The clock of node pve1 was 5 years ${words}`),
    })
    const { evidence, createdAt, writtenAt } = await manifestOf(guests['101']?.manifestKey)
    expect(Math.abs((evidence.clock?.offsetSeconds ?? 0) - offset)).toBeLessThan(5)
    // What the platform says less the offset is when it was.
    const corrected = Date.parse(createdAt) - (evidence.clock?.offsetSeconds ?? 0) * 1000
    expect(Math.abs(Date.parse(writtenAt) - corrected)).toBeLessThan(120_000)
  })

  it('is asked for one dump when the answer to the start is lost', async () => {
    site.lab.control.setClockOffset(offset)
    const before = asks()
    site.lab.faults.onHttp({ method: 'POST', path: /\/vzdump$/, action: { kind: 'reset-after' } })
    const { guests } = await site.run(job(101, 'tolerant'))
    expect(guests['101']).toMatchObject({ outcome: 'succeeded' })
    expect(asks() - before).toBe(1)
    const { evidence } = await manifestOf(guests['101']?.manifestKey)
    expect(Math.abs((evidence.clock?.offsetSeconds ?? 0) - offset)).toBeLessThan(5)
  })
})

describe('a clock that is off a little', () => {
  it('is warned of from a minute on, and nothing fails', async () => {
    site.lab.control.setClockOffset(-300)
    const { guests } = await site.run(job(101))
    expect(guests['101']).toMatchObject({
      outcome: 'succeeded',
      verdict: 'archived-with-warnings',
      reason: expect.stringMatching(/5 minutes behind .* Set up NTP/),
    })
  })
})

describe('an id that is given again', () => {
  it('is another identity in the manifest, and a new name is not', async () => {
    const first = await site.run(job(103))
    site.lab.control.renameGuest(103, 'renamed')
    const renamed = await site.run(job(103))
    site.lab.control.recreateGuest(103, 'scratch')
    const recreated = await site.run(job(103))
    const [one, two, three] = await Promise.all(
      [first, renamed, recreated].map(async ({ guests }) => (await manifestOf(guests['103']?.manifestKey)).guest),
    )
    expect(one?.identity?.id).toMatch(/^(smbios|hwaddr):/)
    expect(two).toMatchObject({ name: 'renamed', identity: one?.identity })
    expect(three?.name).toBe('scratch')
    expect(three?.identity?.id).not.toBe(one?.identity?.id)
  })

  it('between plan and start fails that guest, and nothing is dumped', async () => {
    const before = asks()
    let done = false
    const { guests } = await site.run(job(103), {
      onState: (state) => {
        if (done || state !== 'Start vzdump') return
        done = true
        site.lab.control.recreateGuest(103, 'another')
      },
    })
    expect(done).toBe(true)
    expect(guests['103']).toMatchObject({
      outcome: 'failed',
      verdict: 'GuestReplaced',
      reason: expect.stringMatching(/another guest has it \((vm|container) another\)/),
    })
    expect(asks()).toBe(before)
  })
})

import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { selectionRecordSchema } from '../../functions/contracts/selection.ts'
import { openSite, type Site } from './harness.ts'

let site: Site
beforeAll(async () => {
  site = await openSite({
    guests: [
      { vmid: 100, kind: 'qemu', name: 'web01', tags: 'prod;web', diskBytes: 2 * 2 ** 20 },
      { vmid: 101, kind: 'lxc', name: 'db01', tags: 'prod', dataBytes: 2 ** 20 },
      { vmid: 102, kind: 'lxc', name: 'scratch01', tags: 'scratch', dataBytes: 2 ** 20 },
      { vmid: 900, kind: 'qemu', name: 'golden', template: true, status: 'stopped', diskBytes: 2 * 2 ** 20 },
    ],
  })
})
afterAll(() => site.close())

const job = (guests: object) => ({ site: 'hq', guests, backup: { storage: 'local' } })

describe('a run over a selection', () => {
  it('archives the guests with a tag, and keeps why the others were left out', async () => {
    const { result, report, guests } = await site.run(job({ tags: ['prod'] }))
    expect(result.status).toBe('SUCCEEDED')
    expect(Object.entries(guests).map(([id, { outcome }]) => [id, outcome])).toEqual([
      ['100', 'succeeded'],
      ['101', 'succeeded'],
    ])
    expect(report?.notes).toEqual([
      'Selected: guests with tag prod. 2 of 4 guests chosen, 2 left out; selection.json beside this report says why each.',
    ])
    const [key = ''] = (await site.keys('runs/')).filter((each) => each.endsWith('/selection.json'))
    const { guests: kept } = selectionRecordSchema.parse(JSON.parse(await site.text(key)))
    expect(kept.map(({ id, verdict, reason }) => [id, verdict, reason])).toEqual([
      ['100', 'chosen', 'It has tag prod.'],
      ['101', 'chosen', 'It has tag prod.'],
      ['102', 'left-out', "It doesn't have tag prod."],
      ['900', 'left-out', "It doesn't have tag prod."],
    ])
  })

  it('archives all guests but the excluded ones and the templates', async () => {
    const { report, guests } = await site.run(job({ all: true, exclude: { tags: ['web'], names: ['web*'] } }))
    expect(report).toMatchObject({ outcome: 'succeeded' })
    expect(Object.keys(guests)).toEqual(['101', '102'])
    expect(report?.notes.join()).toMatch(/2 of 4 guests chosen, 2 left out/)
  })

  it('archives what it finds and fails for a listed guest that is not there', async () => {
    const { result, guests } = await site.run(job({ vmids: [777], ranges: ['102-199'] }))
    expect(result).toMatchObject({ status: 'FAILED', error: 'RunPartlyFailed' })
    expect(guests).toMatchObject({
      '102': { outcome: 'succeeded' },
      '777': { outcome: 'failed', verdict: 'GuestNotFound' },
    })
  })

  it('fails when it chooses nobody', async () => {
    const { result, report } = await site.run(job({ tags: ['prdo'] }))
    expect(result).toMatchObject({ status: 'FAILED', error: 'RunFailed' })
    expect(report?.notes).toContain('guests.tags: no guest that this account sees fits "prdo".')
  })

  it('fails at its start when a pool is hidden from the account, which would otherwise choose nobody', async () => {
    const { result } = await site.run(job({ all: true, exclude: { pools: ['lab'] } }))
    expect(result).toMatchObject({ status: 'FAILED', error: 'PrivilegeMissing' })
    expect(result.cause).toMatch(/Pool\.Audit on \/pool\/lab/)
  })
})

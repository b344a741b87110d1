import { describe, expect, it } from 'vitest'
import { jobSchema } from '../../../../functions/contracts/job.ts'
import { runReportSchema } from '../../../../functions/contracts/report.ts'
import { type GuestSelectionInput, selectionRecordSchema } from '../../../../functions/contracts/selection.ts'
import { chooseGuests } from '../../../../functions/operations/selection/choose-guests.ts'
import { intendedWork } from '../../../../functions/operations/selection/intended-work.ts'
import { planRun } from '../../../../functions/operations/run/plan-run.ts'
import { reportRun } from '../../../../functions/operations/run/report-run.ts'
import type { FoundGuest } from '../../../../functions/providers/guest-facts.ts'
import { fakePorts, item } from '../../../fakes/ports.ts'

const { run, site, platform, platformVersion } = item
const found = (id: string, name: string): FoundGuest => ({ id, kind: 'vm', name, node: 'pve1', nodeOffline: false })

/** Four guests: two of them tagged, one a template, one on a node that doesn't answer. */
function portsOfASite() {
  const ports = fakePorts()
  const provider = ports.fakeProvider
  provider.guests = [
    found('103', 'cache'),
    found('100', 'web'),
    found('900', 'golden'),
    { ...found('104', ''), node: 'pve9', nodeOffline: true },
  ]
  provider.metadata = { '100': { tags: ['prod'] }, '103': { tags: ['prod', 'scratch'] }, '900': { template: true } }
  return ports
}

async function runOver(guests: GuestSelectionInput, ports: ReturnType<typeof portsOfASite>) {
  const job = jobSchema.parse({ site, guests })
  const planned = await planRun({ run, site, platform, platformVersion, job }, ports)
  const { reportKey } = await reportRun({ run, site, planKey: planned.planKey, notes: ['a note'] }, ports)
  const read = async (key: string): Promise<unknown> => JSON.parse((await ports.store.readText(key))?.text ?? 'null')
  return {
    planned: (await read(planned.planKey)) as { guest: { id: string } }[],
    report: runReportSchema.parse(await read(reportKey)),
    selection: selectionRecordSchema.parse(await read(`${run.prefix}selection.json`)),
    guestCount: planned.guestCount,
  }
}

describe('a run over a selection', () => {
  it('plans who is chosen, in the order of their ids, and keeps why everybody else is not', async () => {
    const of = await runOver({ tags: ['prod'], exclude: { tags: ['nobody'] } }, portsOfASite())
    expect(of.planned.map(({ guest }) => guest)).toEqual([
      { id: '100', kind: 'vm', name: 'web', node: 'pve1' },
      { id: '103', kind: 'vm', name: 'cache', node: 'pve1' },
    ])
    expect(of.guestCount).toBe(2)
    expect(of.selection.guests.map(({ id, verdict, reason }) => [id, verdict, reason])).toEqual([
      ['100', 'chosen', 'It has tag prod.'],
      ['103', 'chosen', 'It has tag prod.'],
      ['104', 'left-out', "It doesn't have tag prod."],
      ['900', 'left-out', "It doesn't have tag prod."],
    ])
    expect(of.report.notes).toEqual([
      'a note',
      'Selected: guests with tag prod except those with tag nobody. 2 of 4 guests chosen, 2 left out; selection.json beside this report says why each.',
      'guests.exclude.tags: no guest that this account sees fits "nobody".',
    ])
    expect(of.report.guests.map(({ id }) => id)).toEqual(['100', '103'])
  })

  it('plans a guest of a silent node that is surely meant: its node may be back by then', async () => {
    const of = await runOver({ all: true, exclude: { vmids: [103] } }, portsOfASite())
    expect(of.planned.map(({ guest: { id } }) => id)).toEqual(['100', '104'])
  })

  it('fails a guest of which a silent node keeps to itself whether it is meant', async () => {
    const of = await runOver({ names: ['web*'] }, portsOfASite())
    expect(of.planned.map(({ guest: { id } }) => id)).toEqual(['100'])
    expect(of.report.guests.find(({ id }) => id === '104')).toMatchObject({
      outcome: 'failed',
      verdict: 'NodeOffline',
      reason: expect.stringMatching(/node pve9, guest 104: it is not known .* Its name is unknown/) as unknown,
    })
  })

  it('fails a chosen guest that the account may not back up, and goes on with the others', async () => {
    const ports = portsOfASite()
    ports.fakeProvider.metadata['103'] = {
      tags: ['prod'],
      missingPrivileges: [{ privilege: 'VM.Backup', path: '/vms/103' }],
    }
    const of = await runOver({ tags: ['prod'] }, ports)
    expect(of.planned.map(({ guest: { id } }) => id)).toEqual(['100'])
    expect(of.report.guests.find(({ id }) => id === '103')).toMatchObject({
      outcome: 'failed',
      verdict: 'PrivilegeMissing',
      reason: expect.stringMatching(/guest 103: the account lacks VM\.Backup on \/vms\/103/) as unknown,
    })
  })

  it('fails a listed id that nobody knows, beside whatever else is selected', async () => {
    const of = await runOver({ vmids: [555], ranges: ['100-103'] }, portsOfASite())
    expect(of.report.guests.find(({ id }) => id === '555')).toMatchObject({
      outcome: 'failed',
      verdict: 'GuestNotFound',
    })
    expect(of.selection.missing).toEqual(['555'])
    expect(of.report.notes[1]).toMatch(/2 of 4 guests chosen, 2 left out, 1 listed and unknown;/)
  })

  it('fails when it chooses nobody, and says what fits nobody', async () => {
    const of = await runOver({ tags: ['prdo'] }, portsOfASite())
    expect(of.guestCount).toBe(0)
    expect(of.report.outcome).toBe('failed')
    expect(of.report.notes.at(-1)).toBe('guests.tags: no guest that this account sees fits "prdo".')
  })

  it('of plain ids has nothing to explain', async () => {
    const of = await runOver({ vmids: [100] }, portsOfASite())
    expect(of.report.notes).toEqual(['a note'])
  })
})

describe('an account that may not see all guests', () => {
  it.each<[string, GuestSelectionInput, boolean]>([
    ['tags', { tags: ['prod'] }, true],
    ['all', { all: true }, true],
    ['ids and ranges', { vmids: [100], ranges: ['100-200'] }, true],
    ['ids', { vmids: [100] }, false],
    ['ids with a tag', { vmids: [100], tags: ['prod'] }, false],
    ['a pool, whose members its rights on the pool show', { pools: ['shop'] }, false],
  ])('is warned, choosing by %s: %s', async (_, guests, warned) => {
    const { fakeProvider } = portsOfASite()
    fakeProvider.mayLack = 'There may be more.'
    const { doubts } = await chooseGuests(site, jobSchema.parse({ site, guests }).guests, fakeProvider)
    expect(doubts.includes('There may be more.')).toBe(warned)
  })
})

describe('the work that a job intends', () => {
  it.each<[GuestSelectionInput, object]>([
    [{ vmids: [100, 101] }, { guestIds: ['100', '101'], everyGuest: false, pools: [], excludedPools: [] }],
    [
      { all: true, exclude: { pools: ['lab'] } },
      { guestIds: [], everyGuest: true, pools: [], excludedPools: [{ pool: 'lab', subPools: true }] },
    ],
    [
      { pools: ['shop'] },
      { guestIds: [], everyGuest: false, pools: [{ pool: 'shop', subPools: true }], excludedPools: [] },
    ],
  ])('with guests %j', (guests, expected) => {
    expect(intendedWork(jobSchema.parse({ site, guests }))).toMatchObject({
      ...expected,
      storage: 'local',
      deleteSource: false,
    })
  })
})

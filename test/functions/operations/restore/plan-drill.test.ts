import { describe, expect, it } from 'vitest'
import { type DrillPlan, drillPlanSchema } from '../../../../functions/contracts/drill.ts'
import type { RestoreLease } from '../../../../functions/contracts/restore-record.ts'
import { archiveFolder, manifestKey, restoreLeaseKey } from '../../../../functions/domain/books/object-keys.ts'
import { noteRehearsal } from '../../../../functions/operations/books/rehearsals.ts'
import { checkTarget } from '../../../../functions/operations/restore/check-target.ts'
import { planDrill } from '../../../../functions/operations/restore/plan-drill.ts'
import { evidenceOf } from '../../../fakes/drill-evidence.ts'
import { manifestOf } from '../../../fakes/manifest.ts'
import { type Bed, openBed, WORK } from './bed.ts'

const POLICY = { site: 'hq', guests: { all: true }, most: 5, ids: '9900-9902' }

async function archive(bed: Bed, site: string, id: string): Promise<string> {
  const createdAt = '2026-11-21T02:00:07.000Z'
  const guest = { kind: 'vm', id, name: `guest-${id}`, node: 'pve1' } as const
  const folder = archiveFolder('', site, guest, createdAt)
  const manifest = manifestOf(createdAt, [4], guest)
  const artifacts = manifest.artifacts.map((artifact) => ({ ...artifact, key: `${folder}file`, fileName: 'file' }))
  await bed.ports.store.writeText(`${folder}file`, 'vmaz')
  await bed.ports.store.writeText(manifestKey(folder), JSON.stringify({ ...manifest, site, artifacts }))
  return folder
}

async function planned(bed: Bed, request: object = {}, drillId = 'drill-1') {
  const startedAt = bed.ports.clock.now.toISOString()
  const told = await planDrill({ drillId, startedAt, request: { ...POLICY, ...request } }, bed.ports)
  const text = (await bed.ports.store.readText(told.planKey))?.text ?? 'null'
  return { told, plan: drillPlanSchema.parse(JSON.parse(text)) satisfies DrillPlan }
}

describe('the plan of a drill', () => {
  it('is refused for a platform that gives disks back and has no rehearsals', async () => {
    const bed = await openBed()
    const provider = Object.assign(Object.create(bed.provider), {
      restores: undefined,
      diskRestores: {},
    }) as Bed['provider']
    const ports = { ...bed.ports, provider: async () => provider }
    const drill = planDrill({ drillId: 'd', startedAt: bed.ports.clock.now.toISOString(), request: POLICY }, ports)
    await expect(drill).rejects.toMatchObject({
      name: 'RestoreRefused',
      message: expect.stringMatching(/no restores on/),
    })
  })

  it('names the restore, the archive and a free id of each guest that is due', async () => {
    const bed = await openBed()
    bed.provider.guests = [
      ...bed.provider.guests,
      { id: '9900', kind: 'vm', name: 'in-the-way', node: 'pve1', nodeOffline: false },
    ]
    const { told, plan } = await planned(bed, { guests: { ids: ['100'] }, pool: 'drills' })
    expect(plan.rehearsals).toMatchObject([
      { guest: { id: '100' }, folder: bed.folder, node: 'pve1', scratchId: '9901' },
    ])
    const [rehearsal] = plan.rehearsals
    expect(told.lanes).toEqual([
      [
        {
          name: rehearsal?.restoreId,
          request: {
            archive: bed.folder,
            site: 'hq',
            node: 'pve1',
            id: '9901',
            pool: 'drills',
            drill: { ids: '9900-9902', probes: { bootSeconds: 300, commands: [] } },
            confirm: true,
          },
        },
      ],
    ])
    expect(rehearsal?.restoreId).toMatch(/^drill-[0-9a-f]{16}-100$/)
  })

  it('holds when the answer was lost: a call that is repeated plans nothing else', async () => {
    const bed = await openBed()
    const first = await planned(bed)
    bed.provider.guests = []
    const again = await planned(bed)
    expect(again).toEqual(first)
    expect(first.told.count).toBe(1)
  })

  it('takes no id of a restore that is under way, and begins nothing on the node of another drill', async () => {
    const bed = await openBed()
    await bed.plan({ id: '9900', drill: { ids: '9900-9902' } })
    await checkTarget(WORK, bed.ports)
    const { plan } = await planned(bed)
    expect(plan.rehearsals).toEqual([])
    expect(plan).toMatchObject({ postponed: 1, notes: [expect.stringContaining('node pve1')] })
    // Its lease lapsed: it died, and what it made may still have the id.
    bed.pass(3600)
    expect((await planned(bed, {}, 'drill-2')).plan.rehearsals).toMatchObject([{ scratchId: '9901' }])
  })

  it('leaves an id alone whose lease cannot be read', async () => {
    const bed = await openBed()
    const lease: Partial<RestoreLease> = {}
    await bed.ports.store.writeText(restoreLeaseKey('', 'hq', '9900'), JSON.stringify(lease))
    expect((await planned(bed)).plan.rehearsals).toMatchObject([{ scratchId: '9901' }])
  })

  it('rehearses a guest that is gone from the site when it is named, and says so of one without archives', async () => {
    const bed = await openBed()
    const folder = await archive(bed, 'hq', '101')
    const { plan } = await planned(bed, { guests: { ids: ['101', '102'] } })
    expect(plan.rehearsals).toMatchObject([{ folder, guest: { id: '101', name: 'guest-101' } }])
    expect(plan.unfit).toEqual(['Guest 102 is not on the site, and has no archive.'])
  })

  it('only notes a guest without archives that is one of many, and counts it as unfit when it is named', async () => {
    const bed = await openBed()
    const [known] = bed.provider.guests
    if (known === undefined) throw new Error('the bed has a guest')
    bed.provider.guests = [known, { ...known, id: '109', name: 'new', identity: { id: 'new' } }]
    const sentence = 'vm 109 (new) has no archive.'
    const ofAll = await planned(bed, { guests: { all: true } })
    expect(ofAll.plan).toMatchObject({ unfit: [], notes: [sentence] })
    const named = await planned(bed, { guests: { ids: ['109'] } }, 'drill-2')
    expect(named.plan).toMatchObject({ unfit: [sentence], notes: [] })
  })

  it('takes the archives of another site where it is told to, by the book of that site', async () => {
    const bed = await openBed()
    const folder = await archive(bed, 'branch', '100')
    const from = { from: 'branch', guests: { ids: ['100'] } }
    const rehearsed = evidenceOf('one', { site: 'hq', endedAt: bed.ports.clock.now.toISOString() })
    await noteRehearsal(rehearsed, 'drills/2026/11/24/one.json', bed.ports)
    const { plan, told } = await planned(bed, from)
    expect(plan.rehearsals).toMatchObject([{ folder }])
    expect(told.lanes[0]?.[0]?.request).toMatchObject({ site: 'hq', archive: folder })
  })

  it('rehearses nobody by a book that cannot be read', async () => {
    const bed = await openBed()
    await bed.ports.store.writeText('drills/sites/hq.json', '<html></html>')
    await expect(planned(bed)).rejects.toMatchObject({ name: 'RecordUnreadable' })
  })
})

import { describe, expect, it } from 'vitest'
import { PlatformTaskFailed, PlatformUnavailable } from '../../../../functions/contracts/errors.ts'
import { restoreReportSchema } from '../../../../functions/contracts/restore-report.ts'
import { giveBackLease, keepLease } from '../../../../functions/operations/books/restore-leases.ts'
import { checkRestore } from '../../../../functions/operations/restore/check-restore.ts'
import { checkTarget } from '../../../../functions/operations/restore/check-target.ts'
import { compareGuest } from '../../../../functions/operations/restore/compare-guest.ts'
import { createGuest } from '../../../../functions/operations/restore/create-guest.ts'
import { finishRestore } from '../../../../functions/operations/restore/finish-restore.ts'
import { sweepRestores } from '../../../../functions/operations/restore/sweep-restores.ts'
import { type Bed, openBed, WORK } from './bed.ts'

const LEASE = 'restores/open/hq/9100.json'
const FAILED = {
  Error: 'TargetFull',
  Cause: JSON.stringify({ errorType: 'TargetFull', errorMessage: 'The disk is full.' }),
}

async function checkedBed(changes: Record<string, unknown> = {}): Promise<Bed> {
  const bed = await openBed()
  await bed.plan(changes)
  await checkTarget(WORK, bed.ports)
  return bed
}

async function madeBed(changes: Record<string, unknown> = {}): Promise<Bed> {
  const bed = await checkedBed(changes)
  bed.delivery.files.set('pve1:/dump/whole', new Map())
  await createGuest(WORK, bed.ports)
  bed.pass(30)
  await checkRestore(WORK, bed.ports)
  return bed
}

/** A restore that the platform was asked for, and that came to no end. */
async function brokenBed(changes: Record<string, unknown> = {}): Promise<Bed> {
  const bed = await checkedBed(changes)
  await createGuest(WORK, bed.ports)
  bed.restores.end = { ending: 'errors', exitStatus: 'no space', warnings: [] }
  return bed
}

const finish = (bed: Bed, error: { Error: string; Cause?: string } | null = null) =>
  finishRestore({ ...WORK, error }, bed.ports)
const hasLease = async (bed: Bed) => (await bed.ports.store.readText(LEASE)) !== undefined

describe('the end of a restore', () => {
  it('reports a guest that is as it was archived, with how long it took, and gives the id back', async () => {
    const bed = await madeBed()
    expect(await compareGuest(WORK, bed.ports)).toEqual({ differences: 0 })
    const answer = await finish(bed)
    expect(answer).toMatchObject({
      outcome: 'succeeded',
      left: 0,
      reportKey: 'restores/2026/11/24/restore-1/report.json',
    })
    const report = restoreReportSchema.parse(await bed.report())
    expect(report).toMatchObject({
      outcome: 'succeeded',
      target: { site: 'hq', id: '9100', node: 'pve1', storages: ['local-lvm'] },
      seconds: { total: 30 },
      differences: [],
      left: [],
    })
    expect(bed.restores.calls).not.toContain('removeMade')
    expect(await hasLease(bed)).toBe(false)
  })

  it('is no success when a key differs, or when nothing could be compared', async () => {
    const differing = await madeBed()
    differing.restores.comparison = {
      expected: [],
      differences: [{ key: 'memory', archived: '512', made: '1024', why: 'It differs.' }],
    }
    await compareGuest(WORK, differing.ports)
    expect(await finish(differing)).toMatchObject({ outcome: 'partial' })
    const silent = await madeBed()
    expect(await finish(silent, FAILED)).toMatchObject({ outcome: 'partial' })
    expect(silent.restores.calls).not.toContain('removeMade')
  })

  it('starts the guest, waits for its agent, and is no success when it does not run', async () => {
    const bed = await madeBed({ start: true })
    const state = { status: 'running', uptimeSeconds: 1, highlyAvailable: false, template: false } as const
    const orders: string[] = []
    Object.assign(bed.provider, {
      power: {
        state: async () => state,
        order: async (_guest: unknown, action: string) => {
          orders.push(action)
          return { changed: true, state }
        },
      },
    })
    bed.restores.agent = [false, false, true]
    await compareGuest(WORK, bed.ports)
    expect(orders).toEqual(['start'])
    expect(await finish(bed)).toMatchObject({ outcome: 'succeeded' })
    expect((await bed.report()).started).toEqual({ running: true, agent: true })

    const dead = await madeBed({ start: true })
    Object.assign(dead.provider, { power: { order: () => Promise.reject(new PlatformUnavailable('no answer')) } })
    await compareGuest(WORK, dead.ports)
    expect(await finish(dead)).toMatchObject({ outcome: 'partial' })
    expect(dead.restores.calls).not.toContain('removeMade')
  })

  it('makes a template of the guest, and is no success when the platform makes none of it', async () => {
    const bed = await madeBed({ template: true })
    await compareGuest(WORK, bed.ports)
    const answer = await finish(bed)
    expect(answer).toMatchObject({ outcome: 'succeeded', summary: expect.stringMatching(/is a template now/) })
    expect(bed.restores.calls).toContain('makeTemplate')
    expect((await bed.report()).isTemplate).toBe(true)

    const refused = await madeBed({ template: true })
    refused.restores.templateFails = new PlatformTaskFailed('VM contains snapshots.')
    await compareGuest(WORK, refused.ports)
    expect(await finish(refused)).toMatchObject({ outcome: 'partial' })
    expect((await refused.report()).warnings.join()).toMatch(/no template was made of it: VM contains snapshots/)

    const unclear = await madeBed({ template: true })
    unclear.restores.templateFails = new PlatformUnavailable('no answer')
    await expect(compareGuest(WORK, unclear.ports)).rejects.toMatchObject({ name: 'PlatformUnavailable' })
  })

  it('removes what was delivered and a guest that was never whole, and says what failed', async () => {
    const bed = await brokenBed()
    const { place } = await bed.record()
    bed.delivery.files.set(`pve1:/dump/${place?.fileName}`, new Map())
    expect(await finish(bed, FAILED)).toMatchObject({ outcome: 'failed', summary: 'The disk is full.' })
    expect(bed.restores.calls).toContain('removeMade')
    expect([...bed.delivery.files.keys()]).toEqual([])
    expect((await bed.report()).error).toEqual({ name: 'TargetFull', message: 'The disk is full.' })
    expect(await hasLease(bed)).toBe(false)
  })

  it('leaves a half-made guest to a person who wants to look at it, and names one that it may not remove', async () => {
    const kept = await brokenBed({ keepFailed: true })
    await finish(kept, FAILED)
    expect(kept.restores.calls).not.toContain('removeMade')
    expect((await kept.report()).left).toHaveLength(1)
    const foreign = await brokenBed()
    foreign.restores.removal = { removed: false, reason: 'It runs.', removeWith: 'qm destroy 9100' }
    await finish(foreign, FAILED)
    expect((await foreign.report()).left).toEqual([{ what: 'It runs.', removeWith: 'qm destroy 9100' }])
  })

  it('keeps the id while something is left that a later try can remove, and the sweep removes it', async () => {
    const bed = await checkedBed()
    bed.delivery.fails.remove = new PlatformUnavailable('The node is silent.')
    expect(await finish(bed, FAILED)).toMatchObject({ outcome: 'failed', left: 1 })
    expect(await hasLease(bed)).toBe(true)
    expect(await sweepRestores({ site: 'hq', dryRun: false }, bed.ports)).toEqual({ notes: [], failed: 0 })
    bed.pass(1_300)
    delete bed.delivery.fails.remove
    expect((await sweepRestores({ site: 'hq', dryRun: true }, bed.ports)).notes).toHaveLength(1)
    expect(await hasLease(bed)).toBe(true)
    const swept = await sweepRestores({ site: 'hq', dryRun: false }, bed.ports)
    expect(swept).toMatchObject({ failed: 0 })
    expect(await hasLease(bed)).toBe(false)
    // What it failed with is what it failed with.
    expect(await bed.report()).toMatchObject({ left: [], error: { name: 'TargetFull' } })
  })

  it('is found by the sweep when its execution died without a word', async () => {
    const bed = await brokenBed()
    bed.pass(1_300)
    await sweepRestores({ site: 'hq', dryRun: false }, bed.ports)
    expect(bed.restores.calls).toContain('removeMade')
    expect(await bed.report()).toMatchObject({ outcome: 'failed', error: { name: 'ExecutionEnded' } })
  })

  it('leaves everything as it is when another restore has the id by now', async () => {
    const bed = await checkedBed()
    bed.pass(3_600)
    const other = { restore: { id: 'restore-2', startedAt: '2026-11-24T03:00:00.000Z' }, execution: 'arn:restore:two' }
    await keepLease(other, await bed.record(), bed.ports)
    await expect(finish(bed, FAILED)).rejects.toMatchObject({ name: 'RestoreRefused' })
    expect(await bed.report()).toBeNull()
  })

  it('says of a restore that had begun nothing that it had begun nothing', async () => {
    const bed = await openBed()
    expect(await finish(bed, FAILED)).toMatchObject({
      outcome: 'failed',
      summary: 'Restore restore-1 had begun nothing.',
    })
  })
})

describe('what a restore failed with', () => {
  it('is what it failed with first, whoever finishes it again, with the time of then', async () => {
    const bed = await checkedBed()
    bed.delivery.fails.remove = new PlatformUnavailable('The node is silent.')
    await finish(bed, FAILED)
    const { endedAt } = await bed.report()
    bed.pass(60)
    await finish(bed, { Error: 'Other', Cause: 'another' })
    expect(await bed.report()).toMatchObject({ endedAt, error: { name: 'TargetFull' } })
  })

  it('is reported though another restore has the id, when it had put nothing anywhere', async () => {
    const bed = await openBed()
    await bed.plan()
    const other = { restore: { id: 'restore-2', startedAt: '2026-11-24T03:00:00.000Z' }, execution: 'arn:restore:two' }
    await keepLease(other, await bed.record(), bed.ports)
    expect(await finish(bed, FAILED)).toMatchObject({ outcome: 'failed' })
    expect(await hasLease(bed)).toBe(true)
  })

  it('comes with the price of reading the archive where the store is AWS', async () => {
    const here = await checkedBed()
    await finish(here)
    expect((await here.report()).price).toMatchObject({ storageClass: 'STANDARD' })
    const elsewhere = await checkedBed()
    await finishRestore({ ...WORK, error: null }, { ...elsewhere.ports, s3Url: 'https://s3.example.com' })
    expect((await elsewhere.report()).price).toBeUndefined()
  })
})

describe('a drill', () => {
  it('keeps its evidence and gives its id back although the book of rehearsals can not be read', async () => {
    const bed = await checkedBed({ drill: { ids: '9100-9100' } })
    await bed.ports.store.writeText('drills/sites/hq.json', '<html>')
    await expect(finish(bed, FAILED)).rejects.toMatchObject({ name: 'RecordUnreadable' })
    expect(await bed.ports.store.readText('drills/2026/11/24/restore-1.json')).toBeDefined()
    expect(await hasLease(bed)).toBe(false)
    // Somebody moves it away, and the evidence is all that is needed.
    await bed.ports.store.remove('drills/sites/hq.json')
    await finish(bed, FAILED)
    expect(await bed.ports.store.readText('drills/sites/hq.json')).toBeDefined()
  })
})

describe('a restore that died', () => {
  const OTHER = { restore: { id: 'restore-2', startedAt: '2026-11-24T03:00:00.000Z' }, execution: 'arn:restore:two' }
  const sweep = (bed: Bed) => sweepRestores({ site: 'hq', dryRun: false }, bed.ports)

  it('leaves the guest that the platform made to its end meanwhile, and says that it is there', async () => {
    const bed = await checkedBed()
    await createGuest(WORK, bed.ports)
    bed.pass(1_300)
    expect((await sweep(bed)).notes).toEqual([expect.stringContaining('The guest is there: guest 9100')])
    expect(bed.restores.calls).not.toContain('removeMade')
    expect(await bed.report()).toMatchObject({ outcome: 'partial', error: { name: 'ExecutionEnded' }, left: [] })
  })

  it('before it had a place for its file gives its id back once, too', async () => {
    const bed = await openBed()
    await bed.plan()
    await keepLease(WORK, await bed.record(), bed.ports)
    bed.pass(1_300)
    expect((await sweep(bed)).notes).toHaveLength(1)
    expect(await hasLease(bed)).toBe(false)
    expect(await sweep(bed)).toEqual({ notes: [], failed: 0 })
  })

  it('whose record was removed by hand is reported once, and gives its id back', async () => {
    const bed = await checkedBed()
    await bed.ports.store.remove('restores/2026/11/24/restore-1/restore.json')
    bed.pass(1_300)
    expect(await sweep(bed)).toEqual({ failed: 1, notes: [expect.stringContaining('Its record is gone')] })
    expect(await hasLease(bed)).toBe(false)
    expect(bed.restores.calls).not.toContain('removeMade')
    expect(await sweep(bed)).toEqual({ notes: [], failed: 0 })
  })

  it('is cleaned up after although the lease of another one of its site can not be read', async () => {
    const bed = await brokenBed()
    await bed.ports.store.writeText('restores/open/hq/100.json', '<html>')
    bed.pass(1_300)
    const swept = await sweep(bed)
    expect(swept).toMatchObject({ failed: 1, notes: [expect.stringContaining("can't be read"), expect.any(String)] })
    expect(bed.restores.calls).toContain('removeMade')
    expect(await hasLease(bed)).toBe(false)
    expect(await bed.ports.store.readText('restores/open/hq/100.json')).toBeDefined()
  })

  it('is still found by the sweep when another restore took its id meanwhile', async () => {
    const bed = await brokenBed()
    const { place } = await bed.record()
    bed.delivery.files.set(`pve1:/dump/${place?.fileName}`, new Map())
    bed.pass(1_300)
    await keepLease(OTHER, await bed.record(), bed.ports)
    bed.pass(600)
    await keepLease(OTHER, await bed.record(), bed.ports)
    expect(await sweep(bed)).toEqual({ notes: [], failed: 0 })
    await giveBackLease(OTHER, await bed.record(), bed.ports)
    expect((await sweep(bed)).notes).toHaveLength(1)
    expect(bed.delivery.files.size).toBe(0)
    expect(await hasLease(bed)).toBe(false)
  })

  it('counts as trouble of the sweep while something of it is left', async () => {
    const bed = await brokenBed()
    bed.restores.removal = { removed: false, reason: 'It runs.', removeWith: 'qm destroy 9100' }
    bed.pass(1_300)
    expect(await sweep(bed)).toMatchObject({ failed: 1 })
    expect(await hasLease(bed)).toBe(false)
  })
})

describe('a dry run', () => {
  it('changes nothing on the site, takes no id, and reports what it found', async () => {
    const bed = await openBed()
    await bed.plan({ confirm: false })
    bed.restores.findings = [{ name: 'id-in-use', level: 'refusal', message: 'Id 9100 is taken.' }]
    expect(await checkTarget(WORK, bed.ports)).toEqual({ frozen: false, imports: false })
    expect(await hasLease(bed)).toBe(false)
    expect(await finish(bed)).toMatchObject({ outcome: 'failed' })
    expect(await bed.report()).toMatchObject({ dryRun: true, findings: [{ name: 'id-in-use' }] })
    expect(bed.restores.calls).toEqual(['checkTarget'])
    expect(bed.delivery.files.size).toBe(0)
  })
})

import { describe, expect, it } from 'vitest'
import type { RestoreFinding } from '../../../../functions/contracts/restore.ts'
import { checkRestore } from '../../../../functions/operations/restore/check-restore.ts'
import { checkTarget } from '../../../../functions/operations/restore/check-target.ts'
import { createGuest } from '../../../../functions/operations/restore/create-guest.ts'
import { type Bed, openBed, WORK } from './bed.ts'

async function checkedBed(changes: Record<string, unknown> = {}): Promise<Bed> {
  const bed = await openBed()
  await bed.plan(changes)
  await checkTarget(WORK, bed.ports)
  return bed
}

const present = {
  id: '9100',
  kind: 'vm',
  name: 'old',
  node: 'pve1',
  identity: { id: 'uuid-1' },
  nodeOffline: false,
} as const
const job = (jobRef: string) => ({ jobRef, startedAt: '2026-11-24T03:00:00.000Z', running: true })
const finding = (name: RestoreFinding['name']): RestoreFinding => ({ name, level: 'refusal', message: `${name}.` })

describe('asking for the guest', () => {
  it('is done once, with the token and the file that was delivered, whatever is asked again', async () => {
    const bed = await checkedBed({ unique: true, bridges: { vmbr0: 'vmbr1' }, storage: 'fast' })
    const { jobRef } = await createGuest(WORK, bed.ports)
    expect(await createGuest(WORK, bed.ports)).toMatchObject({ jobRef })
    const record = await bed.record()
    expect(bed.restores.asked).toEqual([
      {
        token: record.token,
        artifactRef: record.place?.artifactRef,
        intended: expect.objectContaining({
          deliveryStorage: 'local',
          target: {
            id: '9100',
            node: 'pve1',
            unique: true,
            replace: false,
            storage: 'fast',
            bridges: { vmbr0: 'vmbr1' },
          },
        }) as unknown,
      },
    ])
  })

  it('finds the restore whose answer was lost, in place of a second one', async () => {
    const bed = await checkedBed()
    bed.restores.loseAnswer = true
    await expect(createGuest(WORK, bed.ports)).rejects.toMatchObject({ name: 'RestoreStartUnclear' })
    bed.restores.found = { ours: [job('restore-1')], undecided: [] }
    expect(await createGuest(WORK, bed.ports)).toMatchObject({ jobRef: 'restore-1' })
    expect(bed.restores.asked).toHaveLength(1)
  })

  it('asks again only once the platform has had its time to show the first', async () => {
    const bed = await checkedBed()
    bed.restores.loseAnswer = true
    await expect(createGuest(WORK, bed.ports)).rejects.toMatchObject({ name: 'RestoreStartUnclear' })
    bed.restores.loseAnswer = false
    await expect(createGuest(WORK, bed.ports)).rejects.toMatchObject({ name: 'RestoreStartUnclear' })
    bed.restores.found = { ours: [], undecided: [job('perhaps')] }
    bed.pass(61)
    await expect(createGuest(WORK, bed.ports)).rejects.toMatchObject({ name: 'RestoreStartUnclear' })
    expect(bed.restores.asked).toHaveLength(1)
    bed.restores.found = { ours: [], undecided: [] }
    expect(await createGuest(WORK, bed.ports)).toMatchObject({ jobRef: 'restore-2' })
  })

  it('is not done when the id was taken since the check', async () => {
    const bed = await checkedBed()
    bed.restores.findings = [finding('id-in-use')]
    await expect(createGuest(WORK, bed.ports)).rejects.toMatchObject({ name: 'RestoreRefused' })
    expect(bed.restores.asked).toEqual([])
    expect((await bed.record()).askedAt).toBeUndefined()
  })

  it('does not mind that its own file takes the space it was checked for', async () => {
    const bed = await checkedBed()
    bed.restores.findings = [finding('no-space')]
    expect(await createGuest(WORK, bed.ports)).toMatchObject({ jobRef: 'restore-1' })
  })

  it('replaces the guest that a person agreed to lose, and no other', async () => {
    const bed = await openBed()
    bed.restores.present = { ...present }
    await bed.plan({ replace: true })
    await checkTarget(WORK, bed.ports)
    bed.restores.present = { ...present, identity: { id: 'uuid-2' } }
    await expect(createGuest(WORK, bed.ports)).rejects.toMatchObject({ name: 'GuestIdInUse' })
    bed.restores.present = { ...present }
    expect(await createGuest(WORK, bed.ports)).toMatchObject({ jobRef: 'restore-1' })
  })

  it('tells guests without an identity apart by their names', async () => {
    const { identity: _, ...nameless } = present
    const bed = await openBed()
    bed.restores.present = nameless
    await bed.plan({ replace: true })
    await checkTarget(WORK, bed.ports)
    bed.restores.present = { ...nameless, name: 'other' }
    await expect(createGuest(WORK, bed.ports)).rejects.toMatchObject({ name: 'GuestIdInUse' })
    bed.restores.present = nameless
    expect(await createGuest(WORK, bed.ports)).toMatchObject({ jobRef: 'restore-1' })
  })

  it('replaces no guest that came under the id while the archive thawed', async () => {
    const bed = await openBed()
    bed.restores.present = { ...present }
    await bed.plan({ replace: true })
    await checkTarget(WORK, bed.ports)
    bed.restores.present = { ...present, identity: { id: 'uuid-2' } }
    await checkTarget(WORK, bed.ports)
    await expect(createGuest(WORK, bed.ports)).rejects.toMatchObject({ name: 'GuestIdInUse' })
    const free = await checkedBed({ replace: true })
    free.restores.present = { ...present }
    await checkTarget(WORK, free.ports)
    await expect(createGuest(WORK, free.ports)).rejects.toMatchObject({ name: 'GuestIdInUse' })
    expect(free.restores.asked).toEqual([])
  })

  it('lets one of two calls ask that come at once', async () => {
    const bed = await checkedBed()
    const both = await Promise.allSettled([createGuest(WORK, bed.ports), createGuest(WORK, bed.ports)])
    expect(both.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected'])
    expect(bed.restores.asked).toHaveLength(1)
  })

  it('replaces no guest that came under a free id meanwhile', async () => {
    const bed = await checkedBed({ replace: true })
    bed.restores.present = { ...present }
    await expect(createGuest(WORK, bed.ports)).rejects.toMatchObject({ name: 'GuestIdInUse' })
  })
})

describe('looking at the restore', () => {
  it('waits while it runs, and keeps the remarks of one that ended', async () => {
    const bed = await checkedBed()
    await createGuest(WORK, bed.ports)
    bed.restores.end = { ending: 'running', exitStatus: '', warnings: [] }
    bed.pass(100)
    expect(await checkRestore(WORK, bed.ports)).toEqual({ done: false, waitSeconds: 10 })
    bed.restores.end = { ending: 'warnings', exitStatus: 'WARNINGS: 1', warnings: ['odd'] }
    expect(await checkRestore(WORK, bed.ports)).toEqual({ done: true })
    expect(await checkRestore(WORK, bed.ports)).toEqual({ done: true })
    expect((await bed.record()).warnings).toEqual(['odd'])
  })

  it.each(['errors', 'interrupted', 'unknown'] as const)('takes the ending "%s" for no guest', async (ending) => {
    const bed = await checkedBed()
    await createGuest(WORK, bed.ports)
    bed.restores.end = { ending, exitStatus: 'no space', warnings: [], advice: 'Make room.' }
    await expect(checkRestore(WORK, bed.ports)).rejects.toMatchObject({
      name: 'RestoreFailed',
      message: "Site hq, node pve1, guest 9100: the platform's restore ended with: no space. Make room.",
    })
    expect((await bed.record()).steps.createdAt).toBeUndefined()
  })

  it('gives up on a restore that runs for days', async () => {
    const bed = await checkedBed()
    await createGuest(WORK, bed.ports)
    bed.restores.end = { ending: 'running', exitStatus: '', warnings: [] }
    bed.pass(4 * 86_400 + 1)
    await expect(checkRestore(WORK, bed.ports)).rejects.toMatchObject({ name: 'RestoreFailed' })
  })
})

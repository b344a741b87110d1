import { describe, expect, it } from 'vitest'
import { PlatformUnavailable } from '../../../../functions/contracts/errors.ts'
import type { RestoreRecord } from '../../../../functions/contracts/restore-record.ts'
import { checkTarget } from '../../../../functions/operations/restore/check-target.ts'
import { createGuest } from '../../../../functions/operations/restore/create-guest.ts'
import { removeMade } from '../../../../functions/operations/restore/remove-made.ts'
import { type Bed, openBed, WORK } from './bed.ts'

const job = (jobRef: string) => ({ jobRef, startedAt: '2026-11-24T03:00:00.000Z', running: true })
const nothing = { left: [], again: false }

/** A restore whose order was given, with its file on the node. */
async function orderedBed(changes: Record<string, unknown> = {}): Promise<Bed & { fileName: string; stops: string[] }> {
  const bed = await openBed()
  await bed.plan(changes)
  await checkTarget(WORK, bed.ports)
  await createGuest(WORK, bed.ports)
  bed.restores.end = { ending: 'errors', exitStatus: 'no space', warnings: [] }
  const fileName = `pve1:/dump/${(await bed.record()).place?.fileName}`
  bed.delivery.files.set(fileName, new Map())
  const stops: string[] = []
  Object.assign(bed.provider, { stop: async (jobRef: string) => void stops.push(jobRef) })
  return { ...bed, fileName, stops }
}

/** The same, but the answer to the order was lost. */
async function unanswered(bed: Bed): Promise<RestoreRecord> {
  const { jobRef: _, ...rest } = await bed.record()
  return rest
}

describe('removing what a restore made', () => {
  it('removes the file and the guest after a failure, and the file alone after a success', async () => {
    const failed = await orderedBed()
    expect(await removeMade(await failed.record(), true, failed.ports)).toEqual(nothing)
    expect(failed.restores.calls).toContain('removeMade')
    expect(failed.delivery.files.size).toBe(0)
    expect(failed.stops).toEqual([])
    const done = await orderedBed()
    expect(await removeMade(await done.record(), false, done.ports)).toEqual(nothing)
    expect(done.restores.calls).not.toContain('removeMade')
    expect(done.delivery.files.size).toBe(0)
  })

  it.each(['ok', 'warnings'] as const)(
    'leaves a guest that the platform made to its end (%s), recorded or not',
    async (ending) => {
      const bed = await orderedBed()
      bed.restores.end = { ending, exitStatus: 'OK', warnings: [] }
      expect(await removeMade(await bed.record(), true, bed.ports)).toEqual({ ...nothing, whole: true })
      expect(bed.restores.calls).not.toContain('removeMade')
      expect(bed.delivery.files.size).toBe(0)
    },
  )

  it('is tried again where what keeps the guest ends by itself, and not where it is another guest', async () => {
    const bed = await orderedBed()
    const kept = { removed: false, reason: 'It is being backed up.', removeWith: 'qm destroy 9100' } as const
    const left = [{ what: kept.reason, removeWith: kept.removeWith }]
    bed.restores.removal = { ...kept, passing: true }
    expect(await removeMade(await bed.record(), true, bed.ports)).toEqual({ left, again: true })
    bed.restores.removal = kept
    expect(await removeMade(await bed.record(), true, bed.ports)).toEqual({ left, again: false })
  })

  it('touches nothing for a dry run, or before anything had a place', async () => {
    const bed = await orderedBed()
    const record = await bed.record()
    const dry = { ...record, request: { ...record.request, confirm: false } }
    expect(await removeMade(dry, true, bed.ports)).toEqual(nothing)
    const { place: _, ...placeless } = record
    expect(await removeMade(placeless, true, bed.ports)).toEqual(nothing)
    expect(bed.restores.calls).not.toContain('removeMade')
    expect([...bed.delivery.files.keys()]).toEqual([bed.fileName])
  })

  it('stops a task that still runs before it removes the guest', async () => {
    const bed = await orderedBed()
    bed.restores.end = { ending: 'running', exitStatus: '', warnings: [] }
    await removeMade(await bed.record(), true, bed.ports)
    expect(bed.stops).toEqual(['restore-1'])
    expect(bed.restores.calls).toContain('removeMade')
  })

  it('finds the restore whose answer was lost, by its archive', async () => {
    const bed = await orderedBed()
    bed.restores.found = { ours: [job('found'), job('older')], undecided: [job('other')] }
    bed.restores.end = { ending: 'running', exitStatus: '', warnings: [] }
    expect(await removeMade(await unanswered(bed), true, bed.ports)).toEqual(nothing)
    expect(bed.stops).toEqual(['found'])
  })

  it('leaves a file that a task may be reading, until it is known whose the task is', async () => {
    const bed = await orderedBed()
    bed.restores.found = { ours: [], undecided: [job('perhaps')] }
    const removal = await removeMade(await unanswered(bed), true, bed.ports)
    expect(removal).toMatchObject({
      again: true,
      left: [{ what: expect.stringContaining('may be running') as unknown }],
    })
    expect([...bed.delivery.files.keys()]).toEqual([bed.fileName])
    bed.restores.found = { ours: [], undecided: [] }
    expect(await removeMade(await unanswered(bed), true, bed.ports)).toEqual(nothing)
    expect(bed.restores.calls).not.toContain('removeMade')
    expect(bed.delivery.files.size).toBe(0)
  })

  it('looks for no guest when the platform was never asked for one', async () => {
    const bed = await orderedBed()
    const { askedAt: _, ...unasked } = await unanswered(bed)
    expect(await removeMade(unasked, true, bed.ports)).toEqual(nothing)
    expect(bed.restores.calls).not.toContain('find')
  })

  it('does not try again what a person has to remove, or wants to look at', async () => {
    const foreign = await orderedBed()
    foreign.restores.removal = { removed: false, reason: 'It runs.', removeWith: 'qm destroy 9100' }
    expect(await removeMade(await foreign.record(), true, foreign.ports)).toEqual({
      left: [{ what: 'It runs.', removeWith: 'qm destroy 9100' }],
      again: false,
    })
    const kept = await orderedBed({ keepFailed: true })
    expect(await removeMade(await kept.record(), true, kept.ports)).toMatchObject({ again: false, left: [{}] })
    expect(kept.delivery.files.size).toBe(0)
  })

  it('names both the guest and the file when neither can be removed now', async () => {
    const bed = await orderedBed()
    bed.delivery.fails.remove = new PlatformUnavailable('The node is silent.')
    bed.restores.removal = { removed: false, reason: 'It runs.', removeWith: 'qm destroy 9100' }
    const { token, place } = await bed.record()
    expect(await removeMade(await bed.record(), true, bed.ports)).toEqual({
      left: [
        { what: 'It runs.', removeWith: 'qm destroy 9100' },
        {
          what: `On node pve1, /dump may still hold what was brought of ${place?.fileName}, which the next sweep removes. The node is silent.`,
          removeWith: `rm -f '/dump'/*${token}*`,
        },
      ],
      again: true,
    })
    bed.restores.ending = () => Promise.reject(new PlatformUnavailable('The API is silent.'))
    expect(await removeMade(await bed.record(), true, bed.ports)).toEqual({
      left: [{ what: 'The API is silent.' }],
      again: true,
    })
  })

  it('hides no fault of its own', async () => {
    const bed = await orderedBed()
    bed.delivery.fails.remove = new TypeError('a bug')
    await expect(removeMade(await bed.record(), false, bed.ports)).rejects.toThrow('a bug')
  })
})

import { beforeEach, describe, expect, it } from 'vitest'
import type { TaskInput } from '../../../../functions/contracts/tasks.ts'
import { planKey } from '../../../../functions/domain/books/object-keys.ts'
import { authenticate } from '../../../../functions/operations/run/authenticate.ts'
import { emptyOutcome, recordOutcome } from '../../../../functions/operations/books/outcomes.ts'
import { planRun } from '../../../../functions/operations/run/plan-run.ts'
import { type FakePorts, fakePorts, item } from '../../../fakes/ports.ts'

const startedAt = '2026-11-22T02:00:00.000Z'
const db = { id: '101', kind: 'container', name: 'db', node: 'pve1', nodeOffline: false } as const

let ports: FakePorts
beforeEach(() => {
  ports = fakePorts()
  ports.fakeProvider.guests = [{ ...item.guest, nodeOffline: false }, db]
})

/** A run from its input to its plan, as the workflow does it. */
async function begin(request: unknown, runId: string) {
  const begun = await authenticate({ request, runId, startedAt }, ports)
  const { run, site, platform, platformVersion, job } = begun
  const planned = await planRun({ run, site, platform, platformVersion, job }, ports)
  const plan = JSON.parse(
    ports.store.objects.get(planned.planKey)?.body.toString() ?? '[]',
  ) as TaskInput<'StartBackup'>['item'][]
  return { begun, plan }
}

const job = { site: 'hq', guests: { kinds: ['vm', 'container'] }, backup: { storage: 'nas' } }
const again = { again: { run: 'first', startedAt } }

describe('repeating a run', () => {
  it('archives exactly the guests that it did not, with everything else as its job says', async () => {
    const { begun } = await begin(job, 'first')
    await recordOutcome(
      begun.run,
      { ...emptyOutcome(item.guest, 'failed', 'archived', '', 1), outcome: 'succeeded' },
      ports,
    )
    await recordOutcome(begun.run, emptyOutcome(db, 'failed', 'ConnectionDropped', 'The line fell.', 1), ports)
    const second = await begin(again, 'second')
    expect(second.plan.map(({ guest }) => guest.id)).toEqual(['101'])
    expect(second.plan[0]).toMatchObject({ backup: { storage: 'nas' }, run: { id: 'second' } })
    expect(second.begun.notes).toEqual(['Repeats 1 of 2 guests of run first.'])
  })

  it('archives a guest again whose archive was less than the job requires, and requires as much', async () => {
    const demanding = { ...job, require: { consistency: 'file-system' } }
    const { begun } = await begin(demanding, 'first')
    const artifacts = [{ key: 'k', sizeBytes: 1, checksum: 'CRC32:AAAAAA==' }]
    for (const guest of [item.guest, db]) {
      const failed = { ...emptyOutcome(guest, 'failed', 'GradeNotReached', 'Crash consistent.', 1), artifacts }
      await recordOutcome(begun.run, guest === db ? { ...failed, outcome: 'succeeded' } : failed, ports)
    }
    const { plan } = await begin(again, 'second')
    const require = { consistency: 'file-system', complete: false, accept: [] }
    expect(plan).toMatchObject([{ guest: { id: '100' }, require }])
  })

  it('takes a guest that left no outcome for one that was not archived, and skipped ones too', async () => {
    const { begun } = await begin(job, 'first')
    await recordOutcome(begun.run, emptyOutcome(db, 'skipped', 'GuestLocked', 'Locked.', 1), ports)
    const { plan } = await begin(again, 'second')
    expect(plan.map(({ guest }) => guest.id)).toEqual(['100', '101'])
  })

  it('knows the run by the milliseconds of an event as well, and by its day alone', async () => {
    await begin(job, 'first')
    for (const at of [Date.parse(startedAt), '2026-11-22T00:00:00.000Z'])
      await expect(begin({ again: { run: 'first', startedAt: at } }, `by-${at}`)).resolves.toBeDefined()
  })

  it('repeats the whole job of a run that was stopped before it had chosen anybody, without its slot', async () => {
    const schedule = { name: 'nightly', scheduledAt: startedAt }
    await authenticate({ request: { ...job, schedule }, runId: 'first', startedAt }, ports)
    const second = await begin(again, 'second')
    expect(second.begun.duplicateOf).toBeUndefined()
    expect(second.plan).toHaveLength(2)
  })

  it.each([
    [
      'a run that archived everything',
      async () => {
        const { begun } = await begin({ ...job, guests: { vmids: [100] } }, 'first')
        await recordOutcome(
          begun.run,
          { ...emptyOutcome(item.guest, 'failed', 'archived', '', 1), outcome: 'succeeded' },
          ports,
        )
      },
      /archived every guest/,
    ],
    ['a run that nobody knows', async () => undefined, /no run of that name and day/],
    [
      'a plan that cannot be read',
      async () => {
        const { begun } = await begin(job, 'first')
        await ports.store.writeText(planKey(begun.run.prefix), '{"half', {})
      },
      /can't be read/,
    ],
  ])('refuses %s', async (_, prepare, message) => {
    await prepare()
    await expect(begin(again, 'second')).rejects.toMatchObject({
      name: expect.stringMatching(/^(InvalidJob|RecordUnreadable)$/),
      message: expect.stringMatching(message),
    })
  })
})

/** How a verification ends, by what its report and its map over the archives tell. */
import { beforeAll, describe, expect, it } from 'vitest'
import { type TaskInput, tasks } from '../../../functions/contracts/tasks.ts'
import { type FakeTask, memoryStore, run } from '../../local/asl/harness.ts'
import { type Synthesised, synthesise } from '../synthesise.ts'

let synthesised: Synthesised
beforeAll(async () => {
  synthesised = await synthesise('smallest')
})

const planKey = 'verifications/2026/11/22/v/plan.json'
const item = { folder: 'archives/hq/vm-100/2026-11-22T02-00-07Z/', sizeBytes: 1, mostBytesInFunction: 2 }

/** A verification of one archive, whose plan can be read or not. */
async function verified(counts: { refused: number; overdue: number }, plan: boolean) {
  let reported: TaskInput<'ReportVerification'> | undefined
  const prefix = 'verifications/2026/11/22/v/'
  const answers: Record<string, FakeTask> = {
    'Plan verification': () => ({
      run: { id: 'v', startedAt: '2026-11-22T02:00:00.000Z', prefix },
      planKey,
      archiveCount: 1,
    }),
    'Verify deep': () => ({ outOfTime: false }),
    'Report verification': (args) => {
      reported = tasks.ReportVerification.input.parse((args as { Payload: unknown }).Payload)
      return { ...counts, summary: 'What it came to.' }
    },
  }
  const { result } = await run(synthesised.assembly.machines.verifyArchives, {
    s3: memoryStore(plan ? { [`archives/${planKey}`]: JSON.stringify([item]) } : {}),
    tasks: Object.fromEntries(
      Object.entries(answers).map(([name, answer]): [string, FakeTask] => [
        name,
        async (args, context) => ({ Payload: await answer(args, context) }),
      ]),
    ),
  })
  return { result, reported }
}

describe('a verification', () => {
  const incomplete = { status: 'FAILED', error: 'VerificationIncomplete', cause: 'What it came to.' }

  it.each([
    ['succeeds when all is read', { refused: 0, overdue: 0 }, true, { status: 'SUCCEEDED' }],
    [
      'fails when an archive is refused',
      { refused: 1, overdue: 0 },
      true,
      { status: 'FAILED', error: 'ArchiveRefused' },
    ],
    [
      'fails when an archive lacks its lock',
      { refused: 0, overdue: 0, unlocked: 1 },
      true,
      { status: 'FAILED', error: 'ArchiveUnlocked' },
    ],
    ['fails when an archive is overdue', { refused: 0, overdue: 1 }, true, incomplete],
    ['fails when its map fails, though nothing is overdue yet', { refused: 0, overdue: 0 }, false, incomplete],
  ])('%s', async (_, counts, plan, end) => {
    const { result, reported } = await verified(counts, plan)
    expect(result).toMatchObject(end)
    expect(reported?.mapError?.Error).toBe(plan ? undefined : 'States.ItemReaderFailed')
  })
})

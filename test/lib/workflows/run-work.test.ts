/** What a quote reckons with and a receipt counts, held against what the real definition of Export guest does with the real planner. */
import { beforeAll, describe, expect, it } from 'vitest'
import type { StoredPart } from '../../../functions/aws/archive-store.ts'
import type { CopyResult } from '../../../functions/contracts/pace.ts'
import type { GuestCounts } from '../../../functions/contracts/work.ts'
import { type TaskInput, tasks } from '../../../functions/contracts/tasks.ts'
import type { Upload } from '../../../functions/contracts/upload.ts'
import { partRange, planParts } from '../../../functions/domain/transfer/part-plan.ts'
import { guestCounts } from '../../../functions/domain/transfer/copy-work.ts'
import { countedWork, guestWork, ROUNDS } from '../../../functions/domain/prices/run-work.ts'
import { planCopies } from '../../../functions/operations/transfer/plan-copies.ts'
import { artifact, stored } from '../../fakes/evidence.ts'
import { MemoryStore } from '../../fakes/memory-store.ts'
import { fakePorts, item } from '../../fakes/ports.ts'
import { TaskFailure } from '../../../local/asl/errors.ts'
import { type FakeTask, run } from '../../local/asl/harness.ts'
import { type Synthesised, synthesise } from '../synthesise.ts'

let synthesised: Synthesised
beforeAll(async () => {
  synthesised = await synthesise('smallest')
})

const payloadOf = (args: unknown) => (args as { Payload: unknown }).Payload

interface Trouble {
  /** Looks at the backup before it has ended, and starts that were told to wait. */
  looks?: number
  turns?: number
  /** The calls of Copy parts, counted from 0, that break off after 100 seconds. */
  breaks?: readonly number[]
  /** All of them did that much work before. */
  billedSeconds?: number
}

/** Archive one guest over streams of that speed. */
async function measured(sizeBytes: number, bytesPerSecondOfStream: number, trouble: Trouble = {}) {
  const { looks = 0, turns = 0, breaks = [], billedSeconds = 2 } = trouble
  let [turnsLeft, looksLeft] = [turns, looks]
  let counts: GuestCounts | undefined
  const plan = planParts(sizeBytes)
  const source = { sizeBytes, modifiedAt: '2026-11-22T02:01:00.000Z' }
  const upload: Upload = { key: stored.key, uploadId: 'x', ...plan, source }
  const there = new Map<number, StoredPart>()
  const store = new MemoryStore()
  store.listParts = async () => [...there.values()]
  const ports = fakePorts()
  let [copyCalls, copySeconds, smallCalls] = [0, 0, 0]
  const answers: Record<string, FakeTask> = {
    'Start vzdump': () =>
      turnsLeft-- > 0
        ? { waitSeconds: 30, reason: 'another dumps' }
        : { jobRef: 'j', startedAt: item.run.startedAt, adopted: false, waitSeconds: 10, storage: 'nas' },
    'Check vzdump': () => (looksLeft-- > 0 ? { done: false, waitSeconds: 60 } : { done: true, waitSeconds: 0 }),
    'Locate archive of vzdump': () => ({
      artifacts: [{ ...artifact, sizeBytes }],
      verdict: { name: 'archived', good: true, reason: '' },
      evidenceKey: 'runs/e.json',
    }),
    'Open upload': () => ({ upload }),
    'Plan copies': (args, { clock }) => {
      const input: TaskInput<'PlanCopies'> = tasks.PlanCopies.input.parse(payloadOf(args))
      return planCopies(input, { ...ports, store, now: () => new Date(clock.now()) })
    },
    'Copy parts': async (args, { clock }): Promise<CopyResult> => {
      const { chunk, order } = tasks.CopyParts.input.parse(payloadOf(args))
      copyCalls += 1
      if (breaks.includes(copyCalls - 1)) {
        await clock.sleep(100_000)
        copySeconds += 100
        throw new TaskFailure('ConnectionDropped', '{}')
      }
      const wanted = Math.max(1, Math.ceil((order.seconds * bytesPerSecondOfStream) / plan.partSizeBytes))
      let [bytesSent, partsSent] = [0, 0]
      for (let part = chunk.firstPart; part <= chunk.lastPart && partsSent < wanted; part++) {
        if (there.has(part)) continue
        const { sizeBytes: bytes } = partRange(part, plan.partSizeBytes, sizeBytes)
        there.set(part, { partNumber: part, sizeBytes: bytes, etag: 'e', crc32: 0 })
        bytesSent += bytes
        partsSent += 1
      }
      const seconds = bytesSent / bytesPerSecondOfStream
      await clock.sleep(seconds * 1000)
      copySeconds += seconds + billedSeconds
      const billed = { billedSeconds: seconds + billedSeconds, memoryMiB: 1769 }
      return { bytesSent, partsSent, seconds, ...billed, throttles: 0, drops: 0 }
    },
    'Complete upload': (args) => {
      const { work, bytesSent } = tasks.CompleteUpload.input.parse(payloadOf(args))
      return { stored: { ...stored, sizeBytes, ...plan, work, bytesSent } }
    },
    'Compare checksums': () => ({ matches: true }),
    'Write manifest': (args) => {
      counts = guestCounts(tasks.WriteManifest.input.parse(payloadOf(args)))
      return { manifestKey: 'm' }
    },
    'Release backup': () => ({ id: '100', outcome: 'succeeded' }),
  }
  const counted = Object.entries(answers).map(([name, answer]): [string, FakeTask] => [
    name,
    async (args, context) => {
      if (name !== 'Copy parts') smallCalls += 1
      return { Payload: await answer(args, context) }
    },
  ])
  const outcome = await run(synthesised.assembly.machines.exportGuest, {
    input: item,
    tasks: Object.fromEntries(counted),
  })
  expect(outcome.result).toEqual({ status: 'SUCCEEDED', output: expect.anything() })
  // AWS bills each state that is entered.
  const transitions = outcome.allEvents.filter(({ type }) => type.endsWith('StateEntered')).length
  return { transitions, copyCalls, copySeconds, smallCalls, partCount: plan.partCount, counts }
}

describe('the work that a quote reckons with', () => {
  it('is what the workflow does for an archive of one part', async () => {
    const done = await measured(50e6, 70e6, { billedSeconds: 0 })
    const course = { sizeBytes: 50e6, dumpSeconds: 0, streams: 4, bytesPerSecondOfStream: 70e6, rounds: ROUNDS.few }
    const { transitions, copyCalls, smallCalls, copySeconds } = guestWork(course)
    expect(done).toMatchObject({ copyCalls, smallCalls })
    // Whether there is a retention to apply, and applying it, are two more or less.
    expect(Math.abs(done.transitions - transitions)).toBeLessThanOrEqual(2)
    expect(done.copySeconds).toBeCloseTo(copySeconds, 9)
  })

  it.each([
    ['1 GB', 1e9],
    ['5 GB', 5e9],
    ['20 GB', 2e10],
    ['30 GB', 3e10],
    ['60 GB', 6e10],
    ['100 GB', 1e11],
    ['300 GB', 3e11],
    ['1 TB', 1e12],
    ['10 TB', 1e13],
  ])('spans what it does for %s', async (_, sizeBytes) => {
    const bytesPerSecondOfStream = 70e6
    const done = await measured(sizeBytes, bytesPerSecondOfStream, { billedSeconds: 0 })
    const course = { sizeBytes, dumpSeconds: 0, bytesPerSecondOfStream }
    const quick = guestWork({ ...course, streams: 4, rounds: ROUNDS.few })
    const slow = guestWork({ ...course, streams: 1, rounds: ROUNDS.many })
    for (const count of ['transitions', 'copyCalls', 'smallCalls'] as const) {
      expect([count, done[count] >= Math.min(quick[count], slow[count])]).toEqual([count, true])
      expect([count, done[count] <= Math.max(quick[count], slow[count])]).toEqual([count, true])
    }
    expect(done.copySeconds).toBeCloseTo(quick.copySeconds, 3)
    // All parts and the opening.
    expect(quick.parts).toBe(done.partCount + 1)
  })
})

describe('the work that a receipt counts', () => {
  it.each([
    ['one part', 50e6, {}],
    ['a few rounds', 60e9, {}],
    ['a backup that was waited for, before its start and after', 1e9, { looks: 7, turns: 3 }],
    ['streams that broke off', 100e9, { breaks: [0, 5, 6] }],
    ['a round in which nothing moved, and a wait', 50e6, { breaks: [0] }],
  ] as const)('is what the workflow did for %s, to each call, state and second', async (_, sizeBytes, trouble) => {
    const { counts, partCount, ...done } = await measured(sizeBytes, 70e6, trouble)
    if (counts === undefined) throw new Error('nothing was counted')
    const { transitions, copyCalls, smallCalls, copySeconds, parts } = countedWork(counts, [{ partCount }])
    expect({ transitions, copyCalls, smallCalls }).toEqual({
      transitions: done.transitions,
      copyCalls: done.copyCalls,
      smallCalls: done.smallCalls,
    })
    expect(copySeconds).toBeCloseTo(done.copySeconds, 1)
    expect(parts).toBe(partCount + 1)
    expect(counts).toMatchObject({ memoryMiB: 1769, untimedCalls: 0 })
    expect(counts.brokenCalls).toBe('breaks' in trouble ? trouble.breaks.length : 0)
  })
})

/**
 * The largest archive and the largest run, through the real definitions and the real planner: only the bytes are
 * missing. Counts what Step Functions and Lambda limit.
 */
import { beforeAll, describe, expect, it } from 'vitest'
import type { StoredPart } from '../../../functions/aws/archive-store.ts'
import type { CopyResult } from '../../../functions/contracts/pace.ts'
import type { PlanItem } from '../../../functions/contracts/plan-item.ts'
import { type TaskInput, tasks } from '../../../functions/contracts/tasks.ts'
import type { Upload } from '../../../functions/contracts/upload.ts'
import { MAX_OBJECT_BYTES, partRange, planParts } from '../../../functions/domain/transfer/part-plan.ts'
import { nextWaitSeconds } from '../../../functions/domain/backup/poll-wait.ts'
import { LONGEST_COPY_DAYS, slowestLineBytesPerSecond } from '../../../functions/domain/transfer/slowest-line.ts'
import { keepTurn } from '../../../functions/operations/backup/dump-turns.ts'
import type { Ports } from '../../../functions/operations/ports.ts'
import { planCopies } from '../../../functions/operations/transfer/plan-copies.ts'
import { planRun } from '../../../functions/operations/run/plan-run.ts'
import { startBackup } from '../../../functions/operations/backup/start-backup.ts'
import { reserveStreams } from '../../../functions/operations/books/stream-reservations.ts'
import { TaskFailure } from '../../../local/asl/errors.ts'
import type { Definition } from '../../../local/run/synthesised.ts'
import { fakePorts, item } from '../../fakes/ports.ts'
import { artifact, stored } from '../../fakes/evidence.ts'
import { MemoryStore } from '../../fakes/memory-store.ts'
import { type FakeTask, memoryStore, type Outcome, run } from '../../local/asl/harness.ts'
import { type Synthesised, synthesise } from '../synthesise.ts'

/** What no execution may pass, whatever it does: a fifth of the quota stays to spare. */
const BOUND = 20_000
/** Quotas of Standard workflows (developer guide, "Service quotas"): events per history, bytes of a payload. */
const MAX_EVENTS = 25_000
const MAX_PAYLOAD_BYTES = 256 * 1024
/** Lambda's longest run. */
const FUNCTION_SECONDS = 900

let synthesised: Synthesised
beforeAll(async () => {
  synthesised = await synthesise('smallest')
})

/** S3 of which only the list of parts is real; it is asked for often, and kept in order as parts arrive. */
class PartList extends MemoryStore {
  count = 0
  readonly #parts: (StoredPart | undefined)[] = []
  readonly #upload: Upload

  constructor(upload: Upload) {
    super()
    this.#upload = upload
  }

  has(partNumber: number): boolean {
    return this.#parts[partNumber] !== undefined
  }

  add(partNumber: number): void {
    const { partSizeBytes, source } = this.#upload
    const { sizeBytes } = partRange(partNumber, partSizeBytes, source.sizeBytes)
    if (!this.has(partNumber)) this.count++
    this.#parts[partNumber] = { partNumber, sizeBytes, etag: 'etag', crc32: 0 }
  }

  override async listParts(): Promise<StoredPart[]> {
    return this.#parts.filter((part) => part !== undefined)
  }
}

interface Payload<Input> {
  Payload: Input
}

interface Trouble {
  /** Days for which another guest holds the node's turn. */
  queueDays?: number
  dumpDays?: number
  /** Another transfer holds half of the node's connections. */
  shared?: boolean
  connectionsPerNode?: number
  /** One in so many calls fails, and is made again. */
  failsOneIn?: number
  /** How often such a call fails before it succeeds. */
  failures?: number
}

/** One guest whose archive has so many bytes, over streams that move so many bytes per second each. */
async function archive(sizeBytes: number, bytesPerSecondOfStream: number, trouble: Trouble = {}) {
  const { queueDays = 0, dumpDays = 0, shared = false, connectionsPerNode = 4, failsOneIn = 0, failures = 1 } = trouble
  const plan = planParts(sizeBytes)
  const source = { sizeBytes, modifiedAt: '2026-11-22T02:01:00.000Z' }
  const upload: Upload = { key: stored.key, uploadId: 'x'.repeat(128), ...plan, source }
  const store = new PartList(upload)
  const ports = { ...fakePorts(), siteLimits: async () => ({ connectionsPerNode, windows: [], timezone: 'UTC' }) }
  let beganAt: number | undefined
  let askedAt: number | undefined
  let calls = 0
  let largestPayload = 0
  let longestCallSeconds = 0

  const answers: Record<string, FakeTask> = {
    'Start vzdump': (_args, { clock }) => {
      askedAt ??= clock.now()
      const elapsedSeconds = (clock.now() - askedAt) / 1000
      if (elapsedSeconds < queueDays * 86_400)
        return { waitSeconds: Math.max(5, nextWaitSeconds({ elapsedSeconds })), reason: 'Another guest dumps.' }
      beganAt = clock.now()
      const startedAt = new Date(beganAt).toISOString()
      return { jobRef: 'j'.repeat(100), startedAt, adopted: false, waitSeconds: 1, storage: 'nas' }
    },
    'Check vzdump': (_args, { clock }) => {
      const elapsedSeconds = (clock.now() - (beganAt ?? 0)) / 1000
      if (elapsedSeconds >= dumpDays * 86_400) return { done: true, waitSeconds: 0 }
      return { done: false, waitSeconds: nextWaitSeconds({ elapsedSeconds }) }
    },
    'Locate archive of vzdump': () => ({
      artifacts: [{ ...artifact, sizeBytes }],
      verdict: { name: 'archived', good: true, reason: '' },
      evidenceKey: 'runs/e.json',
    }),
    'Open upload': () => ({ upload }),
    'Plan copies': async (args, { clock }) => {
      const now = () => new Date(clock.now())
      if (shared) await holdHalf(connectionsPerNode, { ...ports, store, now })
      const input = tasks.PlanCopies.input.parse((args as unknown as Payload<TaskInput<'PlanCopies'>>).Payload)
      return planCopies(input, { ...ports, store, now: () => new Date(clock.now()) })
    },
    'Copy parts': async (args, { clock }): Promise<CopyResult> => {
      const { chunk, order } = tasks.CopyParts.input.parse((args as unknown as Payload<unknown>).Payload)
      const secondsOfPart = plan.partSizeBytes / bytesPerSecondOfStream
      const mine = []
      for (let part = chunk.firstPart; part <= chunk.lastPart; part++) if (!store.has(part)) mine.push(part)
      // As Copy parts does it: a part begun within the time is finished.
      const partsSent = Math.min(mine.length, Math.max(1, Math.ceil(order.seconds / secondsOfPart)))
      const seconds = partsSent * secondsOfPart
      await clock.sleep(seconds * 1000)
      for (const part of mine.slice(0, partsSent)) store.add(part)
      longestCallSeconds = Math.max(longestCallSeconds, seconds)
      return { bytesSent: partsSent * plan.partSizeBytes, partsSent, seconds, throttles: 0, drops: 0 }
    },
    'Complete upload': () => ({ stored: { ...stored, sizeBytes, ...plan } }),
    'Compare checksums': () => ({ matches: true }),
    'Write manifest': () => ({ manifestKey: 'm' }),
    'Release backup': () => ({
      id: '100',
      outcome: 'succeeded',
    }),
  }
  let fresh = 0
  const failuresLeft = new Map<string, number | undefined>()
  const counted = Object.fromEntries(
    Object.entries(answers).map(([name, answer]): [string, FakeTask] => [
      name,
      async (args, context) => {
        calls++
        let left = failuresLeft.get(name)
        if (left === undefined && failsOneIn > 0 && ++fresh % failsOneIn === 0) left = failures
        failuresLeft.set(name, left === 0 ? undefined : left)
        if (left !== undefined && left > 0) {
          failuresLeft.set(name, left - 1)
          throw new TaskFailure('Lambda.TooManyRequestsException', 'Rate exceeded.')
        }
        const result = { Payload: await answer(args, context) }
        largestPayload = Math.max(largestPayload, JSON.stringify(args).length, JSON.stringify(result).length)
        return result
      },
    ]),
  )
  const outcome = await run(synthesised.assembly.machines.exportGuest, { input: item, tasks: counted })
  expect(outcome.result).toEqual({ status: 'SUCCEEDED', output: expect.anything() })
  return {
    plan,
    there: store.count,
    events: mostEvents(outcome),
    executions: new Set(outcome.allEvents.map(({ execution }) => execution)).size,
    hours: outcome.seconds / 3600,
    calls,
    largestPayload,
    longestCallSeconds,
  }
}

/** Another transfer, which always wants more than it has. */
async function holdHalf(connectionsPerNode: number, ports: Ports): Promise<void> {
  const other = { execution: 'other', runId: 'other', node: 'pve1', guest: '99', streams: connectionsPerNode / 2 }
  const limits = { connectionsPerNode, siteBytesPerSecond: undefined, runBytesPerSecond: undefined }
  await reserveStreams('hq', { ...other, partSizeBytes: 64 * 2 ** 20 }, limits, ports)
}

/** Of the execution that has recorded most. */
function mostEvents({ allEvents }: Outcome): number {
  const counts = new Map<string, number>()
  for (const { execution } of allEvents) counts.set(execution, (counts.get(execution) ?? 0) + 1)
  return Math.max(...counts.values())
}

describe('the largest archive that S3 can hold', () => {
  it('is 10,000 parts of 5 GiB and passes through one execution, with four streams of 70 MB/s', async () => {
    const of = await archive(MAX_OBJECT_BYTES, 70_000_000)
    expect(of.plan).toEqual({ partSizeBytes: 5 * 2 ** 30, partCount: 10_000 })
    expect(of.there).toBe(10_000)
    expect(of.events).toBeLessThan(MAX_EVENTS * 0.6)
    expect(of.largestPayload).toBeLessThan(MAX_PAYLOAD_BYTES / 10)
    expect(of.longestCallSeconds).toBeLessThan(FUNCTION_SECONDS)
    expect(of.hours).toBeGreaterThan(MAX_OBJECT_BYTES / 280_000_000 / 3600)
    expect(of.hours).toBeLessThan((MAX_OBJECT_BYTES / 280_000_000 / 3600) * 1.2)
  })

  it('fits into five days, and into every history, at 150 MB/s over all streams', async () => {
    const of = await archive(MAX_OBJECT_BYTES, 37_500_000)
    expect(of.there).toBe(10_000)
    expect(of.events).toBeLessThan(BOUND)
    expect(of.longestCallSeconds).toBeLessThan(FUNCTION_SECONDS)
    expect(of.hours).toBeLessThan(120)
  })

  it('stays within every history after three days of queue and five of dump, over the slowest line, on a shared node', async () => {
    const bytesPerSecond = slowestLineBytesPerSecond(MAX_OBJECT_BYTES)
    const hard = { queueDays: 3, dumpDays: 5, shared: true, failsOneIn: 10, failures: 3 }
    const of = await archive(MAX_OBJECT_BYTES, (bytesPerSecond * 1.1) / 2, hard)
    expect(of.there).toBe(10_000)
    expect(of.hours).toBeGreaterThan((3 + 5 + 12) * 24)
    expect(of.hours).toBeLessThan((3 + 5 + LONGEST_COPY_DAYS) * 24)
    expect(of.events).toBeLessThan(BOUND)
    expect(of.executions).toBeGreaterThan(8)
    expect(of.largestPayload).toBeLessThan(MAX_PAYLOAD_BYTES / 10)
  })
})

describe('a slow line and a shared node', () => {
  it('bring 1 TiB at twice 3 MB/s, though its rounds alone would fill more than one history', async () => {
    const of = await archive(2 ** 40, 3_000_000, { shared: true })
    expect(of.events).toBeLessThan(BOUND)
    expect(of.executions).toBeGreaterThan(3)
    expect(of.hours).toBeGreaterThan(48)
  })

  it('stay within every history where each call is refused many times', async () => {
    const of = await archive(2 ** 40, 30_000_000, { queueDays: 1, dumpDays: 1, failsOneIn: 2, failures: 40 })
    expect(of.events).toBeLessThan(BOUND)
  })
})

describe('an ordinary archive', () => {
  it('of 2 GiB takes a round or two, and few calls', async () => {
    const of = await archive(2 * 2 ** 30, 70_000_000)
    expect(of.calls).toBeLessThan(20)
    expect(of.events).toBeLessThan(200)
  })

  it('of 100 GiB on a line of 12 MB/s stays far from every limit', async () => {
    const of = await archive(100 * 2 ** 30, 3_000_000)
    expect(of.events).toBeLessThan(3_000)
    expect(of.longestCallSeconds).toBeLessThan(FUNCTION_SECONDS)
  })
})

describe('a guest whose turn to dump never comes', () => {
  it('asks for days within the history, and fails with a sentence', async () => {
    const ports = fakePorts()
    ports.fakeProvider.running = true
    let asks = 0
    const busy = { ...item, guest: { ...item.guest, id: '99' } }
    const other = { item: busy, execution: 'other' }
    const outcome = await run(synthesised.assembly.machines.exportGuest, {
      input: item,
      tasks: {
        'Start vzdump': async (args, { clock }) => {
          asks++
          const timed = { ...ports, now: () => new Date(clock.now()) }
          // The other dump of the node lives on and on.
          await keepTurn(other, { jobRef: 'endless' }, timed)
          const { Payload } = args as unknown as Payload<unknown>
          return { Payload: await startBackup(tasks.StartBackup.input.parse(Payload), timed) }
        },
        'Record failure': (args) => {
          const { error } = tasks.RecordFailure.input.parse((args as unknown as Payload<unknown>).Payload)
          return { Payload: { outcome: 'failed', reason: error.Cause } }
        },
      },
    })
    expect(outcome.result).toMatchObject({ status: 'FAILED', error: 'NoTurnToDump' })
    expect(outcome.seconds).toBeGreaterThan(3 * 24 * 3600)
    expect(asks).toBeGreaterThan(800)
    expect(mostEvents(outcome)).toBeLessThan(MAX_EVENTS * 0.4)
    expect(asks * 2).toBeLessThan(outcome.allEvents.length)
  })
})

describe('a run over 10,000 guests', () => {
  it('keeps the guests in S3 and not in state: small payloads, a short history, one child for each guest', async () => {
    const ports = fakePorts()
    const vmids = Array.from({ length: 10_000 }, (_, index) => 100 + index)
    ports.fakeProvider.guests = vmids.map((id) => ({ ...item.guest, id: String(id), nodeOffline: false }))
    const job = tasks.PlanRun.input.shape.job.parse({ site: 'hq', guests: { vmids } })
    const planInput = { run: item.run, site: 'hq', platform: 'proxmox', platformVersion: '9.2.11', job } as const
    const planned = await planRun(planInput, ports)
    expect(planned.guestCount).toBe(10_000)
    const plan = ports.store.objects.get(planned.planKey)?.body ?? Buffer.alloc(0)
    const items = JSON.parse(plan.toString()) as PlanItem[]
    expect(Math.max(...items.map((each) => JSON.stringify(each).length))).toBeLessThan(2_000)

    const s3 = memoryStore({ [`archives/${planned.planKey}`]: plan.toString() })
    let children = 0
    let largestPayload = 0
    const answers: Record<string, FakeTask> = {
      Authenticate: () => ({ ...planInput, notes: [] }),
      'Plan run': () => planned,
      'Write catalogue': () => ({ guests: 10_000, archives: 10_000, notes: [] }),
      'Report run': () => ({ outcome: 'succeeded', summary: 's', bucket: 'archives', reportKey: 'r' }),
    }
    const outcome = await run(withChildrenOfOneState(synthesised.assembly.machines.exportRun), {
      // The job itself travels in state: with every guest listed by its vmid, it is the largest payload there is.
      input: job,
      s3,
      tasks: Object.fromEntries(
        Object.entries(answers).map(([name, answer]): [string, FakeTask] => [
          name,
          async (args, context) => {
            const result = { Payload: await answer(args, context) }
            largestPayload = Math.max(largestPayload, JSON.stringify(args).length, JSON.stringify(result).length)
            return result
          },
        ]),
      ),
      onEvent: ({ type, details }) => {
        if (type === 'ExecutionStarted' && 'guest' in (details['input'] as object)) children++
      },
    })
    expect(outcome.result).toMatchObject({ status: 'SUCCEEDED' })
    expect(children).toBe(10_000)
    expect(outcome.events.length).toBeLessThan(100)
    expect(largestPayload).toBeLessThan(MAX_PAYLOAD_BYTES / 2)
  })
})

/** The run's own definition; what a child does is counted above, so here it ends at once. */
function withChildrenOfOneState(definition: Definition): Definition {
  const copy = structuredClone(definition) as Definition & { States: Record<string, { ItemProcessor?: unknown }> }
  const map = Object.values(copy.States).find(({ ItemProcessor }) => ItemProcessor !== undefined)
  const config = { Mode: 'DISTRIBUTED', ExecutionType: 'STANDARD' }
  Object.assign(map?.ItemProcessor as object, {
    ProcessorConfig: config,
    StartAt: 'End',
    States: { End: { Type: 'Succeed' } },
  })
  return copy
}

/** What becomes of a run when its catalogue can't be written: nothing but a note. */
import { beforeAll, describe, expect, it } from 'vitest'
import { type TaskInput, tasks } from '../../../functions/contracts/tasks.ts'
import { TaskFailure } from '../../../local/asl/interpreter.ts'
import type { Definition } from '../../../local/run/synthesised.ts'
import { item } from '../../fakes/ports.ts'
import { type FakeTask, memoryStore, run } from '../../local/asl/harness.ts'
import { type Synthesised, synthesise } from '../synthesise.ts'

let synthesised: Synthesised
beforeAll(async () => {
  synthesised = await synthesise('smallest')
})

const planKey = `${item.run.prefix}plan.json`
const plans = { [`archives/${planKey}`]: JSON.stringify([item]) }

/** A run over one guest whose export ends at once, or whose map fails as a whole. */
async function runWith(
  writeCatalogue: FakeTask,
  {
    notes = [] as string[],
    guestCount = 1,
    plan = true,
    job = {},
    keep = (): unknown => ({}),
    s3 = memoryStore(plan ? plans : {}),
  } = {},
) {
  const { run: its, site, platform, platformVersion } = item
  let reported: TaskInput<'ReportRun'> | undefined
  const answers: Record<string, FakeTask> = {
    Authenticate: () => ({ run: its, site, platform, platformVersion, job, notes }),
    'Keep configuration': keep,
    'Plan run': () => ({ planKey, guestCount }),
    'Write catalogue': writeCatalogue,
    'Report run': (args) => {
      reported = tasks.ReportRun.input.parse((args as { Payload: unknown }).Payload)
      return { outcome: 'succeeded', summary: 's', bucket: 'archives', reportKey: 'r' }
    },
  }
  const outcome = await run(withChildrenOfOneState(synthesised.assembly.machines.exportRun), {
    s3,
    tasks: Object.fromEntries(
      Object.entries(answers).map(([name, answer]): [string, FakeTask] => [
        name,
        async (args, context) => ({ Payload: await answer(args, context) }),
      ]),
    ),
  })
  return { outcome, reported }
}

function withChildrenOfOneState(definition: Definition): Definition {
  const copy = structuredClone(definition) as Definition & { States: Record<string, { ItemProcessor?: unknown }> }
  Object.assign(copy.States['Export each guest']?.ItemProcessor as object, {
    ProcessorConfig: { Mode: 'DISTRIBUTED', ExecutionType: 'STANDARD' },
    StartAt: 'End',
    States: { End: { Type: 'Succeed' } },
  })
  return copy
}

const written = (notes: string[]) => () => ({ guests: 1, archives: 1, notes })

describe('the catalogue in a run', () => {
  it('is written between guests and report, which gets its notes', async () => {
    const { outcome, reported } = await runWith(written(['healed']), { notes: ['a note'] })
    expect(outcome.states.slice(-4)).toEqual(['Write catalogue', 'Report run', 'How did it go?', 'Run succeeded'])
    expect(reported).toMatchObject({ notes: ['a note', 'healed'], catalogueError: null })
  })

  it.each([
    'States.Timeout',
    'StoreDenied',
    'StoreUnavailable',
    'InternalFault',
    'Sandbox.Timedout',
    'Lambda.TooManyRequestsException',
    'Runtime.OutOfMemory',
  ])('never changes how the run ends: %s', async (error) => {
    const { outcome, reported } = await runWith(() => Promise.reject(new TaskFailure(error, 'why')), {
      notes: ['a note'],
    })
    expect(outcome.result.status).toBe('SUCCEEDED')
    expect(reported).toMatchObject({ notes: ['a note'], catalogueError: { Error: error, Cause: 'why' } })
  })

  it('is written as well when the map itself failed: what was archived before has to be told', async () => {
    const { outcome, reported } = await runWith(written([]), { plan: false })
    expect(outcome.states).toContain('Write catalogue')
    expect(reported).toMatchObject({
      notes: [],
      catalogueError: null,
      mapError: { Error: 'States.ItemReaderFailed', Cause: expect.stringMatching(/NoSuchKey/) },
    })
  })

  it('stays as it is when no guest was found', async () => {
    const { outcome, reported } = await runWith(written([]), { guestCount: 0 })
    expect(outcome.states).not.toContain('Write catalogue')
    expect(reported).toMatchObject({ notes: [], catalogueError: null })
  })
})

describe('how the site is set up', () => {
  const kept = { key: 'k', takenAt: '2026-11-22T02:00:00.000Z', changes: [], changeCount: 0, incomplete: [] }

  it('is kept before the guests where the job asks for it, and the report gets it', async () => {
    const { outcome, reported } = await runWith(written([]), { job: { siteConfiguration: true }, keep: () => kept })
    expect(outcome.states.indexOf('Keep configuration')).toBeLessThan(outcome.states.indexOf('Export each guest'))
    expect(reported).toMatchObject({ siteConfiguration: kept, configurationError: null })
  })

  it('is not asked for otherwise', async () => {
    const { outcome, reported } = await runWith(written([]))
    expect(outcome.states).not.toContain('Keep configuration')
    expect(reported).toMatchObject({ siteConfiguration: null, configurationError: null })
  })

  it('keeps no guest from being archived when it fails, and the report gets why', async () => {
    const { outcome, reported } = await runWith(written([]), {
      job: { siteConfiguration: true },
      keep: () => Promise.reject(new TaskFailure('PlatformUnavailable', 'why')),
    })
    expect(outcome.states).toContain('Export each guest')
    expect(reported).toMatchObject({ configurationError: { Error: 'PlatformUnavailable', Cause: 'why' } })
  })
})

describe('a store that fails while the plan is read', () => {
  /** Refuses to be read so often. */
  function busyStore(refusals: number) {
    const store = memoryStore(plans)
    let asked = 0
    const getObject: typeof store.getObject = async (bucket, key) => {
      asked += 1
      if (asked <= refusals) throw Object.assign(new Error('Please reduce your request rate.'), { name: 'SlowDown' })
      return store.getObject(bucket, key)
    }
    return { store: { ...store, getObject }, asked: () => asked }
  }

  it('is asked again, and the run goes on as if nothing had been', async () => {
    const { store, asked } = busyStore(5)
    const { outcome, reported } = await runWith(written([]), { s3: store })
    expect(outcome.result.status).toBe('SUCCEEDED')
    expect(outcome.types.filter((type) => type === 'MapRunStarted')).toHaveLength(6)
    expect(outcome.types.filter((type) => type === 'MapRunSucceeded')).toHaveLength(1)
    expect(reported).toMatchObject({ mapError: null })
    expect(asked()).toBe(6)
  })

  it('is given up after some minutes, within which no guest was begun, and its words reach the report', async () => {
    const { store, asked } = busyStore(Number.POSITIVE_INFINITY)
    const { outcome, reported } = await runWith(written([]), { s3: store })
    expect(asked()).toBe(9)
    expect(outcome.seconds).toBeGreaterThan(240)
    expect(outcome.seconds).toBeLessThan(600)
    expect(outcome.types).not.toContain('MapRunSucceeded')
    expect(reported).toMatchObject({
      mapError: {
        Error: 'States.ItemReaderFailed',
        Cause: expect.stringMatching(/SlowDown.*reduce your request rate/),
      },
    })
  })
})

describe('a second delivery of a schedule', () => {
  it('ends well and never comes to the report, whose figures alone count as a success', async () => {
    const { run: its, site, platform, platformVersion } = item
    const answer = { run: its, site, platform, platformVersion, job: {}, notes: [], duplicateOf: 'run-0' }
    // Any other task would fail: none is answered here.
    const { result, states } = await run(synthesised.assembly.machines.exportRun, {
      tasks: { Authenticate: () => ({ Payload: answer }) },
    })
    expect(result.status).toBe('SUCCEEDED')
    expect(states).toEqual(['Authenticate', 'Already served?', 'Nothing to do'])
  })
})

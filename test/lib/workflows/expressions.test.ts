/** What the workflows' expressions make of the values that a workflow really meets. */
import jsonata from 'jsonata'
import { beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { storedArtifactSchema } from '../../../functions/contracts/nouns.ts'
import { copyResultSchema, paceSchema } from '../../../functions/contracts/pace.ts'
import { tasks } from '../../../functions/contracts/tasks.ts'
import { verificationRequestSchema } from '../../../functions/contracts/verification-policy.ts'
import { noCopyWork } from '../../../functions/domain/transfer/copy-work.ts'
import { stored } from '../../fakes/evidence.ts'
import { synthesise } from '../synthesise.ts'
import { type State, statesOf } from './asl.ts'

let states: Map<string, State>
let verification: Map<string, State>

beforeAll(async () => {
  const { assembly } = await synthesise('smallest')
  const { exportRun, judgeCoverage, sweepUploads } = assembly.machines
  states = new Map([exportRun, judgeCoverage, sweepUploads].flatMap(statesOf))
  verification = new Map(statesOf(assembly.machines.verifyArchives))
})

interface Context {
  states?: Record<string, unknown>
  variables?: Record<string, unknown>
}

/** Evaluate a field as Step Functions does: expressions replaced, everything else as it stands. */
async function evaluated(value: unknown, context: Context): Promise<unknown> {
  if (typeof value === 'string' && value.startsWith('{%')) {
    const result: unknown = await jsonata(value.slice(2, -2)).evaluate(
      {},
      { states: context.states, ...context.variables },
    )
    if (result === undefined) throw new Error(`States.QueryEvaluationError: ${value} is undefined`)
    // JSONata marks its own arrays with hidden properties; what leaves a state is plain JSON.
    return JSON.parse(JSON.stringify(result))
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
  const entries = Object.entries(value).map(async ([key, inner]) => [key, await evaluated(inner, context)] as const)
  return Object.fromEntries(await Promise.all(entries))
}

function field(state: string, name: string): unknown {
  const found = states.get(state)
  if (found === undefined) throw new Error(`There is no state ${state}`)
  return found[name]
}

function condition(state: string, index = 0): string {
  return states.get(state)?.Choices?.[index]?.Condition ?? ''
}

describe('lists of one and of none', () => {
  const artifact = { artifactRef: 'one', location: { node: 'pve1', path: '/a' } }

  it('keep a single artifact a list from Locate archive to the transfer', async () => {
    const assigned = await evaluated(field('Locate archive of vzdump', 'Assign'), {
      states: { result: { Payload: { artifacts: [artifact], verdict: { name: 'archived' }, evidenceKey: 'k' } } },
    })
    expect(assigned).toMatchObject({ artifacts: [artifact] })
    expect(await evaluated(field('Transfer each artifact', 'Items'), { variables: { artifacts: [artifact] } })).toEqual(
      [artifact],
    )
  })

  it('keep a single stored artifact a list for Compare checksums', async () => {
    const assigned = await evaluated(field('Transfer each artifact', 'Assign'), { states: { result: [{ key: 'k' }] } })
    expect(assigned).toEqual({ stored: [{ key: 'k' }] })
    const payload = await evaluated(states.get('Compare checksums')?.Arguments?.Payload, {
      variables: { item: {}, artifacts: [artifact], stored: [{ key: 'k' }] },
    })
    expect(payload).toEqual({ item: {}, artifacts: [artifact], stored: [{ key: 'k' }] })
  })

  it.each([
    ['no chunk', []],
    ['one chunk', [{ firstPart: 1, lastPart: 9 }]],
    [
      'two chunks',
      [
        { firstPart: 1, lastPart: 9 },
        { firstPart: 10, lastPart: 12 },
      ],
    ],
  ])('copy %s', async (_, chunks) => {
    expect(await evaluated(field('Copy chunks', 'Items'), { states: { input: { chunks } } })).toEqual(chunks)
  })

  it.each([
    ['one stream', [{ bytesSent: 7 }]],
    ['two streams', [{ bytesSent: 7 }, { bytesSent: 0 }]],
  ])('keep the results of %s for the next plan', async (_, result) => {
    const told = await evaluated(field('Copy chunks', 'Assign'), { states: { result }, variables: { spent: 0 } })
    expect(told).toMatchObject({ copied: result })
    const payload = await evaluated(states.get('Plan copies')?.Arguments?.Payload, {
      variables: { leg: { item: {}, execution: 'e', artifact: {}, upload: {} }, paced: {}, copied: result },
    })
    expect(payload).toMatchObject({ results: result })
  })

  it('hand over an empty list of notes', async () => {
    const Payload = { run: {}, site: 'hq', platform: 'proxmox', platformVersion: '9', job: {}, notes: [] }
    const assigned = await evaluated(field('Authenticate', 'Assign'), { states: { result: { Payload } } })
    expect(assigned).toMatchObject({ notes: [] })
  })
})

describe('a round of copying', () => {
  const order = { seconds: 45, partsInFlight: 4 }

  it('begins with nothing judged and a pace that knows nothing', async () => {
    const taken = await evaluated(field('Take up artifact', 'Assign'), { states: { input: { fileName: 'a' } } })
    const assigned = await evaluated(field('Open upload', 'Assign'), {
      states: { result: { Payload: { upload: { key: 'k' } } } },
      variables: taken as Record<string, unknown>,
    })
    const pace = { bytesSent: 0, work: {} }
    expect(assigned).toEqual({ upload: { key: 'k' }, openings: 1, pace })
    expect(paceSchema.parse(pace)).toEqual(paceSchema.parse({}))
  })

  it('begins anew after an upload that vanished, and forgets nothing of what that cost', async () => {
    const work = { ...noCopyWork, copyCalls: 3, copySeconds: 12.5 }
    const pace = { ...paceSchema.parse({}), rounds: 2, streams: 8, bytesSent: 700, work }
    const assigned = await evaluated(field('Open upload', 'Assign'), {
      states: { result: { Payload: { upload: { key: 'k' } } } },
      variables: { openings: 1, pace },
    })
    expect(assigned).toMatchObject({ openings: 2, pace: { bytesSent: 700, work } })
    expect((assigned as { pace: object }).pace).not.toHaveProperty('streams')
  })

  it('hands what was counted on, also where another call completed the upload', async () => {
    const work = { ...noCopyWork, copyCalls: 3 }
    const output = await evaluated(field('Stored before', 'Output'), {
      states: { input: { alreadyStored: stored } },
      variables: { pace: { work } },
    })
    expect(storedArtifactSchema.parse(output)).toEqual({ ...stored, work })
  })

  it('gives each stream its chunk and the order of the round', async () => {
    const selected = await evaluated(field('Copy chunks', 'ItemSelector'), {
      states: { context: { Map: { Item: { Value: { firstPart: 5, lastPart: 9 } } } }, input: { order } },
    })
    expect(selected).toEqual({ chunk: { firstPart: 5, lastPart: 9 }, order })
    const chunks = [{ firstPart: 5, lastPart: 9 }]
    expect(await evaluated(field('Copy chunks', 'MaxConcurrency'), { states: { input: { chunks } } })).toBe(1)
  })

  it('tells a broken stream’s error to the plan as a result', async () => {
    const error = { Error: 'ConnectionDropped', Cause: '{}' }
    const catcher = (field('Copy parts', 'Catch') as { Next: string; Output?: unknown }[])[0]
    expect(catcher?.Next).toBe('Stream broke')
    const at = (EnteredTime: string) => ({ context: { State: { EnteredTime, RetryCount: 0 } } })
    const input = await evaluated(catcher?.Output, {
      states: { ...at('2026-11-22T02:00:00.000Z'), errorOutput: error },
    })
    const result = await evaluated(field('Stream broke', 'Output'), {
      states: { ...at('2026-11-22T02:01:07.250Z'), input },
    })
    expect(copyResultSchema.parse(result)).toMatchObject({ bytesSent: 0, error, billedSeconds: 67.25 })
  })

  it('judges a round once: what is planned after a wait has no results', async () => {
    const assigned = await evaluated(field('Plan copies', 'Assign'), {
      states: { result: { Payload: { pace: { rounds: 3 } } }, context: { State: { RetryCount: 2 } } },
      variables: { spent: 100 },
    })
    // A task, its question and a wait are nine events, and each retry is three.
    expect(assigned).toEqual({ paced: { rounds: 3 }, copied: [], spent: 100 + 9 + 6 })
  })

  it.each([
    ['none', [], 4],
    ['one stream that was refused twice', [{ bytesSent: 7, retries: 2 }], 4 + 9 + 6],
    ['two streams, of which one tells no retries', [{ retries: 1 }, { bytesSent: 0 }], 4 + 9 + 3 + 9],
  ])('counts the events of a round of %s', async (_, result, spent) => {
    const assigned = await evaluated(field('Copy chunks', 'Assign'), { states: { result }, variables: { spent: 0 } })
    expect(assigned).toMatchObject({ spent })
  })

  it('hands over before its history is full, and goes on with the pace that it had', async () => {
    const full = (index: number, spent: number) =>
      evaluated(condition('What next?', index), { states: { input: { chunks: [{}] } }, variables: { spent } })
    expect(await full(2, 11_999)).toBe(false)
    expect(await full(2, 12_000)).toBe(true)
    const next = await evaluated(field('Copy on in another leg', 'Output'), {
      variables: { leg: { artifact: {}, pace: { rounds: 0 } }, paced: { rounds: 300 } },
    })
    expect(next).toEqual({ artifact: {}, pace: { rounds: 300 } })
  })

  it.each([
    ['UploadVanished', 1, true],
    ['UploadVanished', 3, false],
    ['SourceChanged', 1, false],
  ])('after %s with %d openings, opening anew is %s', async (Error, openings, anew) => {
    expect(
      await evaluated(condition('Did the upload vanish?'), { states: { input: { Error } }, variables: { openings } }),
    ).toBe(anew)
  })
})

describe('choices', () => {
  it.each([
    ['Already served?', { duplicateOf: 'other' }, { notes: [] }],
    ['Which platform?', { platform: 'proxmox' }, { platform: 'other' }],
    ['Which platform?', { platform: 'proxmox' }, { vmid: 100 }],
    ['Vzdump done?', { done: true }, { done: false }],
    ['Already stored?', { alreadyStored: { key: 'k' } }, { chunks: [] }],
    ['What next?', { gaveUp: { Error: 'ConnectionDropped' } }, { chunks: [] }],
    ['Was it skipped?', { outcome: 'skipped' }, { outcome: 'failed' }],
    ['How did it go?', { outcome: 'succeeded' }, { outcome: 'failed' }],
    ['Everything swept?', { outcome: 'succeeded' }, { outcome: 'partial' }],
  ])('%s tells %j from %j', async (state, yes, no) => {
    expect(await evaluated(condition(state), { states: { input: yes } })).toBe(true)
    expect(await evaluated(condition(state), { states: { input: no } })).toBe(false)
  })
})

describe('failures', () => {
  it.each(['Run stopped', 'Transfer failed', 'Chunk failed', 'Sweep stopped'])(
    '%s passes an error on, with the message alone',
    async (state) => {
      const input = { Error: 'ShortRead', Cause: '{"errorMessage":"the file ended early"}' }
      expect(await evaluated(field(state, 'Error'), { states: { input } })).toBe('ShortRead')
      expect(await evaluated(field(state, 'Cause'), { states: { input } })).toBe('the file ended early')
    },
  )

  it.each(['Run stopped', 'Transfer failed', 'Chunk failed', 'Sweep stopped'])(
    '%s bears an error without a cause',
    async (state) => {
      const input = { Error: 'States.Timeout' }
      expect(await evaluated(field(state, 'Cause'), { states: { input } })).toBe('Step Functions gave no cause.')
    },
  )

  it.each([
    [
      'the recorded reason',
      { reason: 'Guest 100 is gone.' },
      { Error: 'GuestNotFound', Cause: '{}' },
      'Guest 100 is gone.',
    ],
    [
      'the error’s cause when recording failed',
      { Error: 'StoreDenied' },
      { Error: 'GuestNotFound', Cause: 'gone' },
      'gone',
    ],
    [
      'a sentence when there is neither',
      { Error: 'StoreDenied' },
      { Error: 'States.Timeout' },
      'Step Functions gave no cause.',
    ],
  ])('Guest failed tells %s, under the first error’s name', async (_, input, error, cause) => {
    const context = { states: { input }, variables: { error } }
    expect(await evaluated(field('Guest failed', 'Error'), context)).toBe(error.Error)
    expect(await evaluated(field('Guest failed', 'Cause'), context)).toBe(cause)
  })

  it('end a guest whose archive is less than required by the outcome’s own name and reason, and any other well', async () => {
    const [asRequired] = states.get('Is it as required?')?.Choices ?? []
    const lesser = { outcome: 'failed', verdict: 'GradeNotReached', reason: 'It lacks snapshots.' }
    const is = (outcome: string) => evaluated(asRequired?.Condition, { states: { input: { outcome } } })
    expect([await is('succeeded'), await is('failed')]).toEqual([true, false])
    const state = 'Archived, but less than required'
    expect(states.get('Is it as required?')).toMatchObject({ Default: state })
    const context = { states: { input: lesser } }
    expect(await evaluated(field(state, 'Error'), context)).toBe('GradeNotReached')
    expect(await evaluated(field(state, 'Cause'), context)).toBe('It lacks snapshots.')
  })

  it('hand the error to Record failure as its contract wants it', async () => {
    const error = { Error: 'NodeOffline', Cause: 'c' }
    const [way] = states.get('Locate archive of vzdump')?.Catch ?? []
    expect(await evaluated(way?.Assign, { states: { errorOutput: error } })).toEqual({ error })
    // From a leg it comes as its output.
    const ended = await evaluated(field('Vzdump failed', 'Output'), {
      states: { input: error },
      variables: { leg: { execution: 'e' }, calls: 3 },
    })
    expect(ended).toEqual({ execution: 'e', error, backupCalls: 3 })
    const [choice] = states.get('Vzdump ended?')?.Choices ?? []
    expect(await evaluated(choice?.Condition, { states: { input: ended } })).toBe(true)
    expect(await evaluated(choice?.Assign, { states: { input: ended } })).toEqual({ error })
  })

  it('say what came in place of a plan item', async () => {
    for (const input of [{ platform: 'abacus' }, {}]) {
      expect(await evaluated(field('Platform not supported', 'Cause'), { states: { input } })).toContain(
        'not an item of a plan',
      )
    }
  })
})

describe('the files of the distributed map', () => {
  it('lie in the run’s folder', async () => {
    const prefix = 'pre/runs/2026/11/22/abc/'
    const writer = await evaluated(field('Export each guest', 'ResultWriter'), { variables: { run: { prefix } } })
    expect(writer).toMatchObject({ Arguments: { Bucket: 'archives', Prefix: 'pre/runs/2026/11/22/abc/map' } })
    const reader = await evaluated(field('Export each guest', 'ItemReader'), {
      variables: { planKey: `${prefix}plan.json` },
    })
    expect(reader).toMatchObject({
      Arguments: { Bucket: 'archives', Key: `${prefix}plan.json` },
      ReaderConfig: { InputType: 'JSON' },
    })
  })
})

describe('questions about variables', () => {
  it.each([
    ['Any guest found?', { guestCount: 1 }, { guestCount: 0 }],
    ["Is the site's configuration kept?", { job: { siteConfiguration: true } }, { job: {} }],
  ])('%s tells %j from %j', async (state, yes, no) => {
    expect(await evaluated(condition(state), { variables: yes })).toBe(true)
    expect(await evaluated(condition(state), { variables: no })).toBe(false)
  })
})

describe('the catalogue of a run', () => {
  const after = (notes: string[], more: string[]) =>
    evaluated(field('Write catalogue', 'Assign'), {
      states: { result: { Payload: { guests: 1, archives: 1, notes: more } } },
      variables: { notes },
    })

  it('adds its notes to those of the run, however many there are of each', async () => {
    expect(await after([], [])).toEqual({ notes: [] })
    expect(await after(['one'], [])).toEqual({ notes: ['one'] })
    expect(await after([], ['two'])).toEqual({ notes: ['two'] })
    expect(await after(['one', 'and'], ['two'])).toEqual({ notes: ['one', 'and', 'two'] })
  })

  it('hands its error to Report run, or none', async () => {
    const run = { id: 'run-1', startedAt: '2026-11-22T02:00:00.000Z', prefix: 'runs/2026/11/22/run-1/' }
    for (const error of [null, { Error: 'States.Timeout' }]) {
      const errors = { catalogueError: error, mapError: error, configurationError: error, siteConfiguration: null }
      const variables = { run, site: 'hq', planKey: 'plan.json', notes: [], ...errors }
      const payload = await evaluated(states.get('Report run')?.Arguments?.Payload, { variables })
      expect(tasks.ReportRun.input.parse(payload)).toMatchObject(errors)
    }
  })
})

describe('a check of coverage', () => {
  const payloadOf = async (input: object) => {
    const context = { Execution: { Name: 'check-1', StartTime: '2026-11-22T02:00:00.000Z' } }
    const payload = await evaluated(states.get('Judge coverage')?.Arguments?.Payload, { states: { input, context } })
    return tasks.JudgeCoverage.input.parse(payload)
  }

  it('needs no more than the site', async () => {
    expect(await payloadOf({ site: 'hq' })).toMatchObject({
      coverageId: 'check-1',
      site: 'hq',
      rules: { everyHours: 24, parkedTags: ['guestlift-parked'] },
      schedules: [],
    })
  })

  it.each([0, 1, 2])('keeps %d schedules a list, and the lists in them', async (count) => {
    const schedules = [
      { name: 'nightly', guests: { vmids: [100] }, everyHours: 24 },
      { name: 'prod', guests: { tags: ['prod'], exclude: { vmids: [7000] } } },
    ].slice(0, count)
    expect(await payloadOf({ site: 'hq', rules: { everyHours: 48 }, schedules })).toMatchObject({
      rules: { everyHours: 48 },
      schedules,
    })
  })

  it('succeeds when it saw every guest, covered or not', async () => {
    for (const certain of [true, false]) {
      expect(
        await evaluated(condition('Every guest seen?'), { states: { input: { certain, outcome: 'failed' } } }),
      ).toBe(certain)
    }
  })
})

describe('a sweep', () => {
  it.each([
    ['nothing', {}, false],
    ['a dry run', { dryRun: true }, true],
    ['a real run', { dryRun: false }, false],
  ])('is asked for with %s', async (_, input, dryRun) => {
    const assigned = await evaluated(field('Take up sweep', 'Assign'), { states: { input } })
    expect(assigned).toMatchObject({ sites: ['hq'] })
    const payload = await evaluated(states.get('Sweep uploads')?.Arguments?.Payload, {
      states: { context: { Execution: { Name: 'sweep-1', StartTime: '2026-11-22T02:00:00.000Z' } } },
      variables: { ...(assigned as Record<string, unknown>), strays: [] },
    })
    expect(tasks.SweepUploads.input.parse(payload)).toEqual({
      sweepId: 'sweep-1',
      startedAt: '2026-11-22T02:00:00.000Z',
      dryRun,
      strays: [],
    })
  })

  it('of one named site is a list all the same', async () => {
    const assigned = await evaluated(field('Take up sweep', 'Assign'), { states: { input: { sites: ['hq'] } } })
    expect(assigned).toMatchObject({ sites: ['hq'] })
  })
})

describe('a verification', () => {
  const execution = { Name: 'verify-1', StartTime: '2026-11-22T02:00:00.000Z' }
  const defaults = { archiveWithinDays: 90, guestWithinDays: 31, mostGiBPerRun: 1024 }

  it.each([
    ['nothing', {}, { mostGiBInFunction: 32, policy: defaults }],
    [
      'a part of the policy',
      { site: 'hq', policy: { guestWithinDays: 7 } },
      { site: 'hq', mostGiBInFunction: 32, policy: { ...defaults, guestWithinDays: 7 } },
    ],
    [
      'one archive and another size',
      { archives: ['archives/hq/'], mostGiBInFunction: 1 },
      { archives: ['archives/hq/'], mostGiBInFunction: 1, policy: defaults },
    ],
  ])('that is asked for with %s takes the rest from the deployment', async (_, input, request) => {
    const payload = await evaluated(verification.get('Plan verification')?.Arguments?.Payload, {
      states: { input, context: { Execution: execution } },
    })
    expect(payload).toEqual({ verificationId: 'verify-1', startedAt: execution.StartTime, request })
    expect(verificationRequestSchema.safeParse(request).success).toBe(true)
  })

  it.each([
    ['Any archive due?', 0, { archiveCount: 1 }, { archiveCount: 0 }],
    ['Fits a function?', 0, { sizeBytes: 9, mostBytesInFunction: 9 }, { sizeBytes: 10, mostBytesInFunction: 9 }],
    ['Read to its end?', 0, { outOfTime: true }, { outOfTime: false }],
    ['How did it go?', 0, { refused: 1, overdue: 0 }, { refused: 0, overdue: 1 }],
    ['How did it go?', 1, { refused: 0, overdue: 1 }, { refused: 0, overdue: 0 }],
  ])('tells at %s (%d) %j from %j', async (state, index, yes, no) => {
    const text = verification.get(state)?.Choices?.[index]?.Condition ?? ''
    expect(await evaluated(text, { states: { input: yes } })).toBe(true)
    expect(await evaluated(text, { states: { input: no } })).toBe(false)
  })

  it('hands the larger runner the payload of the function as text', async () => {
    const variables = { folder: 'archives/hq/vm-100/2026-11-22T02-00-00Z/' }
    const args = z
      .object({ EnvironmentVariablesOverride: z.tuple([z.object({ Name: z.string(), Value: z.string() })]) })
      .parse(verification.get('Verify at length')?.Arguments)
    const [{ Name, Value }] = args.EnvironmentVariablesOverride
    expect(Name).toBe('GUESTLIFT_PAYLOAD')
    const payload = JSON.parse(String(await evaluated(Value, { variables })))
    expect(tasks.VerifyDeep.input.parse(payload)).toEqual(variables)
  })

  it('starts a build again only when none was started', () => {
    const { Retry = [], TimeoutSeconds = 0 } = verification.get('Verify at length') ?? {}
    expect(Retry.flatMap(({ ErrorEquals }) => ErrorEquals).filter((name) => !name.startsWith('CodeBuild.'))).toEqual([])
    expect(TimeoutSeconds).toBeGreaterThan((36 + 8) * 3600)
  })
})

describe('an answer of Start backup', () => {
  const answer = { jobRef: 'j', startedAt: '2026-11-22T02:00:00.000Z', adopted: false, waitSeconds: 1, storage: 'nas' }

  it('that names a job begins the wait for it, on the storage that it names', async () => {
    expect(await evaluated(condition('Vzdump begun?'), { states: { input: answer } })).toBe(true)
    const item = {
      guest: { id: '100' },
      backup: { storage: 'auto', excludePaths: ['/tmp'], pruneSource: { 'keep-last': 1 } },
      limits: { windows: [] },
    }
    const choices = field('Vzdump begun?', 'Choices') as { Assign: unknown; Next: string }[]
    const leg = { execution: 'e', item }
    const assigned = await evaluated(choices[0]?.Assign, { states: { input: answer }, variables: { leg } })
    expect(assigned).toEqual({
      leg: {
        execution: 'e',
        jobRef: 'j',
        startedAt: answer.startedAt,
        storage: 'nas',
        // The item stays as it was, lists of one and of none too.
        item,
      },
    })
  })

  it('that names none waits as long as it says', async () => {
    const waiting = { waitSeconds: 45, reason: 'Node pve1 dumps guest vm-100; its turn comes next.' }
    expect(await evaluated(condition('Vzdump begun?'), { states: { input: waiting } })).toBe(false)
    expect(field('Vzdump begun?', 'Default')).toBe('Wait for a turn of vzdump')
    const assigned = await evaluated(field('Start vzdump', 'Assign'), {
      states: { result: { Payload: waiting }, context: { State: { RetryCount: 0 } } },
      variables: { calls: 0, spent: 0 },
    })
    expect(assigned).toMatchObject({ calls: 1, spent: 9 })
    expect(
      await evaluated(field('Wait for a turn of vzdump', 'Seconds'), {
        variables: assigned as Record<string, unknown>,
      }),
    ).toBe(45)
  })
})

import { existsSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { KNOWN_DIFFERENCES } from '../../../../local/asl/replay/known-differences.ts'
import { parseCases, type RecordedCase } from '../../../../local/asl/replay/recording.ts'
import { replayCase, replayHistory } from '../../../../local/asl/replay/replay.ts'

const file = new URL('../../../../../shared/asl-cases/cases.json', import.meta.url)
const present = existsSync(file)
const cases: readonly RecordedCase[] = present ? parseCases(JSON.parse(readFileSync(file, 'utf8'))) : []

const shape = (event: { id: number; previousEventId: number; type: string }) =>
  `${event.id} after ${event.previousEventId}: ${event.type}`

describe.skipIf(!present)('the histories that AWS recorded (skipped when ../shared/asl-cases is absent)', () => {
  const known = cases.filter(({ id }) => KNOWN_DIFFERENCES.has(id))
  const others = cases.filter(({ id }) => !KNOWN_DIFFERENCES.has(id))

  it('are there', () => {
    expect(cases.length).toBeGreaterThan(0)
  })

  it.each(others.map((recorded) => [recorded.id, recorded] as const))(
    '%s agrees, event by event',
    async (_id, recorded) => {
      expect((await replayCase(recorded)).difference).toBeNull()
      for (const history of recorded.histories) {
        const { events } = await replayHistory(recorded.definition, history)
        expect(events.map(shape)).toEqual(history.map(shape))
      }
    },
  )

  it.each(known.map((recorded) => [recorded.id, recorded] as const))(
    '%s still differs, as listed',
    async (_id, recorded) => {
      expect((await replayCase(recorded)).agrees).toBe(false)
    },
  )
})

describe('a replay', () => {
  const definition = {
    QueryLanguage: 'JSONata',
    StartAt: 'Ask',
    States: {
      Ask: {
        Type: 'Task',
        Resource: 'arn:aws:states:::lambda:invoke',
        Arguments: { FunctionName: 'f', Payload: '{% $states.input %}' },
        Output: '{% $states.result.Payload %}',
        Retry: [{ ErrorEquals: ['Busy'] }],
        End: true,
      },
    },
  }
  const ask = { resource: 'invoke', resourceType: 'lambda' }
  const history = [
    { type: 'ExecutionStarted', executionStartedEventDetails: { input: '{"a":1}' } },
    { type: 'TaskStateEntered', stateEnteredEventDetails: { name: 'Ask', input: '{"a":1}' } },
    {
      type: 'TaskScheduled',
      taskScheduledEventDetails: { ...ask, parameters: '{"FunctionName":"f","Payload":{"a":1}}' },
    },
    { type: 'TaskStarted', taskStartedEventDetails: ask },
    { type: 'TaskFailed', taskFailedEventDetails: { ...ask, error: 'Busy', cause: 'later' } },
    {
      type: 'TaskScheduled',
      taskScheduledEventDetails: { ...ask, parameters: '{"FunctionName":"f","Payload":{"a":1}}' },
    },
    { type: 'TaskStarted', taskStartedEventDetails: ask },
    { type: 'TaskSucceeded', taskSucceededEventDetails: { ...ask, output: '{"StatusCode":200,"Payload":42}' } },
    { type: 'TaskStateExited', stateExitedEventDetails: { name: 'Ask', output: '42' } },
    { type: 'ExecutionSucceeded', executionSucceededEventDetails: { output: '42' } },
  ].map((event, index) => ({ id: index + 1, previousEventId: index === 1 ? 0 : index, ...event }))

  it('feeds the recorded task results attempt by attempt', async () => {
    const [recorded] = parseCases([{ id: 'retry', definition, histories: [history] }])
    if (recorded === undefined) throw new Error('no case')
    expect(await replayCase(recorded)).toMatchObject({ agrees: true, status: 'SUCCEEDED', difference: null })
  })

  it('says what differs: status, output and the order of states', async () => {
    const other = {
      ...definition,
      States: {
        Ask: { ...definition.States.Ask, End: undefined, Next: 'Then', Output: 41 },
        Then: { Type: 'Pass', End: true },
      },
    }
    const [recorded] = parseCases([
      { id: 'other', definition: JSON.parse(JSON.stringify(other)), histories: [history] },
    ])
    if (recorded === undefined) throw new Error('no case')
    const verdict = await replayCase(recorded)
    expect(verdict.agrees).toBe(false)
    expect(verdict.difference).toContain('output: recorded 42; here 41')
    expect(verdict.difference).toContain('recorded Ask; here Ask → Then')
  })

  it('counts a definition that is refused as a difference', async () => {
    const [recorded] = parseCases([{ id: 'bad', definition: { StartAt: 'X', States: {} }, histories: [history] }])
    if (recorded === undefined) throw new Error('no case')
    expect(await replayCase(recorded)).toMatchObject({ agrees: false, status: 'REFUSED' })
  })

  it('refuses a file that holds no cases, naming the place', () => {
    expect(() => parseCases({})).toThrow(/list of cases/)
    expect(() => parseCases([{ id: 'x' }])).toThrow(/Case 0/)
    expect(() => parseCases([{ id: 'x', definition: {}, histories: [[{}]] }])).toThrow(/x, history 0/)
  })

  it('puts back what the history shows: the Resource, a refused expression, an instant', async () => {
    const gaps = {
      QueryLanguage: 'JSONata',
      StartAt: 'Ask',
      States: {
        Ask: { Type: 'Task', Resource: '_tbd_', Next: 'Until' },
        Until: { Type: 'Wait', Timestamp: '{% $states.input.at %}', Next: 'Last' },
        Last: { Type: 'Pass', Output: '_tbd_', End: true },
      },
    }
    const cause =
      "An error occurred while executing the state 'Last' (entered at the event id #8). The JSONata expression '$states.input.none' specified for the field 'Output' returned nothing (undefined)."
    const events = [
      { type: 'ExecutionStarted', executionStartedEventDetails: { input: '{}' } },
      { type: 'TaskStateEntered', stateEnteredEventDetails: { name: 'Ask', input: '{}' } },
      {
        type: 'LambdaFunctionScheduled',
        lambdaFunctionScheduledEventDetails: { input: '{}', resource: 'arn:<partition>:x' },
      },
      { type: 'LambdaFunctionStarted' },
      {
        type: 'LambdaFunctionSucceeded',
        lambdaFunctionSucceededEventDetails: { output: '{"at":"2016-01-01T00:00:00Z"}' },
      },
      { type: 'TaskStateExited', stateExitedEventDetails: { name: 'Ask' } },
      { type: 'WaitStateEntered', stateEnteredEventDetails: { name: 'Until' } },
      { type: 'PassStateEntered', stateEnteredEventDetails: { name: 'Last' } },
      { type: 'EvaluationFailed', evaluationFailedEventDetails: { cause, location: 'Output', state: 'Last' } },
      { type: 'ExecutionFailed', executionFailedEventDetails: { error: 'States.QueryEvaluationError', cause } },
    ].map((event, index) => ({ id: index + 1, previousEventId: index === 1 ? 0 : index, ...event }))
    const [recorded] = parseCases([{ id: 'gaps', definition: gaps, histories: [events] }])
    if (recorded === undefined) throw new Error('no case')
    const verdict = await replayCase(recorded)
    expect(verdict.reconstructed).toHaveLength(2)
    // The exit of the Wait comes between, so the ids in the cause differ by one: nothing else does.
    expect(verdict.difference).toContain('event id #9')
    expect(verdict.status).toBe('FAILED')
  })
})

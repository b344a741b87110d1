import { existsSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { KNOWN_DIFFERENCES } from '../../../../local/asl/replay/known-differences.ts'
import { parseCases, type RecordedCase } from '../../../../local/asl/replay/recording.ts'
import { replayCase, replayHistory } from '../../../../local/asl/replay/replay.ts'

const file = new URL('../../../../../shared/asl-cases/cases.json', import.meta.url)
const present = existsSync(file)
const cases: readonly RecordedCase[] = present ? parseCases(JSON.parse(readFileSync(file, 'utf8'))) : []

describe.skipIf(!present)('the histories that AWS recorded (skipped when ../shared/asl-cases is absent)', () => {
  it.each(cases.map((recorded) => [recorded.id, recorded] as const))('%s', async (id, recorded) => {
    const verdict = await replayCase(recorded)

    if (KNOWN_DIFFERENCES.has(id)) {
      expect(verdict.agrees, 'no difference any more: take it off the list').toBe(false)
      return
    }
    expect(verdict.difference).toBeNull()
    for (const history of recorded.histories) {
      const { events } = await replayHistory(recorded.definition, history)
      const shape = (event: { id: number; previousEventId: number; type: string }) =>
        `${event.id} after ${event.previousEventId}: ${event.type}`
      expect(events.map(shape)).toEqual(history.map(shape))
    }
  })
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
})

import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { DefinitionError, loadStateMachine } from '../../../../local/asl/interpreter.ts'
import { machine, run, task } from '../harness.ts'

/** The places and messages of what is wrong; an empty list for a definition that loads. */
function problems(definition: unknown): string[] {
  try {
    loadStateMachine(definition)
    return []
  } catch (error) {
    if (!(error instanceof DefinitionError)) throw error
    return error.problems.map(({ path, message }) => `${path}: ${message}`)
  }
}

const only = (fields: object, extra: object = {}) => machine({ X: fields }, extra)
const pass = (fields: object) => only({ Type: 'Pass', End: true, ...fields })
const inlineMap = (fields: object, processor: object = {}) =>
  only({
    Type: 'Map',
    ItemProcessor: { StartAt: 'P', States: { P: { Type: 'Pass', End: true } }, ...processor },
    End: true,
    ...fields,
  })
const distributedMap = (fields: object) =>
  inlineMap(fields, { ProcessorConfig: { Mode: 'DISTRIBUTED', ExecutionType: 'STANDARD' } })

describe('a definition is refused, with the place, for', () => {
  it.each<[string, unknown, string | RegExp]>([
    ['no object', [], '/: Expected a JSON object'],
    ['text that is no JSON', '{', /^\/: Not JSON/],
    ['no states', { QueryLanguage: 'JSONata', StartAt: 'A', States: {} }, '/States: Expected at least one state'],
    [
      'an unknown top field',
      pass({}) && only({ Type: 'Pass', End: true }, { Foo: 1 }),
      "/Foo: Field 'Foo' is not supported",
    ],
    ['an unknown field', pass({ Foo: 1 }), "/States/X/Foo: Field 'Foo' is not supported"],
    ['an unknown type', only({ Type: 'Loop' }), /\/States\/X\/Type: Value should be one of/],
    [
      'an unknown query language',
      pass({ QueryLanguage: 'jsonata' }),
      '/States/X/QueryLanguage: Value should be one of the following: [JSONata, JSONPath]',
    ],
    ['JSONPath fields', pass({ InputPath: '$.a' }), /\/States\/X\/InputPath: .*only supported for the 'JSONPath'/],
    [
      'a JSONPath state under JSONata',
      pass({ QueryLanguage: 'JSONPath' }),
      /\/States\/X: 'QueryLanguage' can not be 'JSONPath'/,
    ],
    [
      'a JSONPath Task',
      { StartAt: 'X', States: { X: task({ End: true }) } },
      /\/States\/X: The query language JSONPath is not supported/,
    ],
    [
      'a JSONPath Pass with data',
      { StartAt: 'X', States: { X: { Type: 'Pass', Result: 1, End: true } } },
      /JSONPath is not supported \(the field Result\)/,
    ],
    [
      'Output in a JSONPath Pass',
      { StartAt: 'X', States: { X: { Type: 'Pass', Output: 1, End: true } } },
      /JSONPath is not supported \(the field Output\)/,
    ],
    [
      'a missing StartAt',
      { QueryLanguage: 'JSONata', States: { X: { Type: 'Succeed' } } },
      "/: The field 'StartAt' is missing",
    ],
    [
      'an unknown StartAt',
      { QueryLanguage: 'JSONata', StartAt: 'Y', States: { X: { Type: 'Succeed' } } },
      "/StartAt: MISSING_TRANSITION_TARGET: there is no state 'Y' here",
    ],
    [
      'an unknown Next',
      only({ Type: 'Pass', Next: 'Y' }),
      "/States/X/Next: MISSING_TRANSITION_TARGET: there is no state 'Y' here",
    ],
    [
      'an unknown Next of a Catch',
      only(task({ End: true, Catch: [{ ErrorEquals: ['A'], Next: 'Y' }] })),
      "/States/X/Catch[0]/Next: MISSING_TRANSITION_TARGET: there is no state 'Y' here",
    ],
    [
      'a state that nothing leads to',
      machine({ X: { Type: 'Succeed' }, Y: { Type: 'Succeed' } }),
      /\/States\/Y: .*not reachable/,
    ],
    ['no end', machine({ X: { Type: 'Pass', Next: 'X' } }), /MISSING_END_STATE/],
    ['both Next and End', only({ Type: 'Pass', Next: 'X', End: true }), /\/States\/X: Expected either/],
    ['neither Next nor End', only({ Type: 'Pass' }), /\/States\/X: Expected either/],
    [
      'the same name twice',
      inlineMap({}, { StartAt: 'X', States: { X: { Type: 'Pass', End: true } } }),
      /\/States\/X\/ItemProcessor\/States\/X: DUPLICATE_STATE_NAME/,
    ],
    ['a name of 81 characters', machine({ ['x'.repeat(81)]: { Type: 'Succeed' } }), /1 to 80 characters/],
    [
      'a syntax error',
      pass({ Output: { a: ['{% 1 + %}'] } }),
      /\/States\/X\/Output\/a\[0\]: INVALID_JSONATA_EXPRESSION: S0207/,
    ],
    ['an operator of later JSONata', pass({ Output: '{% $a ?? 1 %}' }), /INVALID_JSONATA_EXPRESSION/],
    [
      'an expression that isn’t closed',
      pass({ Output: '{% 1 ' }),
      /\/States\/X\/Output: A JSONata expression must start/,
    ],
    [
      'space around an expression',
      pass({ Output: ' {% 1 %}' }),
      /\/States\/X\/Output: A JSONata expression must start/,
    ],
    [
      'a bare name',
      pass({ Output: '{% foo.bar %}' }),
      "/States/X/Output: UNSUPPORTED_JSONATA_EXPRESSION: Reference to 'foo' at the top level is not supported.",
    ],
    ['a bare name in a function', pass({ Output: '{% $map([1], function($x) { foo }) %}' }), /Reference to 'foo'/],
    ['$$', pass({ Output: '{% $$.a %}' }), /Reference to '\$\$' is not supported/],
    ['$states.errorOutput outside a Catch', pass({ Output: '{% $states.errorOutput.Error %}' }), /errorOutput/],
    [
      'the reserved variable',
      pass({ Assign: { states: 1 } }),
      "/States/X/Assign/states: The variable name 'states' is reserved",
    ],
    ['a bad variable name', pass({ Assign: { '1a': 1 } }), /\/States\/X\/Assign\/1a: '1a' is not a variable name/],
    ['a long variable name', pass({ Assign: { ['v'.repeat(81)]: 1 } }), /at most 80 characters/],
    [
      'Assign that is no object',
      pass({ Assign: '{% {"a":1} %}' }),
      '/States/X/Assign: Expected value of type [OBJECT]',
    ],
    ['Assign in Succeed', only({ Type: 'Succeed', Assign: { a: 1 } }), /\/States\/X\/Assign/],
    ['Retry in Pass', pass({ Retry: [{ ErrorEquals: ['States.ALL'] }] }), /\/States\/X\/Retry/],
    ['a Choice without rules', only({ Type: 'Choice', Choices: [] }), '/States/X/Choices: Expected at least one rule'],
    [
      'a condition that is no boolean',
      machine({ X: { Type: 'Choice', Choices: [{ Condition: 'yes', Next: 'Y' }] }, Y: { Type: 'Succeed' } }),
      /\/States\/X\/Choices\[0\]\/Condition: Expected true, false/,
    ],
    [
      'a rule of JSONPath',
      machine({
        X: { Type: 'Choice', Choices: [{ Variable: '$.a', Condition: true, Next: 'Y' }] },
        Y: { Type: 'Succeed' },
      }),
      /\/States\/X\/Choices\[0\]\/Variable/,
    ],
    [
      'a Wait with two ends',
      only({ Type: 'Wait', Seconds: 1, Timestamp: '2020-01-01T00:00:00Z', End: true }),
      /\/States\/X: Expected either 'Seconds' or 'Timestamp'/,
    ],
    ['negative seconds', only({ Type: 'Wait', Seconds: -1, End: true }), /\/States\/X\/Seconds: Expected an integer/],
    [
      'a bad instant',
      only({ Type: 'Wait', Timestamp: 'tomorrow', End: true }),
      /\/States\/X\/Timestamp: Expected an instant/,
    ],
    ['a Task without Resource', only({ Type: 'Task', End: true }), "/States/X: The field 'Resource' is missing"],
    [
      'an unknown resource',
      only({ Type: 'Task', Resource: 'arn:aws:states:::sns:publish', End: true }),
      "/States/X/Resource: There is no handler for 'arn:aws:states:::sns:publish'",
    ],
    [
      'a task token',
      only({ Type: 'Task', Resource: 'arn:aws:states:::lambda:invoke.waitForTaskToken', End: true }),
      /\/States\/X\/Resource: .*waitForTaskToken is not supported/,
    ],
    [
      '.sync',
      only({ Type: 'Task', Resource: 'arn:aws:states:::states:startExecution.sync:2', End: true }),
      /\.sync is not supported/,
    ],
    [
      'an activity',
      only({ Type: 'Task', Resource: 'arn:aws:states:eu-central-1:123456789012:activity:a', End: true }),
      /Activities are not supported/,
    ],
    [
      'heartbeats',
      only(task({ HeartbeatSeconds: 5, End: true })),
      /\/States\/X\/HeartbeatSeconds: HeartbeatSeconds is not supported/,
    ],
    ['credentials', only(task({ Credentials: {}, End: true })), /\/States\/X\/Credentials/],
    [
      'an asynchronous call',
      only({
        Type: 'Task',
        Resource: 'arn:aws:states:::lambda:invoke',
        Arguments: { FunctionName: 'f', InvocationType: 'Event' },
        End: true,
      }),
      /\/States\/X\/Arguments\/InvocationType/,
    ],
    [
      'a call of nothing',
      only({ Type: 'Task', Resource: 'arn:aws:states:::lambda:invoke', Arguments: { Payload: 1 }, End: true }),
      "/States/X/Arguments: The field 'FunctionName' is missing",
    ],
    [
      'States.ALL among others',
      only(task({ Retry: [{ ErrorEquals: ['States.ALL', 'A'] }], End: true })),
      /\/States\/X\/Retry\[0\]\/ErrorEquals: 'States.ALL' must stand alone/,
    ],
    [
      'States.ALL before others',
      only(task({ Retry: [{ ErrorEquals: ['States.ALL'] }, { ErrorEquals: ['A'] }], End: true })),
      /Retry\[0\]\/ErrorEquals/,
    ],
    [
      'a backoff below 1',
      only(task({ Retry: [{ ErrorEquals: ['A'], BackoffRate: 0.5 }], End: true })),
      /Retry\[0\]\/BackoffRate/,
    ],
    [
      'a cap below the interval',
      only(task({ Retry: [{ ErrorEquals: ['A'], IntervalSeconds: 5, MaxDelaySeconds: 5 }], End: true })),
      /greater than IntervalSeconds/,
    ],
    [
      'an unknown jitter',
      only(task({ Retry: [{ ErrorEquals: ['A'], JitterStrategy: 'SOME' }], End: true })),
      /JitterStrategy/,
    ],
    [
      'a Catch without Next',
      only(task({ Catch: [{ ErrorEquals: ['A'] }], End: true })),
      "/States/X/Catch[0]: The field 'Next' is missing",
    ],
    [
      'ResultPath in a Catch',
      only(task({ Catch: [{ ErrorEquals: ['A'], Next: 'X', ResultPath: '$' }], End: true })),
      /Catch\[0\]\/ResultPath/,
    ],
    [
      'Items that are no list',
      inlineMap({ Items: 'text' }),
      '/States/X/Items: Expected an array or a JSONata expression',
    ],
    [
      'ItemReader in an inline Map',
      inlineMap({ ItemReader: {} }),
      /\/States\/X\/ItemReader: .*needs ProcessorConfig.Mode DISTRIBUTED/,
    ],
    [
      'QueryLanguage in a processor',
      inlineMap({}, { QueryLanguage: 'JSONata' }),
      "/States/X/ItemProcessor/QueryLanguage: Field 'QueryLanguage' is not supported",
    ],
    ['the old Iterator', only({ Type: 'Map', Iterator: {}, End: true }), /\/States\/X\/Iterator/],
    [
      'a reader of inventories',
      distributedMap({
        ItemReader: {
          Resource: 'arn:aws:states:::s3:getObject',
          ReaderConfig: { InputType: 'MANIFEST' },
          Arguments: {},
        },
      }),
      /ReaderConfig\/InputType/,
    ],
    [
      'a reader of listings',
      distributedMap({
        ItemReader: {
          Resource: 'arn:aws:states:::s3:listObjectsV2',
          ReaderConfig: { InputType: 'JSON' },
          Arguments: {},
        },
      }),
      /ItemReader\/Resource/,
    ],
    ['an empty writer', distributedMap({ ResultWriter: {} }), /ResultWriter: ResultWriter must not be empty/],
    ['an empty batcher', distributedMap({ ItemBatcher: {} }), /ItemBatcher: Set MaxItemsPerBatch/],
    ['a bad label', distributedMap({ Label: 'a b' }), /\/States\/X\/Label/],
    ['tolerance over 100', distributedMap({ ToleratedFailurePercentage: 101 }), /ToleratedFailurePercentage/],
    [
      'a Parallel without branches',
      only({ Type: 'Parallel', Branches: [], End: true }),
      /Expected at least one branch/,
    ],
    ['a bad machine timeout', only({ Type: 'Succeed' }, { TimeoutSeconds: '{% 1 %}' }), /\/TimeoutSeconds/],
  ])('%s', (_what, definition, expected) => {
    const found = problems(definition)
    expect(
      found.filter((problem) => (typeof expected === 'string' ? problem === expected : expected.test(problem))),
    ).not.toEqual([])
  })
})

describe('a definition is accepted with', () => {
  it.each<[string, unknown]>([
    [
      'names inside predicates, steps, sorts and groups',
      pass({ Output: '{% $states.input.items[a > 1].b^(c){d: e} %}' }),
    ],
    ['a function over named fields', pass({ Output: '{% $map($states.input.a, function($x) { $x.b }) %}' })],
    [
      '$states.errorOutput in a Catch',
      machine({
        X: task({ Catch: [{ ErrorEquals: ['A'], Next: 'Y', Output: '{% $states.errorOutput %}' }], End: true }),
        Y: { Type: 'Succeed' },
      }),
    ],
    [
      'QueryLanguage on nested states',
      inlineMap({}, { States: { P: { Type: 'Pass', QueryLanguage: 'JSONata', End: true } } }),
    ],
    [
      'JSONPath states without JSONPath in them',
      {
        StartAt: 'X',
        States: {
          X: { Type: 'Pass', Next: 'W' },
          W: { Type: 'Wait', Seconds: 1, Next: 'F' },
          F: { Type: 'Fail', Cause: 'c' },
        },
      },
    ],
    ['a variable name in any script', pass({ Assign: { größe: 1, _x: 2, 変数: 3 } })],
    ['comments', pass({ Comment: 'why' })],
  ])('%s', (_what, definition) => {
    expect(problems(definition)).toEqual([])
  })

  it('the whole text instead of its parsed form', () => {
    expect(loadStateMachine(JSON.stringify(pass({}))).graph.startAt).toBe('X')
  })
})

it('lists every problem at once and changes nothing in what it is given', () => {
  const definition = pass({ Foo: 1, Output: '{% ( %}', Assign: { states: 1 } })
  const before = structuredClone(definition)
  expect(problems(definition)).toHaveLength(3)
  expect(definition).toEqual(before)
})

it('collects the resources of all Tasks, nested ones too', () => {
  const definition = machine({
    A: task({ Next: 'P' }),
    P: {
      Type: 'Parallel',
      Branches: [
        {
          StartAt: 'B',
          States: {
            B: {
              Type: 'Task',
              Resource: 'arn:aws:states:::lambda:invoke',
              Arguments: { FunctionName: 'f' },
              End: true,
            },
          },
        },
      ],
      End: true,
    },
  })
  expect([...loadStateMachine(definition).resources].toSorted()).toEqual([
    'arn:aws:lambda:eu-central-1:123456789012:function:work',
    'arn:aws:states:::lambda:invoke',
  ])
})

it('runs the JSONPath states that need no JSONPath', async () => {
  const { result } = await run(
    { StartAt: 'X', States: { X: { Type: 'Pass', Next: 'Y' }, Y: { Type: 'Succeed' } } },
    { input: { a: 1 } },
  )
  expect(result.output).toEqual({ a: 1 })
})

it('uses jsonata 2.0.6, the version that Step Functions documents', () => {
  const { version } = JSON.parse(
    readFileSync(new URL('../../../../node_modules/jsonata/package.json', import.meta.url), 'utf8'),
  )
  expect(version).toBe('2.0.6')
})

import { createRequire } from 'node:module'
import jsonata from 'jsonata'
import { beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { errorGroup } from '../../../functions/contracts/errors.ts'
import { type TaskName, tasks } from '../../../functions/contracts/tasks.ts'
import { type WorkflowKey, workflowNames } from '../../../lib/workflow-names.ts'
import { sampleInput } from '../../../lib/workflows/export-run.ts'
import { jobSchema } from '../../../functions/contracts/job.ts'
import { type Definition, stemOf } from '../../../local/run/synthesised.ts'
import { sorted } from '../sorted.ts'
import { type Synthesised, synthesise } from '../synthesise.ts'
import {
  assignedBefore,
  type Scope,
  scopesOf,
  type State,
  statesOf,
  stringsIn,
  transitionsOf,
  variablesReadBy,
} from './asl.ts'

// The package has no type declarations.
const validate = createRequire(import.meta.url)('asl-validator') as (definition: unknown) => {
  isValid: boolean
  errorsText(separator: string): string
}

/** Names that Step Functions and Lambda give to errors, as far as the workflows know them. */
const awsErrors = new Set([
  'States.ALL',
  'States.Timeout',
  'States.ItemReaderFailed',
  'Lambda.TooManyRequestsException',
  'Lambda.ResourceNotReadyException',
  'Lambda.ResourceConflictException',
  'Lambda.ENILimitReachedException',
  'Lambda.EC2ThrottledException',
  'Lambda.SubnetIPAddressLimitReachedException',
  'Lambda.ServiceException',
  'Lambda.AWSLambdaException',
  'Lambda.SdkClientException',
  'Lambda.ClientExecutionTimeoutException',
  'Lambda.Unknown',
  'Runtime.ExitError',
  'Runtime.OutOfMemory',
  'Sandbox.Timedout',
  'StepFunctions.ExecutionLimitExceededException',
  'StepFunctions.SdkClientException',
  'StepFunctions.AWSStepFunctionsException',
  'CodeBuild.AccountLimitExceededException',
  'CodeBuild.CodeBuildException',
  'CodeBuild.AWSCodeBuildException',
  'CodeBuild.SdkClientException',
])

const machines = Object.keys(workflowNames) as WorkflowKey[]
/** What the two that archive have many of, the others have few of. */
const least = (machine: WorkflowKey, many: number): number => (small(machine) ? 0 : many)
const small = (machine: WorkflowKey): boolean => machine !== 'exportRun' && machine !== 'exportGuest'
let synthesised: Synthesised

beforeAll(async () => {
  synthesised = await synthesise('smallest')
})

function definition(machine: WorkflowKey): Definition {
  return synthesised.assembly.machines[machine]
}

function lambdaTasks(machine: WorkflowKey): [string, State, TaskName][] {
  return statesOf(definition(machine))
    .filter(
      ([, { Type, Resource }]) =>
        Type === 'Task' && !/:(aws-sdk|codebuild|states:startExecution)\b/.test(String(Resource)),
    )
    .map(([name, state]) => {
      const stem = stemOf(state.Arguments?.FunctionName ?? '')
      const task = (Object.keys(tasks) as TaskName[]).find((each) => tasks[each].stem === stem)
      if (task === undefined) throw new Error(`${name} calls ${stem}, which no contract knows`)
      return [name, state, task]
    })
}

describe.each(machines)('the definition of %s', (machine) => {
  it('reads as its snapshot does', async () => {
    await expect(`${JSON.stringify(definition(machine), null, 2)}\n`).toMatchFileSnapshot(
      `../__snapshots__/${workflowNames[machine]}.asl.json`,
    )
  })

  it('is valid by asl-validator', () => {
    // The validator writes into what it gets.
    const result = validate(structuredClone(definition(machine)))
    expect(result.errorsText('\n')).toBe('')
    expect(result.isValid).toBe(true)
  })

  it('gives each task a time limit above its function’s, retries and a way out for every error', () => {
    const checked = lambdaTasks(machine)
    const careless = checked.filter(([, { TimeoutSeconds = 0, Retry = [], Catch = [] }, task]) => {
      const limit = synthesised.assembly.functions[tasks[task].stem]?.timeoutSeconds ?? Number.POSITIVE_INFINITY
      const retried = Retry.flatMap(({ ErrorEquals }) => ErrorEquals)
      const caught = Catch.at(-1)?.ErrorEquals ?? []
      return !(
        TimeoutSeconds > limit &&
        retried.includes('Lambda.TooManyRequestsException') &&
        caught.includes('States.ALL')
      )
    })
    expect(checked.length).toBeGreaterThan(least(machine, 8))
    expect(careless.map(([name]) => name)).toEqual([])
  })

  it('gives each execution within it a time limit, retries and a way out for every error', () => {
    const nested = statesOf(definition(machine)).filter(([, { Resource }]) =>
      /:states:startExecution/.test(String(Resource)),
    )
    const careless = nested.filter(
      ([, { TimeoutSeconds = 0, Retry = [], Catch = [] }]) =>
        !(TimeoutSeconds > 0 && Retry.length > 0 && Catch.at(-1)?.ErrorEquals.includes('States.ALL') === true),
    )
    expect(nested).toHaveLength(machine === 'restoreDrill' ? 1 : 0)
    expect(careless).toEqual([])
  })

  it('gives each map a way out for every error', () => {
    const maps = statesOf(definition(machine)).filter(([, { Type }]) => Type === 'Map')
    expect(maps.length).toBeGreaterThanOrEqual(least(machine, 2))
    expect(maps.filter(([, { Catch }]) => Catch?.at(-1)?.ErrorEquals[0] !== 'States.ALL')).toEqual([])
  })

  it('names no error that does not exist, and none twice in a state’s retries', () => {
    for (const [, { Retry = [], Catch = [] }] of statesOf(definition(machine))) {
      const retried = Retry.flatMap(({ ErrorEquals }) => ErrorEquals)
      expect(retried).toEqual([...new Set(retried)])
      const named = [...retried, ...Catch.flatMap(({ ErrorEquals }) => ErrorEquals)]
      expect(named.filter((error) => !awsErrors.has(error) && errorGroup(error) === undefined)).toEqual([])
    }
  })

  it('fails under no name of ours that does not exist', () => {
    const own = statesOf(definition(machine))
      .filter(([, { Type }]) => Type === 'Fail')
      .map(([, state]) => String(state['Error']))
      .filter((error) => !error.startsWith('{%'))
    expect(
      own.filter(
        (error) =>
          errorGroup(error) === undefined &&
          ![
            'SweepIncomplete',
            'CoverageUncertain',
            'PruningNeedsAttention',
            'CleanUpIncomplete',
            'RunFailed',
            'RunPartlyFailed',
            'ArchiveRefused',
            'VerificationIncomplete',
            'ArchiveUnlocked',
            'RestoredOtherwise',
            'DrillFailed',
          ].includes(error),
      ),
    ).toEqual([])
  })

  it('retries only what may pass: no error that fails a guest, a run, or skips', () => {
    const retried = statesOf(definition(machine)).flatMap(([, { Retry = [] }]) =>
      Retry.flatMap(({ ErrorEquals }) => ErrorEquals),
    )
    const ours = retried.filter((error) => errorGroup(error) !== undefined)
    expect(ours.length).toBeGreaterThan(least(machine, 20))
    expect(ours.filter((error) => errorGroup(error) !== 'retry')).toEqual([])
  })

  it('leads every way to a state, and to every state a way', () => {
    for (const { startAt, states } of scopesOf(definition(machine))) {
      const reached = new Set([startAt])
      for (const [name, state] of Object.entries(states)) {
        const ways = transitionsOf(state).map(({ to }) => to)
        for (const to of ways) {
          expect(Object.keys(states)).toContain(to)
          if (to !== name) reached.add(to)
        }
        const ends = state.End === true || state.Type === 'Succeed' || state.Type === 'Fail'
        expect([name, ends]).toEqual([name, state.Next === undefined && state.Type !== 'Choice'])
      }
      expect(Object.keys(states).filter((name) => !reached.has(name))).toEqual([])
    }
  })

  it('gives each function exactly the payload that its contract names, and reads from answers what the contract gives', () => {
    for (const [, state, task] of lambdaTasks(machine)) {
      const { input, output } = tasks[task]
      expect(sorted(Object.keys(state.Arguments?.Payload ?? {}))).toEqual(sorted(Object.keys(input.shape)))
      const read = stringsIn(state).flatMap((text) =>
        [...text.matchAll(/\$states\.result\.Payload\.(\w+)/g)].map(([, field]) => field),
      )
      // An answer of several shapes: a choice tells which it is, so here any of them may have the field.
      const shapes = 'options' in output ? output.options.map(({ shape }) => shape) : [output.shape]
      expect(shapes.flatMap((shape) => Object.keys(shape))).toEqual(expect.arrayContaining(read))
    }
  })

  it('holds no expression that JSONata 2.0.6 cannot parse', () => {
    const expressions = statesOf(definition(machine))
      .flatMap(([, state]) => stringsIn(state))
      .filter((text) => text.startsWith('{%'))
    expect(expressions.length).toBeGreaterThan(least(machine, 30))
    for (const expression of expressions) {
      expect(expression).toMatch(/^\{% .* %\}$/s)
      expect(() => jsonata(expression.slice(2, -2))).not.toThrow()
    }
  })

  it('assigns each variable on every way to the states that read it', () => {
    const before = new Map<Scope, Map<string, Set<string>>>()
    for (const scope of scopesOf(definition(machine))) {
      const { parent } = scope
      // The children of a distributed map are executions of their own and see no variable from outside.
      const outer = parent?.mode === 'INLINE' ? before.get(parent.scope)?.get(parent.mapState) : undefined
      const known = assignedBefore(scope, outer ?? new Set())
      before.set(scope, known)
      for (const [name, state] of Object.entries(scope.states)) {
        const missing = [...variablesReadBy(state)].filter((variable) => !known.get(name)?.has(variable))
        expect({ [name]: missing }).toEqual({ [name]: [] })
      }
    }
  })

  it('gives no variable inside a map the name of one outside, which Step Functions refuses', () => {
    const assigned = ({ states }: Scope) =>
      new Set(Object.values(states).flatMap((state) => transitionsOf(state).flatMap(({ assigns }) => assigns)))
    for (const scope of scopesOf(definition(machine))) {
      for (let { parent } = scope; parent !== undefined; parent = parent.scope.parent) {
        const outside = assigned(parent.scope)
        expect([...assigned(scope)].filter((name) => outside.has(name))).toEqual([])
      }
    }
  })

  it('moves nothing that sounds like a secret', () => {
    for (const [name, state] of statesOf(definition(machine))) {
      const keys = JSON.stringify({ ...state, ItemProcessor: undefined }).matchAll(/"(\w+)":/g)
      const suspicious = [...keys]
        .map(([, key]) => key ?? '')
        .filter((key) => /secret|passw|token|private|credential/i.test(key))
      expect({ [name]: suspicious }).toEqual({ [name]: [] })
    }
  })

  it('has a time limit', () => {
    // A sweep is one function of a quarter of an hour and its retries, a clean-up few of minutes; refused calls alone may wait for four hours.
    expect(definition(machine)['TimeoutSeconds']).toBeGreaterThan(small(machine) ? 5 * 3600 : 24 * 3600)
  })
})

describe('all workflows together', () => {
  it('reach every task’s function, in a state with its name', () => {
    const states = machines.flatMap((machine) => lambdaTasks(machine).map(([name, , task]) => [task, name] as const))
    const used = new Map(states)
    expect(sorted(used.keys())).toEqual(sorted(Object.keys(tasks)))
    // In a branch, states bear the platform's own words.
    const namesOf = (task: string) => [...new Set(states.filter(([its]) => its === task).map(([, name]) => name))]
    expect([namesOf('StartBackup'), namesOf('CheckBackup'), namesOf('LocateArchive')]).toEqual([
      ['Start vzdump', 'Create snapshots', 'Create snapshot', 'Freeze disks'],
      ['Check vzdump', 'Check snapshots', 'Check snapshot', 'Check frozen disks'],
      [
        'Locate archive of vzdump',
        'Locate archive of snapshots',
        'Locate archive of snapshot',
        'Locate archive of frozen disks',
      ],
    ])
    for (const task of ['StartBackup', 'CheckBackup', 'LocateArchive'] as const) used.delete(task)
    // The function keeps its released name; what it does has a better one.
    used.set('VerifyArchive', used.get('VerifyArchive')?.replace('Compare checksums', 'Verify archive') ?? '')
    for (const [task, name] of used) expect(name.toLowerCase().replaceAll(' ', '-')).toBe(tasks[task].stem)
  })

  it('run the same story for a guest, inside a run and alone', () => {
    const alone = definition('exportGuest')
    const embedded = statesOf(definition('exportRun')).find(([name]) => name === 'Export each guest')?.[1].ItemProcessor
    // CDK repeats the query language in each nested state.
    const plain = (value: unknown) =>
      JSON.parse(
        JSON.stringify(value).replaceAll('"QueryLanguage":"JSONata",', '').replaceAll(',"QueryLanguage":"JSONata"', ''),
      )
    expect(plain(embedded?.['States'])).toEqual(plain(alone['States']))
    expect(embedded?.['StartAt']).toEqual(alone['StartAt'])
  })

  it('start a backup again only after a minute, and never at random', () => {
    const start = statesOf(definition('exportGuest')).find(([name]) => name === 'Start vzdump')?.[1]
    const repeats = z
      .array(
        z.object({
          ErrorEquals: z.array(z.string()),
          IntervalSeconds: z.number(),
          JitterStrategy: z.string(),
          BackoffRate: z.number(),
        }),
      )
      .parse(start?.Retry)
      .filter(({ ErrorEquals }) =>
        ErrorEquals.some((name) => /^(BackupStartUnclear|Lambda\.Unknown|States\.)/.test(name)),
      )
    expect(repeats).toHaveLength(1)
    expect(repeats[0]).toMatchObject({ IntervalSeconds: 60, JitterStrategy: 'NONE' })
    expect(repeats[0]?.BackoffRate).toBeGreaterThanOrEqual(1)
    expect(repeats[0]?.ErrorEquals).toEqual(
      expect.arrayContaining(['BackupStartUnclear', 'Lambda.Unknown', 'States.Timeout']),
    )
  })

  it('show in the run’s description an input that starts it', () => {
    const [, sample = ''] = /Start it with: (\{.*\})$/.exec(String(definition('exportRun')['Comment'])) ?? []
    expect(JSON.parse(sample)).toEqual(sampleInput)
    expect(jobSchema.safeParse(sampleInput).success).toBe(true)
  })
})

import { Choice, Condition, type IChainable, Pass, Wait, WaitTime } from 'aws-cdk-lib/aws-stepfunctions'
import type { Construct } from 'constructs'
import type { ExportFunctions } from '../export-functions.ts'
import { type Jsonata, lambdaTask } from './lambda-task.ts'
import { leg, legEnd, legIsFull, spentOnTask } from './legs.ts'
import { patient } from './retry-policies.ts'

/** Tasks of a restore that are asked again and again, for hours or days. */
type AskedTask = 'ThawArchive' | 'CheckRestore' | 'UnpackDisks' | 'FetchDisks'

interface AskInLegsProps {
  /** What is waited for, as state names say it: `thaw`, `guest`. */
  noun: string
  /** Whether the task's answer, `$states.input`, is the last one. */
  isDone: Jsonata
  done: IChainable
  onError: IChainable
  assignError: string
}

/**
 * Ask a task until it is done, waiting in between as long as it says, however many times that takes: in legs, so that no
 * history fills up. Reads `$restore` and `$execution`.
 */
export function askInLegs(
  scope: Construct,
  functions: ExportFunctions,
  task: AskedTask,
  { noun, isDone, done, onError, assignError }: AskInLegsProps,
): IChainable {
  const Noun = `${noun.charAt(0).toUpperCase()}${noun.slice(1)}`
  const takeUp = Pass.jsonata(scope, `Take up ${noun}`, {
    assign: { leg: '{% $states.input %}', spent: '{% 0 %}' },
  })
  const failed = legEnd(scope, `${Noun} failed`, "{% {'error': $states.input} %}")
  const handOver = legEnd(scope, `Go on with ${noun} in another leg`, '{% {} %}')
  const isThere = legEnd(scope, `${Noun} is there`, "{% {'done': true} %}")

  const ask = lambdaTask(scope, functions, task, {
    payload: { restore: '{% $leg.restore %}', execution: '{% $leg.execution %}' },
    assign: { spent: spentOnTask },
    retry: patient,
    onError: failed,
  })
  ask.next(
    Choice.jsonata(scope, `${Noun} done?`)
      .when(Condition.jsonata(isDone), isThere)
      .when(Condition.jsonata(legIsFull), handOver)
      .otherwise(
        Wait.jsonata(scope, `Wait for ${noun}`, { time: WaitTime.seconds('{% $states.input.waitSeconds %}') }).next(
          ask,
        ),
      ),
  )

  const legs = leg(
    scope,
    `${Noun} in legs`,
    takeUp.next(ask),
    "{% [{'restore': $restore, 'execution': $execution}] %}",
  ).addCatch(onError, { assign: { [assignError]: '{% $states.errorOutput %}' } })
  return legs.next(
    Choice.jsonata(scope, `${Noun} ended?`)
      .when(Condition.jsonata('{% $exists($states.input.error) %}'), onError, {
        assign: { [assignError]: '{% $states.input.error %}' },
      })
      .when(Condition.jsonata('{% $exists($states.input.done) %}'), done)
      .otherwise(legs),
  )
}

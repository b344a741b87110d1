import {
  Choice,
  Condition,
  Fail,
  type IChainable,
  type INextable,
  Map as InlineMap,
  Pass,
  ProvideItems,
  type State,
  Wait,
  WaitTime,
} from 'aws-cdk-lib/aws-stepfunctions'
import type { Construct } from 'constructs'
import type { Jsonata, LambdaTaskProps } from './lambda-task.ts'
import { legEnd, legIsFull, retriesOfTask, spentOnMap, spentOnTask } from './legs.ts'
import { rethrown } from './rethrown.ts'
import { neverStarted, passingToPlan, patient } from './retry-policies.ts'

/** What the states are called, as an operator reads them. */
interface RoundNames {
  takeUp: string
  /** The question on what the plan deals out. */
  question: string
  /** Several streams side by side. */
  moveChunks: string
  wait: string
  /** A stream's round that was cut short. */
  broke: string
  chunkFailed: string
  failed: string
  gaveUp: string
  handOver: string
  isThere: string
}

/** Behaviour of a task, to which its builder adds the payload. */
type Behaviour = Omit<LambdaTaskProps<never>, 'payload'>
type Task = State & IChainable & INextable

interface RoundsProps {
  names: RoundNames
  /** The task that judges the last round and deals out the next; `$leg` holds what the leg began with. */
  plan: (round: { pace: Jsonata; results: Jsonata }, behaviour: Behaviour) => Task
  /** The task that moves one chunk. */
  move: (dealt: { chunk: Jsonata; order: Jsonata }, behaviour: Behaviour) => Task
}

/**
 * Rounds that move a file's parts, for as long as a history holds: plan, move side by side, plan again, until every part is
 * there. Input: what the tasks need, and the pace; output: the same with the pace as it is now, and `done` or `error`.
 */
export function rounds(scope: Construct, { names, plan: planTask, move }: RoundsProps): IChainable {
  const takeUp = Pass.jsonata(scope, names.takeUp, {
    assign: {
      leg: '{% $states.input %}',
      paced: '{% $states.input.pace %}',
      copied: '{% [] %}',
      spent: '{% 0 %}',
    },
  })

  const failed = legEnd(scope, names.failed, "{% $merge([$leg, {'pace': $paced, 'error': $states.input}]) %}")
  const gaveUp = legEnd(scope, names.gaveUp, "{% $merge([$leg, {'pace': $paced, 'error': $states.input.gaveUp}]) %}")
  const handOver = legEnd(scope, names.handOver, "{% $merge([$leg, {'pace': $paced}]) %}")
  const isThere = legEnd(scope, names.isThere, "{% $merge([$leg, {'pace': $paced, 'done': true}]) %}")

  const plan = planTask(
    { pace: '{% $paced %}', results: '{% $copied %}' },
    {
      // What a round brought is reported once: after a wait there is nothing new to judge.
      assign: { paced: '{% $states.result.Payload.pace %}', copied: '{% [] %}', spent: spentOnTask },
      retry: patient,
      onError: failed,
    },
  )

  const moveChunks = InlineMap.jsonata(scope, names.moveChunks, {
    items: ProvideItems.jsonata('{% $states.input.chunks %}'),
    // All at once: how many there are is what the plan decides.
    jsonataMaxConcurrency: '{% $count($states.input.chunks) %}',
    itemSelector: {
      chunk: '{% $states.context.Map.Item.Value %}',
      order: '{% $states.input.order %}',
    },
    assign: { copied: '{% $states.result %}', spent: spentOnMap },
  })
    .itemProcessor(moveChunk(scope, names, move))
    .addCatch(failed)

  plan.next(
    Choice.jsonata(scope, names.question)
      .when(Condition.jsonata('{% $exists($states.input.gaveUp) %}'), gaveUp)
      .when(Condition.jsonata('{% $count($states.input.chunks) = 0 and $states.input.waitSeconds = 0 %}'), isThere)
      // The next leg plans anew; what was dealt out just now nobody has begun.
      .when(Condition.jsonata(legIsFull), handOver)
      .when(Condition.jsonata('{% $count($states.input.chunks) > 0 %}'), moveChunks.next(plan))
      .otherwise(
        Wait.jsonata(scope, names.wait, { time: WaitTime.seconds('{% $states.input.waitSeconds %}') }).next(plan),
      ),
  )
  return takeUp.next(plan)
}

/** One stream's round. What passes, or may be the stream's own fault, is for the plan to judge; the rest fails the whole. */
function moveChunk(scope: Construct, names: RoundNames, move: RoundsProps['move']): IChainable {
  const cutShort = Pass.jsonata(scope, names.broke, {
    outputs: {
      bytesSent: 0,
      partsSent: 0,
      seconds: 0,
      // Lambda doesn't say how long a call ran that failed.
      billedSeconds: '{% ($toMillis($states.context.State.EnteredTime) - $toMillis($states.input.enteredAt)) / 1000 %}',
      throttles: 0,
      drops: 0,
      error: '{% $states.input.error %}',
      retries: '{% $states.input.retries %}',
    },
  })
  // No state follows: each one would cost two events a stream and round, and the largest archive takes hundreds of rounds.
  return move(
    { chunk: '{% $states.input.chunk %}', order: '{% $states.input.order %}' },
    {
      output: `{% $merge([$states.result.Payload, {'retries': ${retriesOfTask}}]) %}`,
      retry: [neverStarted],
      caught: {
        errors: passingToPlan,
        by: cutShort,
        output: `{% {'error': $states.errorOutput, 'enteredAt': $states.context.State.EnteredTime, 'retries': ${retriesOfTask}} %}`,
      },
      onError: Fail.jsonata(scope, names.chunkFailed, rethrown),
    },
  )
}

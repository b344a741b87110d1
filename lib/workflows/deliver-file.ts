import {
  Choice,
  Condition,
  Fail,
  type IChainable,
  Map as InlineMap,
  Pass,
  ProvideItems,
  Wait,
  WaitTime,
} from 'aws-cdk-lib/aws-stepfunctions'
import type { Construct } from 'constructs'
import type { ExportFunctions } from '../export-functions.ts'
import { lambdaTask } from './lambda-task.ts'
import { leg, legEnd, legIsFull, retriesOfTask, spentOnMap, spentOnTask } from './legs.ts'
import { rethrown } from './rethrown.ts'
import { neverStarted, passingToPlan, patient } from './retry-policies.ts'

interface DeliverFileProps {
  /** Every range is there; `$pace` says what it took. */
  delivered: IChainable
  onError: IChainable
  assignError: string
}

/**
 * Bring an archive's file to a node, in rounds: plan, deliver side by side, plan again, until each range is proved to lie
 * there. The mirror of Transfer artifact. Input: `{restore, execution, pace}`.
 */
export function deliverFile(
  scope: Construct,
  functions: ExportFunctions,
  { delivered, onError, assignError }: DeliverFileProps,
): IChainable {
  const deliver = leg(scope, 'Deliver in legs', deliverForAWhile(scope, functions)).addCatch(onError, {
    assign: { [assignError]: '{% $states.errorOutput %}' },
  })
  return deliver.next(
    Choice.jsonata(scope, 'Delivery ended?')
      .when(Condition.jsonata('{% $exists($states.input.error) %}'), onError, {
        assign: { [assignError]: '{% $states.input.error %}' },
      })
      .when(Condition.jsonata('{% $exists($states.input.done) %}'), delivered, {
        assign: { pace: '{% $states.input.pace %}' },
      })
      .otherwise(deliver),
  )
}

/** Rounds of delivery, for as long as a history holds. Output: the input with the pace as it is now, and `done` or `error`. */
function deliverForAWhile(scope: Construct, functions: ExportFunctions): IChainable {
  const takeUp = Pass.jsonata(scope, 'Take up delivery', {
    assign: {
      leg: '{% $states.input %}',
      paced: '{% $states.input.pace %}',
      brought: '{% [] %}',
      spent: '{% 0 %}',
    },
  })

  const failed = legEnd(scope, 'Delivery failed', "{% $merge([$leg, {'pace': $paced, 'error': $states.input}]) %}")
  const gaveUp = legEnd(
    scope,
    'Delivery given up',
    "{% $merge([$leg, {'pace': $paced, 'error': $states.input.gaveUp}]) %}",
  )
  const handOver = legEnd(scope, 'Deliver on in another leg', "{% $merge([$leg, {'pace': $paced}]) %}")
  const isThere = legEnd(scope, 'Every range is there', "{% $merge([$leg, {'pace': $paced, 'done': true}]) %}")

  const plan = lambdaTask(scope, functions, 'PlanDelivery', {
    payload: {
      restore: '{% $leg.restore %}',
      execution: '{% $leg.execution %}',
      pace: '{% $paced %}',
      results: '{% $brought %}',
    },
    // What a round brought is judged once: after a wait there is nothing new.
    assign: { paced: '{% $states.result.Payload.pace %}', brought: '{% [] %}', spent: spentOnTask },
    retry: patient,
    onError: failed,
  })

  const deliverChunks = InlineMap.jsonata(scope, 'Deliver chunks', {
    items: ProvideItems.jsonata('{% $states.input.chunks %}'),
    jsonataMaxConcurrency: '{% $count($states.input.chunks) %}',
    itemSelector: { chunk: '{% $states.context.Map.Item.Value %}', order: '{% $states.input.order %}' },
    assign: { brought: '{% $states.result %}', spent: spentOnMap },
  })
    .itemProcessor(deliverChunk(scope, functions))
    .addCatch(failed)

  plan.next(
    Choice.jsonata(scope, 'What is to be brought next?')
      .when(Condition.jsonata('{% $exists($states.input.gaveUp) %}'), gaveUp)
      .when(Condition.jsonata('{% $count($states.input.chunks) = 0 and $states.input.waitSeconds = 0 %}'), isThere)
      .when(Condition.jsonata(legIsFull), handOver)
      .when(Condition.jsonata('{% $count($states.input.chunks) > 0 %}'), deliverChunks.next(plan))
      .otherwise(
        Wait.jsonata(scope, 'Wait for a turn to deliver', {
          time: WaitTime.seconds('{% $states.input.waitSeconds %}'),
        }).next(plan),
      ),
  )
  return takeUp.next(plan)
}

/** One stream's round. What passes, or may be the stream's own fault, is for Plan delivery; the rest fails the restore. */
function deliverChunk(scope: Construct, functions: ExportFunctions): IChainable {
  const cutShort = Pass.jsonata(scope, 'Delivery broke', {
    outputs: {
      bytesSent: 0,
      partsSent: 0,
      seconds: 0,
      billedSeconds: '{% ($toMillis($states.context.State.EnteredTime) - $toMillis($states.input.enteredAt)) / 1000 %}',
      throttles: 0,
      drops: 0,
      error: '{% $states.input.error %}',
      retries: '{% $states.input.retries %}',
    },
  })
  return lambdaTask(scope, functions, 'DeliverParts', {
    payload: {
      restore: '{% $leg.restore %}',
      execution: '{% $leg.execution %}',
      chunk: '{% $states.input.chunk %}',
      order: '{% $states.input.order %}',
    },
    output: `{% $merge([$states.result.Payload, {'retries': ${retriesOfTask}}]) %}`,
    retry: [neverStarted],
    caught: {
      errors: passingToPlan,
      by: cutShort,
      output: `{% {'error': $states.errorOutput, 'enteredAt': $states.context.State.EnteredTime, 'retries': ${retriesOfTask}} %}`,
    },
    onError: Fail.jsonata(scope, 'Delivery of chunk failed', rethrown),
  })
}

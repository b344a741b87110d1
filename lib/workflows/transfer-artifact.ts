import {
  Choice,
  Condition,
  Fail,
  type IChainable,
  Map as InlineMap,
  Pass,
  ProvideItems,
  Succeed,
  Wait,
  WaitTime,
} from 'aws-cdk-lib/aws-stepfunctions'
import type { Construct } from 'constructs'
import type { ExportFunctions } from '../export-functions.ts'
import { lambdaTask } from './lambda-task.ts'
import { leg, legEnd, legIsFull, retriesOfTask, spentOnMap, spentOnTask } from './legs.ts'
import { rethrown } from './rethrown.ts'
import { neverStarted, passingToPlan, patient } from './retry-policies.ts'

/** An upload that vanishes again and again is being aborted by someone: then it is told, and not tried for ever. */
const MAX_OPENINGS = 3

/** For an upload that is opened anew: what was spent counts on, what was learned doesn't. */
const paceAnew = "{'bytesSent': $pace.bytesSent, 'work': $pace.work, 'copyingSince': $pace.copyingSince}"

/**
 * Copy one artifact into the bucket, in rounds: plan, copy side by side, plan again, until S3 has every part.
 * Input: the artifact; output: what is stored. Reads `$item` and `$execution` from around it. No part list travels in
 * state: S3 keeps it.
 */
export function transferArtifact(scope: Construct, functions: ExportFunctions): IChainable {
  // An error leaves a Map under its own name only if a state of the Map throws it again.
  const failed = Fail.jsonata(scope, 'Transfer failed', rethrown)

  const takeUp = Pass.jsonata(scope, 'Take up artifact', {
    // What an upload that vanished had cost is counted on by the next.
    assign: { artifact: '{% $states.input %}', openings: 0, pace: "{% {'bytesSent': 0, 'work': {}} %}" },
  })

  const open = lambdaTask(scope, functions, 'OpenUpload', {
    payload: { item: '{% $item %}', artifact: '{% $artifact %}' },
    assign: {
      upload: '{% $states.result.Payload.upload %}',
      openings: '{% $openings + 1 %}',
      pace: `{% ${paceAnew} %}`,
    },
    output: `{% $merge([$states.result.Payload, {'item': $item, 'execution': $execution, 'artifact': $artifact, 'pace': ${paceAnew}}]) %}`,
    retry: patient,
    onError: failed,
  })

  // Aborted by someone, or expired: what S3 had of it is gone, and the archive is copied anew.
  const vanished = Choice.jsonata(scope, 'Did the upload vanish?')
    .when(Condition.jsonata(`{% $states.input.Error = 'UploadVanished' and $openings < ${MAX_OPENINGS} %}`), open)
    .otherwise(failed)

  const complete = lambdaTask(scope, functions, 'CompleteUpload', {
    payload: {
      item: '{% $item %}',
      execution: '{% $execution %}',
      artifact: '{% $artifact %}',
      upload: '{% $upload %}',
      bytesSent: '{% $pace.bytesSent %}',
      work: '{% $pace.work %}',
    },
    output: '{% $states.result.Payload.stored %}',
    retry: patient,
    onError: vanished,
  })

  const copy = leg(scope, 'Copy in legs', copyForAWhile(scope, functions)).addCatch(failed)

  const stored = Succeed.jsonata(scope, 'Stored before', {
    outputs: "{% $merge([$states.input.alreadyStored, {'work': $pace.work}]) %}",
  })

  const soFar = { assign: { pace: '{% $states.input.pace %}' } }
  copy.next(
    Choice.jsonata(scope, 'Copying ended?')
      .when(Condition.jsonata('{% $exists($states.input.error) %}'), vanished, {
        ...soFar,
        outputs: '{% $states.input.error %}',
      })
      .when(Condition.jsonata('{% $exists($states.input.done) %}'), complete, soFar)
      .otherwise(copy),
  )
  return takeUp
    .next(open)
    .next(
      Choice.jsonata(scope, 'Already stored?')
        .when(Condition.jsonata('{% $exists($states.input.alreadyStored) %}'), stored)
        .otherwise(copy),
    )
}

/**
 * Rounds of copying, for as long as a history holds. Input: `{item, execution, artifact, upload, pace}`; output: the same
 * with the pace as it is now, and `done` when S3 has every part, or `error`.
 */
function copyForAWhile(scope: Construct, functions: ExportFunctions): IChainable {
  const takeUp = Pass.jsonata(scope, 'Take up copying', {
    assign: {
      leg: '{% $states.input %}',
      paced: '{% $states.input.pace %}',
      copied: '{% [] %}',
      spent: '{% 0 %}',
    },
  })

  const failed = legEnd(scope, 'Copying failed', "{% $merge([$leg, {'pace': $paced, 'error': $states.input}]) %}")
  const gaveUp = legEnd(scope, 'Gave up', "{% $merge([$leg, {'pace': $paced, 'error': $states.input.gaveUp}]) %}")
  const handOver = legEnd(scope, 'Copy on in another leg', "{% $merge([$leg, {'pace': $paced}]) %}")
  const isThere = legEnd(scope, 'Every part is there', "{% $merge([$leg, {'pace': $paced, 'done': true}]) %}")

  const plan = lambdaTask(scope, functions, 'PlanCopies', {
    payload: {
      item: '{% $leg.item %}',
      execution: '{% $leg.execution %}',
      artifact: '{% $leg.artifact %}',
      upload: '{% $leg.upload %}',
      pace: '{% $paced %}',
      results: '{% $copied %}',
    },
    // What a round brought is told once: after a wait there is nothing new to judge.
    assign: { paced: '{% $states.result.Payload.pace %}', copied: '{% [] %}', spent: spentOnTask },
    retry: patient,
    onError: failed,
  })

  const copyChunks = InlineMap.jsonata(scope, 'Copy chunks', {
    items: ProvideItems.jsonata('{% $states.input.chunks %}'),
    // All at once: how many there are is what Plan copies decides.
    jsonataMaxConcurrency: '{% $count($states.input.chunks) %}',
    itemSelector: {
      chunk: '{% $states.context.Map.Item.Value %}',
      order: '{% $states.input.order %}',
    },
    assign: { copied: '{% $states.result %}', spent: spentOnMap },
  })
    .itemProcessor(copyChunk(scope, functions))
    .addCatch(failed)

  plan.next(
    Choice.jsonata(scope, 'What next?')
      .when(Condition.jsonata('{% $exists($states.input.gaveUp) %}'), gaveUp)
      .when(Condition.jsonata('{% $count($states.input.chunks) = 0 and $states.input.waitSeconds = 0 %}'), isThere)
      // The next leg plans anew; what was dealt out just now nobody has begun.
      .when(Condition.jsonata(legIsFull), handOver)
      .when(Condition.jsonata('{% $count($states.input.chunks) > 0 %}'), copyChunks.next(plan))
      .otherwise(
        Wait.jsonata(scope, 'Wait for a turn', { time: WaitTime.seconds('{% $states.input.waitSeconds %}') }).next(
          plan,
        ),
      ),
  )
  return takeUp.next(plan)
}

/** One stream's round. What passes, or may be the stream's own fault, is told to Plan copies; the rest fails the guest. */
function copyChunk(scope: Construct, functions: ExportFunctions): IChainable {
  const cutShort = Pass.jsonata(scope, 'Stream broke', {
    outputs: {
      bytesSent: 0,
      partsSent: 0,
      seconds: 0,
      // Lambda tells nobody how long a call ran that failed.
      billedSeconds: '{% ($toMillis($states.context.State.EnteredTime) - $toMillis($states.input.enteredAt)) / 1000 %}',
      throttles: 0,
      drops: 0,
      error: '{% $states.input.error %}',
      retries: '{% $states.input.retries %}',
    },
  })
  // No state follows: each one would cost two events a stream and round, and the largest archive takes hundreds of rounds.
  return lambdaTask(scope, functions, 'CopyParts', {
    payload: {
      item: '{% $leg.item %}',
      execution: '{% $leg.execution %}',
      artifact: '{% $leg.artifact %}',
      upload: '{% $leg.upload %}',
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
    onError: Fail.jsonata(scope, 'Chunk failed', rethrown),
  })
}

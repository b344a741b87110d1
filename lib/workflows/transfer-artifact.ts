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
import { rethrown } from './rethrown.ts'
import { neverStarted, passingToPlan, patient } from './retry-policies.ts'

/** An upload that vanishes again and again is being aborted by someone: then it is told, and not tried for ever. */
const MAX_OPENINGS = 3

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
      pace: "{% {'bytesSent': $pace.bytesSent, 'work': $pace.work} %}",
      copied: '{% [] %}',
    },
    retry: patient,
    onError: failed,
  })

  // Aborted by someone, or expired: what S3 had of it is gone, and the archive is copied anew.
  const vanished = Choice.jsonata(scope, 'Did the upload vanish?')
    .when(Condition.jsonata(`{% $states.input.Error = 'UploadVanished' and $openings < ${MAX_OPENINGS} %}`), open)
    .otherwise(failed)

  const plan = lambdaTask(scope, functions, 'PlanCopies', {
    payload: {
      item: '{% $item %}',
      execution: '{% $execution %}',
      artifact: '{% $artifact %}',
      upload: '{% $upload %}',
      pace: '{% $pace %}',
      results: '{% $copied %}',
    },
    // What a round brought is told once: after a wait there is nothing new to judge.
    assign: { pace: '{% $states.result.Payload.pace %}', copied: '{% [] %}' },
    retry: patient,
    onError: vanished,
  })

  const copyChunks = InlineMap.jsonata(scope, 'Copy chunks', {
    items: ProvideItems.jsonata('{% $states.input.chunks %}'),
    // All at once: how many there are is what Plan copies decides.
    jsonataMaxConcurrency: '{% $count($states.input.chunks) %}',
    itemSelector: {
      chunk: '{% $states.context.Map.Item.Value %}',
      order: '{% $states.input.order %}',
    },
    assign: { copied: '{% $states.result %}' },
  })
    .itemProcessor(copyChunk(scope, functions))
    .addCatch(vanished)

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

  const gaveUp = Fail.jsonata(scope, 'Gave up', {
    error: '{% $states.input.gaveUp.Error %}',
    cause: '{% $states.input.gaveUp.Cause %}',
  })

  const stored = Succeed.jsonata(scope, 'Stored before', {
    outputs: "{% $merge([$states.input.alreadyStored, {'work': $pace.work}]) %}",
  })

  plan.next(
    Choice.jsonata(scope, 'What next?')
      .when(Condition.jsonata('{% $exists($states.input.gaveUp) %}'), gaveUp)
      .when(Condition.jsonata('{% $count($states.input.chunks) > 0 %}'), copyChunks.next(plan))
      .when(
        Condition.jsonata('{% $states.input.waitSeconds > 0 %}'),
        Wait.jsonata(scope, 'Wait for a turn', { time: WaitTime.seconds('{% $states.input.waitSeconds %}') }).next(
          plan,
        ),
      )
      .otherwise(complete),
  )
  return takeUp
    .next(open)
    .next(
      Choice.jsonata(scope, 'Already stored?')
        .when(Condition.jsonata('{% $exists($states.input.alreadyStored) %}'), stored)
        .otherwise(plan),
    )
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
    },
  })
  // No state follows: each one would cost two events a stream and round, and the largest archive takes hundreds of rounds.
  return lambdaTask(scope, functions, 'CopyParts', {
    payload: {
      item: '{% $item %}',
      execution: '{% $execution %}',
      artifact: '{% $artifact %}',
      upload: '{% $upload %}',
      chunk: '{% $states.input.chunk %}',
      order: '{% $states.input.order %}',
    },
    retry: [neverStarted],
    caught: {
      errors: passingToPlan,
      by: cutShort,
      output: "{% {'error': $states.errorOutput, 'enteredAt': $states.context.State.EnteredTime} %}",
    },
    onError: Fail.jsonata(scope, 'Chunk failed', rethrown),
  })
}

import { Choice, Condition, Fail, type IChainable, Pass, Succeed } from 'aws-cdk-lib/aws-stepfunctions'
import type { Construct } from 'constructs'
import type { ExportFunctions } from '../export-functions.ts'
import { lambdaTask } from './lambda-task.ts'
import { leg } from './legs.ts'
import { rethrown } from './rethrown.ts'
import { patient } from './retry-policies.ts'
import { rounds } from './rounds.ts'

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

/** Rounds of copying. Input: `{item, execution, artifact, upload, pace}`. */
function copyForAWhile(scope: Construct, functions: ExportFunctions): IChainable {
  const its = {
    item: '{% $leg.item %}',
    execution: '{% $leg.execution %}',
    artifact: '{% $leg.artifact %}',
    upload: '{% $leg.upload %}',
  } as const
  return rounds(scope, {
    names: {
      takeUp: 'Take up copying',
      question: 'What next?',
      moveChunks: 'Copy chunks',
      wait: 'Wait for a turn',
      broke: 'Stream broke',
      chunkFailed: 'Chunk failed',
      failed: 'Copying failed',
      gaveUp: 'Gave up',
      handOver: 'Copy on in another leg',
      isThere: 'Every part is there',
    },
    plan: (round, behaviour) =>
      lambdaTask(scope, functions, 'PlanCopies', { payload: { ...its, ...round }, ...behaviour }),
    move: (dealt, behaviour) =>
      lambdaTask(scope, functions, 'CopyParts', { payload: { ...its, ...dealt }, ...behaviour }),
  })
}

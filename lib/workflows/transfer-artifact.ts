import {
  Choice,
  Condition,
  Fail,
  type IChainable,
  Map as InlineMap,
  ProvideItems,
  Succeed,
} from 'aws-cdk-lib/aws-stepfunctions'
import type { Construct } from 'constructs'
import type { ExportFunctions } from '../export-functions.ts'
import { lambdaTask } from './lambda-task.ts'
import { patient } from './retry-policies.ts'

/**
 * Copy one artifact into the bucket. Input: the artifact; output: what is stored. Reads `$item` from around it.
 * No part list travels in state: S3 keeps it.
 */
export function transferArtifact(scope: Construct, functions: ExportFunctions): IChainable {
  // An error leaves a Map under its own name only if a state of the Map throws it again.
  const failed = Fail.jsonata(scope, 'Transfer failed', rethrown)

  const open = lambdaTask(scope, functions, 'OpenUpload', {
    payload: { item: '{% $item %}', artifact: '{% $states.input %}' },
    assign: { artifact: '{% $states.input %}', upload: '{% $states.result.Payload.upload %}' },
    retry: patient,
    onError: failed,
  })

  const stored = Succeed.jsonata(scope, 'Stored before', { outputs: '{% $states.input.alreadyStored %}' })

  const copyChunks = InlineMap.jsonata(scope, 'Copy chunks', {
    items: ProvideItems.jsonata('{% $states.input.chunks %}'),
    jsonataMaxConcurrency: '{% $item.maxConcurrency %}',
    itemSelector: {
      chunk: '{% $states.context.Map.Item.Value %}',
      nextPart: '{% $states.context.Map.Item.Value.firstPart %}',
      bytesSent: 0,
    },
    // The 0 keeps the sum a number when S3 has every part already and no chunk is left.
    outputs: { bytesSent: '{% $sum([0, $states.result.bytesSent]) %}' },
  })
    .itemProcessor(copyChunk(scope, functions))
    .addCatch(failed)

  const complete = lambdaTask(scope, functions, 'CompleteUpload', {
    payload: {
      item: '{% $item %}',
      artifact: '{% $artifact %}',
      upload: '{% $upload %}',
      bytesSent: '{% $states.input.bytesSent %}',
    },
    output: '{% $states.result.Payload.stored %}',
    retry: patient,
    onError: failed,
  })

  return open.next(
    Choice.jsonata(scope, 'Already stored?')
      .when(Condition.jsonata('{% $exists($states.input.alreadyStored) %}'), stored)
      .otherwise(copyChunks.next(complete)),
  )
}

/** Work off one chunk in as many calls as it takes: each hands back the next part before its time is up. */
function copyChunk(scope: Construct, functions: ExportFunctions): IChainable {
  const copy = lambdaTask(scope, functions, 'CopyParts', {
    payload: {
      item: '{% $item %}',
      artifact: '{% $artifact %}',
      upload: '{% $upload %}',
      chunk: '{% $states.input.chunk %}',
      nextPart: '{% $states.input.nextPart %}',
      bytesSent: '{% $states.input.bytesSent %}',
    },
    // The next call's input: the same chunk, the next part, the bytes so far.
    output: '{% $merge([$states.input, $states.result.Payload]) %}',
    retry: patient,
    onError: Fail.jsonata(scope, 'Chunk failed', rethrown),
  })

  return copy.next(
    Choice.jsonata(scope, 'Chunk copied?')
      .when(Condition.jsonata('{% $states.input.done %}'), Succeed.jsonata(scope, 'Chunk is in S3'))
      .otherwise(copy),
  )
}

/** Pass an error on as it came; `Cause` is missing when a time limit ended the task. */
const rethrown = {
  error: '{% $states.input.Error %}',
  cause: "{% $exists($states.input.Cause) ? $states.input.Cause : 'Step Functions gave no cause.' %}",
}

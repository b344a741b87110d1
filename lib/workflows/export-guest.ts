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
import type { Branch } from './branches/branch.ts'
import { lambdaTask } from './lambda-task.ts'
import { plainCause } from './rethrown.ts'
import { ordinary, patient } from './retry-policies.ts'
import { transferArtifact } from './transfer-artifact.ts'
import { untilReleased, waitedSeconds } from './until-released.ts'

/** Archive one guest, on the branch of its platform. Input: an item of a run's plan; output: the guest's outcome. */
export function exportGuest(
  scope: Construct,
  functions: ExportFunctions,
  branches: Readonly<Record<string, Branch>>,
): IChainable {
  const failed = Fail.jsonata(scope, 'Guest failed', {
    error: '{% $error.Error %}',
    // The outcome's sentence where there is one; this state is also reached when not even that could be recorded.
    cause: plainCause(
      "$exists($states.input.reason) ? $states.input.reason : $exists($error.Cause) ? $error.Cause : 'Step Functions gave no cause.'",
    ),
  })

  const record = lambdaTask(scope, functions, 'RecordFailure', {
    payload: { item: '{% $item %}', execution: '{% $execution %}', error: '{% $error %}', waitedSeconds },
    retry: ordinary,
    onError: failed,
  })

  const skipped = Choice.jsonata(scope, 'Was it skipped?')
    .when(Condition.jsonata("{% $states.input.outcome = 'skipped' %}"), Succeed.jsonata(scope, 'Guest skipped'))
    .otherwise(failed)

  untilReleased(scope, record, {
    asked: 'Released after failure?',
    waiting: 'Wait for release after failure',
    done: skipped,
  })
  const recordFailure = { onError: record, assignError: 'error' }

  const release = lambdaTask(scope, functions, 'ReleaseBackup', {
    payload: {
      item: '{% $item %}',
      execution: '{% $execution %}',
      artifacts: '{% $artifacts %}',
      stored: '{% $stored %}',
      verdict: '{% $verdict %}',
      manifestKey: '{% $manifestKey %}',
      startedAt: '{% $startedAt %}',
      backupCalls: '{% $backupCalls %}',
      retention: "{% {'remark': $retentionRemark, 'error': $retentionError} %}",
      waitedSeconds,
    },
    retry: patient,
    ...recordFailure,
  })

  // Whatever becomes of older archives, the new one is committed: an error here is a remark of the outcome.
  const applyRetention = lambdaTask(scope, functions, 'ApplyRetention', {
    payload: { item: '{% $item %}' },
    assign: { retentionRemark: '{% $states.result.Payload.remark %}' },
    retry: ordinary,
    onError: release,
    assignError: 'retentionError',
  })

  const retention = Choice.jsonata(scope, 'Is there a retention?')
    .when(Condition.jsonata('{% $exists($item.retention) %}'), applyRetention)
    .otherwise(release)

  const manifest = lambdaTask(scope, functions, 'WriteManifest', {
    payload: {
      item: '{% $item %}',
      artifacts: '{% $artifacts %}',
      stored: '{% $stored %}',
      verdict: '{% $verdict %}',
      evidenceKey: '{% $evidenceKey %}',
      backupCalls: '{% $backupCalls %}',
    },
    assign: {
      manifestKey: '{% $states.result.Payload.manifestKey %}',
      retentionRemark: "{% '' %}",
      retentionError: '{% null %}',
    },
    retry: ordinary,
    ...recordFailure,
  })

  const compare = lambdaTask(scope, functions, 'VerifyArchive', {
    // Verified is what was read back whole; this asks S3 for its sums.
    name: 'Compare checksums',
    payload: { item: '{% $item %}', artifacts: '{% $artifacts %}', stored: '{% $stored %}' },
    retry: ordinary,
    ...recordFailure,
  })

  // One after the other: the chunks of each already share the site's line.
  const transfer = InlineMap.jsonata(scope, 'Transfer each artifact', {
    items: ProvideItems.jsonata('{% $artifacts %}'),
    maxConcurrency: 1,
    assign: { stored: '{% $states.result %}' },
  })
    .itemProcessor(transferArtifact(scope, functions))
    .addCatch(record, { assign: { error: '{% $states.errorOutput %}' } })

  // Stored whole, and still not what was asked for: the outcome says what to do.
  const lesser = Fail.jsonata(scope, 'Archived, but less than required', {
    error: '{% $states.input.verdict %}',
    cause: plainCause('$states.input.reason'),
  })

  applyRetention.next(release)
  untilReleased(scope, release, {
    asked: 'Released?',
    waiting: 'Wait for release',
    done: Choice.jsonata(scope, 'Is it as required?')
      .when(Condition.jsonata("{% $states.input.outcome = 'succeeded' %}"), Succeed.jsonata(scope, 'Guest archived'))
      .otherwise(lesser),
  })
  const committed = compare.next(manifest).next(retention)
  transfer.next(compare)
  const exits = { copy: transfer, committed, ...recordFailure }

  const unknown = Fail.jsonata(scope, 'Platform not supported', {
    error: 'InvalidJob',
    cause: plainCause(
      "'The input is not an item of a plan with a supported platform: ' & $string($states.input.platform)",
    ),
  })

  const which = Choice.jsonata(scope, 'Which platform?')
  for (const [platform, branch] of Object.entries(branches)) {
    which.when(Condition.jsonata(`{% $states.input.platform = '${platform}' %}`), branch(scope, functions, exits), {
      assign: {
        item: '{% $states.input %}',
        execution: '{% $states.context.Execution.Id %}',
        waitedSeconds: '{% 0 %}',
      },
      // Children of a distributed Map see no variable: what a branch's legs need is their input.
      outputs: "{% {'item': $states.input, 'execution': $states.context.Execution.Id, 'backupCalls': 0} %}",
    })
  }
  return which.otherwise(unknown)
}

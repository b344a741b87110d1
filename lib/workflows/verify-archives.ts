import {
  Choice,
  Condition,
  DistributedMap,
  Fail,
  type IChainable,
  Pass,
  StateMachineType,
  Succeed,
} from 'aws-cdk-lib/aws-stepfunctions'
import type { Construct } from 'constructs'
import type { ArchiveAccess } from '../archive-access.ts'
import type { Deployment } from '../deployment-config.ts'
import type { ExportFunctions } from '../export-functions.ts'
import type { LargerRunner } from '../larger-runner.ts'
import { type Jsonata, lambdaTask } from './lambda-task.ts'
import { MapResultWriter, PlanReader } from './map-files.ts'
import { plainCause, rethrown } from './rethrown.ts'
import { asRetry, neverStarted, ordinary, passingFaults, planUnread } from './retry-policies.ts'

type Settings = Omit<Deployment['verification'], 'expression' | 'enabled' | 'runner'>

interface VerifyArchivesProps extends Settings {
  functions: ExportFunctions
  archive: ArchiveAccess
  /** What reads archives that don't fit a function, if the deployment has it. */
  runner: LargerRunner | undefined
}

/**
 * Read back whole the archives that are due, or those that the input names. Input: `{}`, or any of `site`, `policy`,
 * `archives` and `mostGiBInFunction`; what is left out is as the deployment says.
 */
export function verifyArchives(scope: Construct, props: VerifyArchivesProps): IChainable {
  const { functions, archive, maxConcurrency, runner } = props
  const stopped = Fail.jsonata(scope, 'Verification stopped', rethrown)

  const plan = lambdaTask(scope, functions, 'PlanVerification', {
    payload: {
      verificationId: '{% $states.context.Execution.Name %}',
      startedAt: '{% $states.context.Execution.StartTime %}',
      request: requestOf(props),
    },
    assign: {
      run: '{% $states.result.Payload.run %}',
      planKey: '{% $states.result.Payload.planKey %}',
      mapError: '{% null %}',
    },
    retry: ordinary,
    onError: stopped,
  })

  const report = lambdaTask(scope, functions, 'ReportVerification', {
    payload: {
      run: '{% $run %}',
      planKey: '{% $planKey %}',
      runner: `{% '${runner === undefined ? 'none' : 'codebuild'}' %}`,
      mapError: '{% $mapError %}',
    },
    retry: ordinary,
    onError: stopped,
  })

  const verifyEach = DistributedMap.jsonata(scope, 'Verify each archive', {
    mapExecutionType: StateMachineType.STANDARD,
    maxConcurrency,
    // One archive's failure never stops another; the report judges the whole.
    toleratedFailurePercentage: 100,
    itemReader: new PlanReader(archive.bucket, '{% $planKey %}'),
    resultWriterV2: new MapResultWriter(archive.mapResults, "{% $run.prefix & 'map' %}"),
  })
    .itemProcessor(verifyArchive(scope, functions, runner))
    .addRetry(asRetry(planUnread))
    // Even then: what was read before has to be told, and why there is no more.
    .addCatch(report, { assign: { mapError: '{% $states.errorOutput %}' } })

  const outcome = Choice.jsonata(scope, 'How did it go?')
    .when(
      Condition.jsonata('{% $states.input.refused > 0 %}'),
      Fail.jsonata(scope, 'Archive refused', { error: 'ArchiveRefused', cause: plainCause('$states.input.summary') }),
    )
    // Somebody has to hear of it: nobody knows whether these archives can be restored. A map that fails as a whole would
    // do so again, and until archives are overdue nobody would know.
    .when(
      Condition.jsonata('{% $states.input.overdue > 0 or $mapError != null %}'),
      Fail.jsonata(scope, 'Verification incomplete', {
        error: 'VerificationIncomplete',
        cause: plainCause('$states.input.summary'),
      }),
    )
    .when(
      Condition.jsonata('{% $exists($states.input.unlocked) %}'),
      Fail.jsonata(scope, 'Lock is missing', { error: 'ArchiveUnlocked', cause: plainCause('$states.input.summary') }),
    )
    .otherwise(Succeed.jsonata(scope, 'Verification done'))

  verifyEach.next(report)
  report.next(outcome)
  return plan.next(
    Choice.jsonata(scope, 'Any archive due?')
      .when(Condition.jsonata('{% $states.input.archiveCount > 0 %}'), verifyEach)
      .otherwise(report),
  )
}

/** The input, with the deployment's own settings where it says nothing. */
function requestOf({ archiveWithinDays, guestWithinDays, mostGiBPerRun, mostGiBInFunction }: Settings): Jsonata {
  const policy = `$merge([${JSON.stringify({ archiveWithinDays, guestWithinDays, mostGiBPerRun })}, $states.input.policy])`
  return `{% $merge([{'mostGiBInFunction': ${mostGiBInFunction}}, $states.input, {'policy': ${policy}}]) %}`
}

/** One item of the plan. What became of it lies beside the archive's manifest; failures here are for the console. */
function verifyArchive(scope: Construct, functions: ExportFunctions, runner: LargerRunner | undefined): IChainable {
  const notRead = Fail.jsonata(scope, 'Archive not read', rethrown)
  const takeUp = Pass.jsonata(scope, 'Take up archive', { assign: { folder: '{% $states.input.folder %}' } })

  const atLength =
    runner === undefined
      ? Succeed.jsonata(scope, 'Left for another machine')
      : runner.verifyAtLength(scope, { folder: '{% $folder %}', onError: notRead })

  const verify = lambdaTask(scope, functions, 'VerifyDeep', {
    payload: { folder: '{% $folder %}' },
    // A function that died may have read for a quarter of an hour: the next run reads the archive again, not this one.
    retry: [passingFaults, neverStarted],
    onError: notRead,
  })

  return takeUp.next(
    Choice.jsonata(scope, 'Fits a function?')
      .when(
        Condition.jsonata('{% $states.input.sizeBytes <= $states.input.mostBytesInFunction %}'),
        verify.next(
          Choice.jsonata(scope, 'Read to its end?')
            .when(Condition.jsonata('{% $states.input.outOfTime %}'), atLength)
            .otherwise(Succeed.jsonata(scope, 'Archive read')),
        ),
      )
      .otherwise(atLength),
  )
}

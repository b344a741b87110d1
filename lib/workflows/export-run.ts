import {
  Choice,
  Condition,
  DistributedMap,
  Fail,
  type IChainable,
  StateMachineType,
  Succeed,
} from 'aws-cdk-lib/aws-stepfunctions'
import type { Construct } from 'constructs'
import type { ArchiveAccess } from '../archive-access.ts'
import type { ExportFunctions } from '../export-functions.ts'
import type { Branch } from './branches/branch.ts'
import { exportGuest } from './export-guest.ts'
import { lambdaTask } from './lambda-task.ts'
import { PlanReader, MapResultWriter } from './map-files.ts'
import { plainCause, rethrown } from './rethrown.ts'
import { asRetry, ordinary, planUnread } from './retry-policies.ts'

/** Shown in the console beside the workflow: what a person types to start it. */
export const sampleInput = { site: 'hq', guests: { vmids: [100, 101] }, backup: { mode: 'snapshot', storage: 'local' } }

/** What was not archived can be asked for by the run's name alone, whoever reads the failure. */
const summaryAndWayOn = plainCause(
  "$states.input.summary & ' To archive exactly the guests that were not: npx guestlift run --state-machine ' & $states.context.StateMachine.Id & ' --again ' & $states.context.Execution.Id & '. What S3 has is not sent again.'",
)

interface ExportRunProps {
  functions: ExportFunctions
  /** By platform. */
  branches: Readonly<Record<string, Branch>>
  archive: ArchiveAccess
  /** Guests archived at the same time. */
  maxConcurrency: number
}

/** Archive the guests of one job. Input: the job, which a schedule extends by `schedule: {name, scheduledAt}`. */
export function exportRun(
  scope: Construct,
  { functions, branches, archive, maxConcurrency }: ExportRunProps,
): IChainable {
  const stopped = Fail.jsonata(scope, 'Run stopped', rethrown)

  const authenticate = lambdaTask(scope, functions, 'Authenticate', {
    payload: {
      request: '{% $states.input %}',
      runId: '{% $states.context.Execution.Name %}',
      startedAt: '{% $states.context.Execution.StartTime %}',
    },
    assign: {
      run: '{% $states.result.Payload.run %}',
      site: '{% $states.result.Payload.site %}',
      platform: '{% $states.result.Payload.platform %}',
      platformVersion: '{% $states.result.Payload.platformVersion %}',
      job: '{% $states.result.Payload.job %}',
      notes: '{% $states.result.Payload.notes %}',
      siteConfiguration: '{% null %}',
      configurationError: '{% null %}',
      catalogueError: '{% null %}',
      mapError: '{% null %}',
    },
    retry: ordinary,
    onError: stopped,
  })

  const plan = lambdaTask(scope, functions, 'PlanRun', {
    payload: {
      run: '{% $run %}',
      site: '{% $site %}',
      platform: '{% $platform %}',
      platformVersion: '{% $platformVersion %}',
      job: '{% $job %}',
    },
    assign: {
      planKey: '{% $states.result.Payload.planKey %}',
      guestCount: '{% $states.result.Payload.guestCount %}',
    },
    retry: ordinary,
    onError: stopped,
  })

  const report = lambdaTask(scope, functions, 'ReportRun', {
    payload: {
      run: '{% $run %}',
      site: '{% $site %}',
      planKey: '{% $planKey %}',
      notes: '{% $notes %}',
      siteConfiguration: '{% $siteConfiguration %}',
      configurationError: '{% $configurationError %}',
      catalogueError: '{% $catalogueError %}',
      mapError: '{% $mapError %}',
    },
    retry: ordinary,
    onError: stopped,
  })

  // Index and page are copies of what the archives tell: whatever goes wrong with them is a note of the report.
  const catalogue = lambdaTask(scope, functions, 'WriteCatalogue', {
    payload: { site: '{% $site %}' },
    assign: { notes: '{% [$notes, $states.result.Payload.notes] %}' },
    retry: ordinary,
    onError: report,
    assignError: 'catalogueError',
  })

  const exportEach = DistributedMap.jsonata(scope, 'Export each guest', {
    mapExecutionType: StateMachineType.STANDARD,
    maxConcurrency,
    // One guest's failure never stops another; the report judges the whole.
    toleratedFailurePercentage: 100,
    itemReader: new PlanReader(archive.bucket, '{% $planKey %}'),
    // Outcomes go to S3, so that state stays small however many guests there are. The prefix ends without a slash.
    resultWriterV2: new MapResultWriter(archive.mapResults, "{% $run.prefix & 'map' %}"),
  })
    .itemProcessor(exportGuest(scope, functions, branches))
    // No guest was begun by then.
    .addRetry(asRetry(planUnread))
    // Even then: what was archived before has to be told, and why there is no more.
    .addCatch(catalogue, { assign: { mapError: '{% $states.errorOutput %}' } })

  const outcome = Choice.jsonata(scope, 'How did it go?')
    .when(Condition.jsonata("{% $states.input.outcome = 'succeeded' %}"), Succeed.jsonata(scope, 'Run succeeded'))
    .when(
      Condition.jsonata("{% $states.input.outcome = 'partial' %}"),
      Fail.jsonata(scope, 'Run partly failed', { error: 'RunPartlyFailed', cause: summaryAndWayOn }),
    )
    .otherwise(Fail.jsonata(scope, 'Run failed', { error: 'RunFailed', cause: summaryAndWayOn }))

  const guestsFound = Choice.jsonata(scope, 'Any guest found?')
    .when(Condition.jsonata('{% $guestCount > 0 %}'), exportEach)
    .otherwise(report)

  // Before the guests, so that a run that takes days keeps what they were set up in as it began.
  const keepConfiguration = lambdaTask(scope, functions, 'KeepConfiguration', {
    payload: { site: '{% $site %}', platform: '{% $platform %}', platformVersion: '{% $platformVersion %}' },
    assign: { siteConfiguration: '{% $states.result.Payload %}' },
    retry: ordinary,
    // No guest waits for it. The report judges it.
    onError: guestsFound,
    assignError: 'configurationError',
  }).next(guestsFound)
  const configurationAsked = Choice.jsonata(scope, "Is the site's configuration kept?")
    .when(Condition.jsonata('{% $job.siteConfiguration = true %}'), keepConfiguration)
    .otherwise(guestsFound)

  exportEach.next(catalogue)
  catalogue.next(report)
  report.next(outcome)
  return authenticate.next(
    Choice.jsonata(scope, 'Already served?')
      .when(Condition.jsonata('{% $exists($states.input.duplicateOf) %}'), Succeed.jsonata(scope, 'Nothing to do'))
      .otherwise(plan.next(configurationAsked)),
  )
}

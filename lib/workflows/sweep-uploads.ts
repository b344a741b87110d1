import { Choice, Condition, Fail, type IChainable, Succeed } from 'aws-cdk-lib/aws-stepfunctions'
import type { Construct } from 'constructs'
import type { ExportFunctions } from '../export-functions.ts'
import { lambdaTask } from './lambda-task.ts'
import { plainCause, rethrown } from './rethrown.ts'
import { ordinary } from './retry-policies.ts'

/** Drop uploads that nobody goes on with. Input: `{}`, or `{dryRun: true}` to only report what would be dropped. */
export function sweepUploads(scope: Construct, functions: ExportFunctions): IChainable {
  const sweep = lambdaTask(scope, functions, 'SweepUploads', {
    payload: {
      sweepId: '{% $states.context.Execution.Name %}',
      startedAt: '{% $states.context.Execution.StartTime %}',
      dryRun: '{% $exists($states.input.dryRun) ? $states.input.dryRun : false %}',
    },
    retry: ordinary,
    onError: Fail.jsonata(scope, 'Sweep stopped', rethrown),
  })

  return sweep.next(
    Choice.jsonata(scope, 'All uploads swept?')
      .when(Condition.jsonata("{% $states.input.outcome = 'succeeded' %}"), Succeed.jsonata(scope, 'Sweep done'))
      // Storage that can't be given back goes on costing: somebody has to hear of it.
      .otherwise(
        Fail.jsonata(scope, 'Sweep incomplete', {
          error: 'SweepIncomplete',
          cause: plainCause('$states.input.summary'),
        }),
      ),
  )
}

import { Choice, Condition, Fail, type IChainable, Succeed } from 'aws-cdk-lib/aws-stepfunctions'
import type { Construct } from 'constructs'
import type { ExportFunctions } from '../export-functions.ts'
import { lambdaTask } from './lambda-task.ts'
import { plainCause, rethrown } from './rethrown.ts'
import { ordinary } from './retry-policies.ts'

/** Judge how a site's guests are covered by archives. Input: `{site}`, and how to judge them: `rules`, `schedules`. */
export function judgeCoverage(scope: Construct, functions: ExportFunctions): IChainable {
  const judge = lambdaTask(scope, functions, 'JudgeCoverage', {
    payload: {
      coverageId: '{% $states.context.Execution.Name %}',
      startedAt: '{% $states.context.Execution.StartTime %}',
      site: '{% $states.input.site %}',
      rules: '{% $exists($states.input.rules) ? $states.input.rules : {} %}',
      schedules: '{% [$states.input.schedules] %}',
    },
    retry: ordinary,
    onError: Fail.jsonata(scope, 'Coverage not judged', rethrown),
  })

  return judge.next(
    Choice.jsonata(scope, 'Every guest seen?')
      // Uncovered guests are a finding, not a failure: its alarm speaks until they are covered, and once.
      .when(Condition.jsonata('{% $states.input.certain %}'), Succeed.jsonata(scope, 'Coverage judged'))
      // A list that may lack guests proves nothing, and no figure shows what it lacks.
      .otherwise(
        Fail.jsonata(scope, 'Guests may be hidden', {
          error: 'CoverageUncertain',
          cause: plainCause('$states.input.summary'),
        }),
      ),
  )
}

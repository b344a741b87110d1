import { Choice, Condition, Fail, type IChainable, Succeed } from 'aws-cdk-lib/aws-stepfunctions'
import type { Construct } from 'constructs'
import type { ExportFunctions } from '../export-functions.ts'
import { lambdaTask } from './lambda-task.ts'
import { plainCause, rethrown } from './rethrown.ts'
import { ordinary } from './retry-policies.ts'

/** Shown in the console beside the workflow: what a person types to look at what would go. */
export const samplePruning = { site: 'hq', retention: { 'keep-last': 3, 'keep-weekly': 4 }, dryRun: true }

/**
 * Apply a retention to all archives of a site, those of guests that are gone by their own rule. Input: a pruning
 * request, `{site, retention}` at least. Who may remove versions never holds the site's credentials.
 */
export function pruneArchives(scope: Construct, functions: ExportFunctions): IChainable {
  const stopped = Fail.jsonata(scope, 'Pruning stopped', rethrown)

  const plan = lambdaTask(scope, functions, 'PlanPruning', {
    payload: {
      pruningId: '{% $states.context.Execution.Name %}',
      startedAt: '{% $states.context.Execution.StartTime %}',
      request: '{% $states.input %}',
    },
    assign: { planKey: '{% $states.result.Payload.planKey %}', site: '{% $states.input.site %}' },
    retry: ordinary,
    onError: stopped,
  })

  const prune = lambdaTask(scope, functions, 'PruneArchives', {
    payload: {
      pruningId: '{% $states.context.Execution.Name %}',
      startedAt: '{% $states.context.Execution.StartTime %}',
      planKey: '{% $planKey %}',
    },
    assign: {
      outcome: '{% $states.result.Payload.outcome %}',
      summary: '{% $states.result.Payload.summary %}',
    },
    retry: ordinary,
    onError: stopped,
  })

  const outcome = Choice.jsonata(scope, 'How did it go?')
    .when(Condition.jsonata("{% $outcome = 'succeeded' %}"), Succeed.jsonata(scope, 'Archives pruned'))
    // What waits for a person, or looks wrong, has to reach one.
    .otherwise(
      Fail.jsonata(scope, 'Pruning needs attention', { error: 'PruningNeedsAttention', cause: plainCause('$summary') }),
    )

  // A page that shows what is gone misleads whoever restores. It is a copy, and its failure changes nothing.
  const catalogue = lambdaTask(scope, functions, 'WriteCatalogue', {
    payload: { site: '{% $site %}' },
    retry: ordinary,
    onError: outcome,
  })

  catalogue.next(outcome)
  prune.next(
    Choice.jsonata(scope, 'All guests looked at?')
      .when(Condition.jsonata('{% $not($states.input.done) %}'), prune)
      .when(Condition.jsonata('{% $states.input.removed > 0 %}'), catalogue)
      .otherwise(outcome),
  )
  return plan.next(prune)
}

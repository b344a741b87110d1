import {
  Choice,
  Condition,
  Fail,
  type IChainable,
  Map as InlineMap,
  Pass,
  ProvideItems,
  Succeed,
} from 'aws-cdk-lib/aws-stepfunctions'
import type { Construct } from 'constructs'
import type { ExportFunctions } from '../export-functions.ts'
import { type Jsonata, lambdaTask } from './lambda-task.ts'
import { plainCause, rethrown } from './rethrown.ts'
import { ordinary } from './retry-policies.ts'

/** Platforms that are looked at side by side. */
const SITES_AT_ONCE = 4

interface SweepUploadsProps {
  functions: ExportFunctions
  /** Those of the deployment. */
  sites: readonly string[]
}

/**
 * Remove what backups left on the sites' platforms, and drop uploads that nobody goes on with. Input: `{}`, or
 * `{dryRun: true}` to only report what would be done; `sites` narrows down the platforms that are looked at.
 */
export function sweepUploads(scope: Construct, { functions, sites }: SweepUploadsProps): IChainable {
  const stopped = Fail.jsonata(scope, 'Sweep stopped', rethrown)

  const takeUp = Pass.jsonata(scope, 'Take up sweep', {
    assign: {
      dryRun: '{% $exists($states.input.dryRun) ? $states.input.dryRun : false %}',
      sites: `{% $exists($states.input.sites) ? [$states.input.sites] : ${JSON.stringify(sites)} %}`,
    },
  })

  const platforms = InlineMap.jsonata(scope, 'Sweep each site', {
    items: ProvideItems.jsonata('{% $sites %}'),
    maxConcurrency: SITES_AT_ONCE,
    assign: { strays: '{% [$states.result] %}' },
  })
    .itemProcessor(sweepSite(scope, functions))
    .addCatch(stopped)

  const sweep = lambdaTask(scope, functions, 'SweepUploads', {
    payload: {
      sweepId: '{% $states.context.Execution.Name %}',
      startedAt: '{% $states.context.Execution.StartTime %}',
      dryRun: '{% $dryRun %}',
      strays: '{% $strays %}',
    },
    retry: ordinary,
    onError: stopped,
  })

  return takeUp
    .next(platforms)
    .next(sweep)
    .next(
      Choice.jsonata(scope, 'Everything swept?')
        .when(Condition.jsonata("{% $states.input.outcome = 'succeeded' %}"), Succeed.jsonata(scope, 'Sweep done'))
        // What can't be given back goes on costing: somebody has to hear of it.
        .otherwise(
          Fail.jsonata(scope, 'Sweep incomplete', {
            error: 'SweepIncomplete',
            cause: plainCause('$states.input.summary'),
          }),
        ),
    )
}

/** Input: a site's name; output: what came of it, whatever goes wrong. */
function sweepSite(scope: Construct, functions: ExportFunctions): IChainable {
  const takeUp = Pass.jsonata(scope, 'Take up site', { assign: { site: '{% $states.input %}' } })

  const failed = Pass.jsonata(scope, 'Site not swept', {
    outputs: {
      site: '{% $site %}',
      outcome: 'failed',
      summary: `{% 'Site ' & $site & ' was not looked at: ' & ($exists($states.input.Cause) ? $substring($states.input.Cause, 0, 1000) : $states.input.Error) & ' ' & $restored.summary %}`,
      removed: 0,
      failed: '{% 1 + $restored.failed %}',
    },
  })

  const strays = lambdaTask(scope, functions, 'SweepStrays', {
    payload: {
      sweepId: '{% $states.context.Execution.Name %}',
      startedAt: '{% $states.context.Execution.StartTime %}',
      dryRun: '{% $dryRun %}',
      site: '{% $site %}',
    },
    output: withRestores('$states.result.Payload'),
    retry: ordinary,
    onError: failed,
  })

  const notFinished = Pass.jsonata(scope, 'Restores not finished', {
    assign: {
      restored: `{% {'failed': 1, 'summary': 'Restores to the site were not looked at: ' & ($exists($states.input.Cause) ? $substring($states.input.Cause, 0, 1000) : $states.input.Error)} %}`,
    },
  })
  notFinished.next(strays)

  const restores = lambdaTask(scope, functions, 'SweepRestores', {
    payload: { site: '{% $site %}', dryRun: '{% $dryRun %}' },
    assign: {
      restored: `{% {'failed': $states.result.Payload.failed, 'summary': $substring($join($states.result.Payload.notes, ' '), 0, 4000)} %}`,
    },
    retry: ordinary,
    onError: notFinished,
  })

  return takeUp.next(restores).next(strays)
}

/** What came of a site's strays, with what came of its restores. */
function withRestores(swept: string): Jsonata {
  const summary = `$restored.summary = '' ? ${swept}.summary : ${swept}.summary & ' ' & $restored.summary`
  const outcome = `$restored.failed > 0 and ${swept}.outcome = 'succeeded' ? 'partial' : ${swept}.outcome`
  return `{% $merge([${swept}, {'summary': ${summary}, 'outcome': ${outcome}, 'failed': ${swept}.failed + $restored.failed}]) %}`
}

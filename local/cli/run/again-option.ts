import { DescribeExecutionCommand, type SFNClient } from '@aws-sdk/client-sfn'
import type { Again } from '../../../functions/contracts/job.ts'
import { requireAccount } from '../../run/aws-account.ts'
import { UsageError } from '../../run/cli-error.ts'

/** `runs/2026/11/22/nightly/`, as reports name it, with or without what the bucket's prefix puts before it. */
const FOLDER = /(?:^|\/)runs\/(\d{4})\/(\d{2})\/(\d{2})\/([^\s/]{1,80})\/?$/

/**
 * What `--again` names: a run's folder in the bucket or, with `sfn`, the ARN of its execution.
 * @throws UsageError
 */
export async function readAgainOption(text: string, sfn?: SFNClient): Promise<Again> {
  const [, year, month, day, run] = FOLDER.exec(text) ?? []
  if (run !== undefined) return { run, startedAt: `${year}-${month}-${day}T00:00:00.000Z` }
  if (sfn !== undefined && /^arn:[^:]+:states:[^:]*:[^:]*:execution:[^:/]+:[^:]+$/.test(text)) {
    await requireAccount(sfn)
    const { name, startDate } = await sfn.send(new DescribeExecutionCommand({ executionArn: text }))
    if (name !== undefined && startDate !== undefined) return { run: name, startedAt: startDate.toISOString() }
  }
  const orArn = sfn === undefined ? '' : ", or its execution's ARN"
  throw new UsageError(
    `--again ${text} names no run: give its folder in the bucket, as runs/2026/11/22/nightly/${orArn}.`,
  )
}

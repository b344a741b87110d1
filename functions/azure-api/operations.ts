/** Long-running operations of Resource Manager (Azure documentation, "Track asynchronous Azure operations"). */
import { type AzureDeps, AzureRefusal, errorIn, type Operation } from './azure-line.ts'
import type { Arm } from './arm.ts'

type OperationState =
  | { state: 'running'; waitSeconds: number | undefined }
  | { state: 'succeeded' }
  | { state: 'failed'; code: string; message: string }

/** How it stands now. @throws AzureRefusal, NoAzureAnswer */
async function lookAtOperation(arm: Arm, { statusPath, resultPath }: Operation): Promise<OperationState> {
  const path = statusPath ?? resultPath
  if (path === undefined) return { state: 'succeeded' }
  const { status, content, waitSeconds } = await arm.poll(path)
  if (statusPath === undefined) return status === 202 ? { state: 'running', waitSeconds } : { state: 'succeeded' }
  const said = statusIn(content)
  if (said === 'Succeeded') return { state: 'succeeded' }
  if (said === 'Failed' || said === 'Canceled') {
    const { code, message } = errorIn(content) ?? { code: said, message: '' }
    return { state: 'failed', code, message }
  }
  return { state: 'running', waitSeconds }
}

/** Azure says how long to wait; where it says nothing, so long. */
const LOOK_SECONDS = 2
const LONGEST_LOOK_SECONDS = 15

/**
 * Looks until it has ended, for some seconds: what takes longer is waited for by the workflow.
 * @returns false when it still runs
 * @throws AzureRefusal with the operation's own code when it failed
 */
export async function isOver(
  arm: Arm,
  operation: Operation | undefined,
  mostSeconds: number,
  sleep: AzureDeps['sleep'],
): Promise<boolean> {
  if (operation === undefined) return true
  let { waitSeconds } = operation
  for (let waited = 0; ; ) {
    const seen = await lookAtOperation(arm, operation)
    if (seen.state === 'succeeded') return true
    if (seen.state === 'failed') throw new AzureRefusal(0, seen.code, seen.message)
    if (waited >= mostSeconds) return false
    waitSeconds = seen.waitSeconds ?? waitSeconds
    const seconds = Math.min(LONGEST_LOOK_SECONDS, Math.max(1, waitSeconds ?? LOOK_SECONDS))
    await sleep(seconds * 1000)
    waited += seconds
  }
}

function statusIn(content: unknown): string | undefined {
  if (typeof content !== 'object' || content === null || !('status' in content)) return undefined
  return typeof content.status === 'string' ? content.status : undefined
}

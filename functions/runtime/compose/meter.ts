import { lambdaEnv } from '../../contracts/task-env.ts'
import type { Ports } from '../../operations/ports.ts'
import type { Invocation } from '../define-handler.ts'
import { readEnv } from '../env.ts'

/** What the call costs so far, as Lambda counts it. */
export function withMeter(invocation: Invocation): Pick<Ports, 'billedMilliseconds' | 'memoryMiB'> {
  return {
    billedMilliseconds: () => invocation.billedMilliseconds(),
    memoryMiB: readEnv(lambdaEnv).AWS_LAMBDA_FUNCTION_MEMORY_SIZE,
  }
}

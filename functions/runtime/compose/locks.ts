import { lockEnv, requiredLockOf } from '../../contracts/task-env.ts'
import type { Ports } from '../../operations/ports.ts'
import type { Invocation } from '../define-handler.ts'
import { readEnv } from '../env.ts'

/** The lock that the deployment demands of each archive. */
export function withLocks(_invocation: Invocation): Pick<Ports, 'requiredLock'> {
  return { requiredLock: requiredLockOf(readEnv(lockEnv).REQUIRED_LOCK) }
}

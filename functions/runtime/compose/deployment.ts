import { metricsEnv } from '../../contracts/task-env.ts'
import type { Ports } from '../../operations/ports.ts'
import type { Invocation } from '../define-handler.ts'
import { readEnv } from '../env.ts'

/** What metrics are told apart by. */
export function withDeployment(_invocation: Invocation): Pick<Ports, 'deployment'> {
  return { deployment: readEnv(metricsEnv).DEPLOYMENT }
}

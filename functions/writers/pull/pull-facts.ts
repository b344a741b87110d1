/** What went wrong on the node that fetches, as the facts that the workflow knows. */
import { type GuestliftError, TargetUnwritable } from '../../contracts/errors.ts'
import type { AgentFailure } from '../../ssh/agent/agent-answers.ts'
import { type NodeContext, quoted, wayFact } from '../../ssh/agent/agent-facts.ts'
import { deniedFact, foreignFact, fullFact, missingFact } from '../target-facts.ts'

/** A node that fetches can't be used: nothing can be written there. */
export const fetching: Pick<NodeContext, 'need' | 'unusable'> = {
  need: { who: 'Delivery by pull', instead: 'Or deliver by sftp' },
  unusable: (message, options) => new TargetUnwritable(message, options),
}

/** The fact behind the agent's refusal of one request about `path`. */
export function failureFact(failure: AgentFailure, path: string, context: NodeContext): GuestliftError {
  const { where, username } = context
  const said = quoted(failure.text)
  switch (failure.fail) {
    case 'full':
      return fullFact(path, where, said)
    case 'missing':
      return missingFact(path, where, username, said)
    case 'denied':
      return deniedFact(path, where, username, said)
    case 'foreign':
      return foreignFact(path, where, said)
    case 'irregular':
      return new TargetUnwritable(`${path} on ${where} is not a folder. Check the storage's path.`)
    case 'short':
      return new TargetUnwritable(
        `${path} on ${where} became shorter while it was written. Look what else writes there, then restore again.`,
      )
    case 'disk':
      return new TargetUnwritable(`${where} failed to write ${path}: ${said}. Check the storage on the node.`)
    case 'tls':
    case 'no-tls':
    case 'bug':
    case 'dns':
    case 'connect':
    case 'stall':
    case 'cut':
    case 'garbled':
      return wayFact(failure, context)
  }
}

/** What went wrong on the node with the file that is sent, as the facts that the workflow knows. */
import { type GuestliftError, ShortRead, SourceUnreadable } from '../../contracts/errors.ts'
import type { AgentFailure } from '../../ssh/agent/agent-answers.ts'
import { type NodeContext, quoted, wayFact } from '../../ssh/agent/agent-facts.ts'
import { missingAdvice } from '../missing-source.ts'

/** A node that sends can't be used: its files can't be read. */
export const sending: Pick<NodeContext, 'need' | 'unusable'> = {
  need: { who: 'The push route', instead: 'Or use the route sftp' },
  unusable: (message, options) => new SourceUnreadable(message, options),
}

/** The fact behind the agent's refusal of one request about `path`. */
export function failureFact(
  failure: AgentFailure,
  path: string,
  context: NodeContext,
  whenMissing = missingAdvice,
): GuestliftError {
  const { where, username } = context
  const said = quoted(failure.text)
  switch (failure.fail) {
    case 'short':
      return new ShortRead(`${path} on ${where} ended before its size was reached`)
    case 'missing':
      return new SourceUnreadable(
        `${path} doesn't exist on ${where}, as user ${username} sees it (${said}). ${whenMissing}`,
      )
    case 'denied':
      return new SourceUnreadable(
        `user ${username} may not read ${path} on ${where} (${said}). Give the account read access to the file and to every folder above it (group, ACL)`,
      )
    case 'irregular':
      return new SourceUnreadable(`${path} on ${where} is not a regular file`)
    case 'disk':
      return new SourceUnreadable(`${where} failed to read ${path}: ${said}. Check the storage on the node`)
    // No request of this route writes to a file.
    case 'foreign':
    case 'full':
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

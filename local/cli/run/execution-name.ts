import { randomBytes } from 'node:crypto'

/** A name for an execution that this command starts: when, and something to tell two at once apart. Colons are not allowed in it. */
export function executionName(origin: 'cli' | 'local'): string {
  return `${origin}-${new Date().toISOString().slice(0, 19).replaceAll(':', '-')}-${randomBytes(3).toString('hex')}`
}

// Where an installed Guestlift keeps what is its own: never in the folder of the package, which may belong to somebody
// else and goes with the next version. Plain JavaScript, since the launcher needs it on any Node.js.
import { homedir } from 'node:os'
import { join } from 'node:path'

/** Logs, the demo, and a Node.js of its own where the machine's is too old. */
export function stateFolder(env = process.env) {
  return env.GUESTLIFT_HOME || join(env.XDG_STATE_HOME || join(homedir(), '.local', 'state'), 'guestlift')
}

/** What can be made again at any time. */
export function cacheFolder(env = process.env) {
  if (env.GUESTLIFT_HOME) return join(env.GUESTLIFT_HOME, 'cache')
  return join(env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'guestlift')
}

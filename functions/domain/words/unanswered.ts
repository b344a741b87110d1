/** What sockets and resolvers say when nobody is at the other end. A resolver that can't be asked says something else (EAI_AGAIN). */
const unanswered: ReadonlySet<unknown> = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ETIMEDOUT',
])

/** Whether an error, or what caused it, says that no connection came about. */
export function isUnanswered(error: unknown): boolean {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if ('code' in cause && unanswered.has(cause.code)) return true
  }
  return false
}

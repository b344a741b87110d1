/**
 * The child process that stands in for one Lambda environment: loads a bundle once, answers one call at a time over IPC.
 * Bundles keep their standard output; the parent reads log lines from it.
 */
import { createRequire } from 'node:module'

interface Call {
  id: number
  event: unknown
  timeoutMilliseconds: number
}

type Handler = (event: unknown, context: { getRemainingTimeInMillis(): number }) => Promise<unknown>

const [bundle, handlerName] = process.argv.slice(2)
if (bundle === undefined || handlerName === undefined) throw new Error('usage: function-process <bundle> <export>')
const exported: unknown = createRequire(import.meta.url)(bundle)
const handler = (exported as Record<string, Handler>)[handlerName]
if (handler === undefined) throw new Error(`${bundle} exports no ${handlerName}`)

process.on('message', (call: Call) => void answer(call))
// The parent decides when this process ends; a Ctrl-C in the terminal reaches the whole group and must not cut a clean-up.
process.on('SIGINT', () => undefined)
process.on('disconnect', () => process.exit(0))

async function answer({ id, event, timeoutMilliseconds }: Call): Promise<void> {
  const deadline = performance.now() + timeoutMilliseconds
  try {
    const result = await handler?.(event, { getRemainingTimeInMillis: () => Math.max(0, deadline - performance.now()) })
    process.send?.({ id, result })
  } catch (error) {
    const { name, message, stack } = error instanceof Error ? error : new Error(String(error))
    process.send?.({ id, error: { errorType: name, errorMessage: message, trace: (stack ?? '').split('\n') } })
  }
}

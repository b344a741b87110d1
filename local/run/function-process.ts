/**
 * The child process that stands in for one Lambda environment: loads a bundle once, answers one call at a time over IPC.
 * Bundles keep their standard output; the parent reads log lines from it.
 */
import { flushCompileCache, getCompileCacheDir } from 'node:module'
import { loadBundle } from './load-bundle.ts'

interface Call {
  id: number
  event: unknown
  timeoutMilliseconds: number
}

type Handler = (event: unknown, context: { getRemainingTimeInMillis(): number }) => Promise<unknown>

// The parent alone decides when this process ends. A signal that reaches everything of a run at once (a Ctrl-C, systemd's
// SIGTERM, a hang-up) must not cut the clean-up that the parent begins with it. First of all: loading a bundle takes time.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => undefined)

const [bundle, handlerName] = process.argv.slice(2)
if (bundle === undefined || handlerName === undefined) throw new Error('usage: function-process <bundle> <export>')
const loaded = loadBundle(bundle, getCompileCacheDir())
// Kept now: the parent ends this process by SIGKILL.
flushCompileCache()
const handler = (loaded.exports as Record<string, Handler>)[handlerName]
if (handler === undefined) throw new Error(`${bundle} exports no ${handlerName}`)

/** By its first answer it has made the code that each process needs. */
let keepOnce = (): void => {
  keepOnce = () => undefined
  loaded.keep()
}

process.on('message', (call: Call) => void answer(call))
process.on('disconnect', () => process.exit(0))

async function answer({ id, event, timeoutMilliseconds }: Call): Promise<void> {
  const deadline = performance.now() + timeoutMilliseconds
  try {
    const result = await handler?.(event, { getRemainingTimeInMillis: () => Math.max(0, deadline - performance.now()) })
    process.send?.({ id, result })
  } catch (error) {
    const { name, message, stack } = error instanceof Error ? error : new Error(String(error))
    process.send?.({ id, error: { errorType: name, errorMessage: message, trace: (stack ?? '').split('\n') } })
    return
  }
  keepOnce()
}

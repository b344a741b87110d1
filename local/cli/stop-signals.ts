/**
 * How an operator stops a command. The first signal asks it to end cleanly, a second Ctrl-C ends it at once. SIGTERM and
 * SIGHUP only ever ask: `timeout` sends SIGTERM twice, the launcher hands it on to a process that may have it already, and
 * systemd may add a SIGHUP. Anyone who sends those and waits no longer has SIGKILL.
 */
export interface StopSignals {
  readonly interrupt: AbortSignal
  readonly kill: AbortSignal
  onInterrupt(tell: () => void): void
  /** Let go of the process's signals. */
  release(): void
}

/** Nobody presses Ctrl-C twice as fast as this; `timeout --signal INT` and a shell that passes it on do. */
const ONE_PRESS_MILLISECONDS = 200

interface SignalSource {
  on(signal: NodeJS.Signals, listener: (signal: NodeJS.Signals) => void): unknown
  off(signal: NodeJS.Signals, listener: (signal: NodeJS.Signals) => void): unknown
}

const heeded = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

/** @param now milliseconds of a clock that never goes back */
export function listenForStop(
  source: SignalSource = process,
  now: () => number = () => performance.now(),
): StopSignals {
  const interrupt = new AbortController()
  const kill = new AbortController()
  let askedAt = 0
  const onSignal = (signal: NodeJS.Signals) => {
    if (!interrupt.signal.aborted) {
      askedAt = now()
      interrupt.abort()
    } else if (signal === 'SIGINT' && now() - askedAt >= ONE_PRESS_MILLISECONDS) kill.abort()
  }
  for (const signal of heeded) source.on(signal, onSignal)
  return {
    interrupt: interrupt.signal,
    kill: kill.signal,
    onInterrupt: (tell) => interrupt.signal.addEventListener('abort', tell, { once: true }),
    release: () => {
      for (const signal of heeded) source.off(signal, onSignal)
    },
  }
}

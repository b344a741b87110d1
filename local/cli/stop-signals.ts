/** How an operator stops a command: the first Ctrl-C (or SIGTERM) asks it to end cleanly, the second ends it at once. */
export interface StopSignals {
  readonly interrupt: AbortSignal
  readonly kill: AbortSignal
  onInterrupt(tell: () => void): void
  /** Let go of the process's signals. */
  release(): void
}

export function listenForStop(): StopSignals {
  const interrupt = new AbortController()
  const kill = new AbortController()
  const onSignal = () => {
    if (interrupt.signal.aborted) kill.abort()
    else interrupt.abort()
  }
  process.on('SIGINT', onSignal)
  process.on('SIGTERM', onSignal)
  return {
    interrupt: interrupt.signal,
    kill: kill.signal,
    onInterrupt: (tell) => interrupt.signal.addEventListener('abort', tell, { once: true }),
    release: () => {
      process.off('SIGINT', onSignal)
      process.off('SIGTERM', onSignal)
    },
  }
}

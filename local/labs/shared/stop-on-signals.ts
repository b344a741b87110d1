/** A lab that was started by hand ends cleanly, once, when it is told to. */
export function stopOnSignals(close: () => Promise<void>): void {
  let stopping = false
  async function stop(): Promise<void> {
    if (stopping) return
    stopping = true
    await close()
    process.exitCode = 0
  }
  process.once('SIGTERM', () => void stop())
  process.once('SIGINT', () => void stop())
}

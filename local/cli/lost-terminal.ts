/** Of a stream whose reader is gone: a closed pipe, a terminal that was hung up. */
const lost = new Set(['EPIPE', 'EIO'])

/**
 * A terminal or a pipe that is gone must not cut a clean-up short: what is printed then is printed for nobody. A hang-up
 * (SIGHUP) comes with exactly that.
 */
export function outliveReaders(streams: readonly NodeJS.WritableStream[] = [process.stdout, process.stderr]): void {
  for (const stream of streams) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (!lost.has(error.code ?? '')) throw error
    })
  }
}

import type { ArchiveBytes } from '../../../functions/archive-formats/archive-bytes.ts'

/**
 * The same archive, whose reading fails once `signal` says so, even while an answer is awaited. So whoever reads it leaves
 * by the way of an error, closes its files, and only then removes them: a file that is being opened can't be removed yet.
 */
export function stoppable<Source extends ArchiveBytes>(source: Source, signal: AbortSignal): Source {
  return {
    ...source,
    read: (firstByte: number, bytes: number) => unlessStopped(source.read(firstByte, bytes), signal),
    async *stream() {
      const chunks = source.stream()[Symbol.asyncIterator]()
      try {
        for (;;) {
          const next = await unlessStopped(chunks.next(), signal)
          if (next.done === true) return
          yield next.value
        }
      } finally {
        // Not awaited: behind an answer that does not come it would not come either.
        chunks.return?.().catch(() => undefined)
      }
    },
  }
}

async function unlessStopped<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  const stop = Promise.withResolvers<never>()
  const onAbort = () => stop.reject(signal.reason)
  signal.addEventListener('abort', onAbort, { once: true })
  if (signal.aborted) onAbort()
  try {
    return await Promise.race([work, stop.promise])
  } finally {
    signal.removeEventListener('abort', onAbort)
  }
}

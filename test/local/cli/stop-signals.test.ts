import { EventEmitter } from 'node:events'
import { describe, expect, it } from 'vitest'
import { listenForStop } from '../../../local/cli/stop-signals.ts'

function listening() {
  const source = new EventEmitter()
  let milliseconds = 5_000
  const stop = listenForStop(source, () => milliseconds)
  return {
    stop,
    source,
    send: (signal: NodeJS.Signals, later = 1_000) => {
      milliseconds += later
      source.emit(signal, signal)
    },
  }
}

describe('signals to a command', () => {
  it.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)('%s asks for a clean end', (signal) => {
    const { stop, send } = listening()
    expect(stop.interrupt.aborted).toBe(false)
    send(signal)
    expect([stop.interrupt.aborted, stop.kill.aborted]).toEqual([true, false])
  })

  it.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)('a Ctrl-C after %s leaves at once', (signal) => {
    const { stop, send } = listening()
    send(signal)
    send('SIGINT')
    expect(stop.kill.aborted).toBe(true)
  })

  it('SIGTERM and SIGHUP never leave at once, however often they come', () => {
    const { stop, send } = listening()
    for (const signal of ['SIGTERM', 'SIGTERM', 'SIGHUP', 'SIGTERM', 'SIGHUP'] as const) send(signal)
    expect(stop.kill.aborted).toBe(false)
  })

  it('a SIGINT that was sent twice at once, as timeout does, is one', () => {
    const { stop, send } = listening()
    send('SIGINT')
    send('SIGINT', 0)
    send('SIGINT', 100)
    expect(stop.kill.aborted).toBe(false)
    send('SIGINT', 200)
    expect(stop.kill.aborted).toBe(true)
  })

  it('lets go of the signals', () => {
    const { stop, source } = listening()
    stop.release()
    expect(source.eventNames()).toEqual([])
  })
})

import { PassThrough } from 'node:stream'
import { describe, expect, it, vi } from 'vitest'
import { openDisplay } from '../../../../local/cli/print/display.ts'

/** A stream that says of itself that it is a terminal, or that it isn't. */
function screen(isTTY: boolean) {
  const stream = new PassThrough() as unknown as NodeJS.WriteStream
  Object.assign(stream, { isTTY, columns: 80 })
  return { stream, shown: () => String((stream as unknown as PassThrough).read() ?? '') }
}

const step = { kind: 'guest-step', id: '100', name: 'web', step: 'Start backup' } as const

describe('the display', () => {
  it('leaves alone what is printed after its end', () => {
    const { stream, shown } = screen(true)
    const display = openDisplay(stream, () => 0)
    display.show(step)
    display.end()
    expect(shown()).toMatch(/100 web/)
    display.end()
    display.say('the report')
    expect(shown()).toBe('the report\n')
  })

  it('draws a terminal anew only when something changed', () => {
    vi.useFakeTimers()
    try {
      const { stream, shown } = screen(true)
      const display = openDisplay(stream, () => 0)
      display.show(step)
      vi.advanceTimersByTime(2000)
      expect(shown().match(/100 web/g)).toHaveLength(1)
      display.show({ ...step, step: 'Backing up' })
      vi.advanceTimersByTime(2000)
      expect(shown().match(/Backing up/g)).toHaveLength(1)
      display.end()
      expect(shown()).toBe('')
    } finally {
      vi.useRealTimers()
    }
  })

  it('says each step once where there is no terminal', () => {
    const { stream, shown } = screen(false)
    const display = openDisplay(stream, () => 0)
    display.show(step)
    display.show(step)
    display.end()
    expect(shown()).toBe('  100 web: Start backup\n')
  })

  it('says where there is no terminal why a step takes so long', () => {
    const { stream, shown } = screen(false)
    const display = openDisplay(stream, () => 0)
    const trouble = { kind: 'trouble', id: undefined, step: 'Plan run', error: 'StoreUnavailable: refused' } as const
    display.show({ kind: 'run-step', step: 'Plan run' })
    display.show({ kind: 'call-repeated', reason: 'S3 at s3.lan, try 1 of 4: ECONNREFUSED' })
    display.show(trouble)
    display.show({ kind: 'tried-again', id: undefined, step: 'Plan run', attempt: 2 })
    display.show(trouble)
    display.show({ kind: 'tried-again', id: undefined, step: 'Plan run', attempt: 3 })
    expect(shown().split('\n')).toEqual([
      'Plan run',
      '  trying again: S3 at s3.lan, try 1 of 4: ECONNREFUSED',
      'Plan run  (StoreUnavailable: refused)',
      'Plan run  (try 2; before: StoreUnavailable: refused)',
      'Plan run  (try 3; before: StoreUnavailable: refused)',
      '',
    ])
  })

  it('says every tenth part of a delivery where there is no terminal, and nothing of a guest', () => {
    const { stream, shown } = screen(false)
    const display = openDisplay(stream, () => 0)
    const copied = { kind: 'copied', id: '9100', bytes: 5 } as const
    display.show({ kind: 'run-step', step: 'Delivering' })
    display.show({ kind: 'delivery-planned', missingBytes: 100 })
    for (let part = 0; part < 4; part += 1) display.show(copied)
    display.show({ kind: 'run-step', step: 'Creating the guest' })
    expect(shown().split('\n')).toEqual([
      'Delivering',
      'Delivering 0 %',
      'Delivering 10 %',
      'Delivering 20 %',
      'Creating the guest',
      '',
    ])
  })

  it('says nothing of the run while the bytes of a guest come in', () => {
    const { stream, shown } = screen(false)
    const display = openDisplay(stream, () => 0)
    display.show({ kind: 'run-step', step: 'Export each guest' })
    display.show({ kind: 'trouble', id: undefined, step: 'Export each guest', error: 'Throttled: slow down' })
    display.show({ kind: 'copied', id: '100', bytes: 5 })
    expect(shown().match(/Export each guest/g)).toHaveLength(2)
  })
})

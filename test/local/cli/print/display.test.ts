import { PassThrough } from 'node:stream'
import { describe, expect, it } from 'vitest'
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
})

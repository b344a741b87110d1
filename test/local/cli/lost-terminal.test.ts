import { Writable } from 'node:stream'
import { describe, expect, it } from 'vitest'
import { outliveReaders } from '../../../local/cli/lost-terminal.ts'

function failingWith(code: string): Writable {
  const stream = new Writable()
  outliveReaders([stream])
  stream.emit('error', Object.assign(new Error(code), { code }))
  return stream
}

describe('a reader that is gone', () => {
  it.each(['EPIPE', 'EIO'])('ends nothing (%s)', (code) => {
    expect(() => failingWith(code)).not.toThrow()
  })

  it('hides no other error of the stream', () => {
    expect(() => failingWith('ENOSPC')).toThrow('ENOSPC')
  })
})

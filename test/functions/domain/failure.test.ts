import { describe, expect, it } from 'vitest'
import { readFailure } from '../../../functions/domain/failure.ts'

describe('reading a caught error', () => {
  it("finds the message in Lambda's JSON", () => {
    const Cause = JSON.stringify({ errorType: 'ShortRead', errorMessage: 'it ended early', trace: ['at x'] })
    expect(readFailure({ Error: 'ShortRead', Cause })).toEqual({
      name: 'ShortRead',
      message: 'it ended early',
      skipped: false,
      resumable: false,
    })
  })

  it('takes errors of the skip group as skipped and of the retry group as resumable', () => {
    expect(readFailure({ Error: 'GuestLocked', Cause: 'x' })).toMatchObject({ skipped: true, resumable: false })
    expect(readFailure({ Error: 'ConnectionDropped', Cause: 'x' })).toMatchObject({ skipped: false, resumable: true })
  })

  it('has words for a time-out of the machinery, which may be resumed', () => {
    expect(readFailure({ Error: 'States.Timeout' })).toMatchObject({
      message: expect.stringMatching(/longer than its time limit/),
      resumable: true,
    })
  })

  it('keeps a cause that is plain text', () => {
    expect(readFailure({ Error: 'Lambda.Unknown', Cause: 'The cause could not be determined' }).message).toBe(
      'The cause could not be determined',
    )
  })
})

import { describe, expect, it } from 'vitest'
import { endingOf, isLost, statusText } from '../../../../functions/providers/proxmox/job-ending.ts'

const ended = (exitStatus?: string) => ({ running: false, ...(exitStatus === undefined ? {} : { exitStatus }) })
const gotTimeout = "can't acquire lock '/var/run/vzdump.lock' - got timeout"
const signal = "can't acquire lock '/var/run/vzdump.lock' - interrupted by signal"

describe('how a job ended', () => {
  it.each([
    ['both say OK', ended('OK'), 'OK', [], 'ok'],
    ['with warnings', ended('WARNINGS: 3'), 'WARNINGS: 3', [], 'warnings'],
    ['the log is gone', ended('OK'), undefined, [], 'ok'],
    ['the log ends in an error', ended('OK'), 'ERROR: job errors', [], 'errors'],
    ['guests failed', ended('job errors'), 'ERROR: job errors', [], 'errors'],
    ['an error line of a notification, after success', ended('OK'), 'OK', ['could not notify via target `x`'], 'ok'],
    ['stopped while it dumped', ended('interrupted by signal'), 'ERROR: interrupted by signal', [], 'interrupted'],
    ['stopped before it dumped', ended('received interrupt'), undefined, [], 'interrupted'],
    ['killed', ended('unexpected status'), undefined, [], 'unknown'],
    ['its last line came late', ended('unexpected status'), 'OK', [], 'ok'],
    ['its last line came late, and is bad', ended('unexpected status'), 'ERROR: job errors', [], 'errors'],
    ['it waited for the lock in vain', ended('unexpected status'), undefined, [gotTimeout], 'errors'],
    ['it was stopped while it waited for the lock', ended('unexpected status'), undefined, [signal], 'interrupted'],
    ['its log was rotated away', ended('no such task'), undefined, [], 'unknown'],
    ['no status at all', ended(), undefined, [], 'unknown'],
    ['a privilege is missing', ended('403 Permission check failed (/vms/1, VM.Backup)'), undefined, [], 'errors'],
    ['warnings without a number', ended('WARNINGS: many'), undefined, [], 'errors'],
    ['OK with something behind it', ended('OK, almost'), undefined, [], 'errors'],
    ['still running', { running: true }, 'OK', [], 'unknown'],
  ] as const)('%s', (_, state, taskLine, errors, ending) => {
    const log = { errors: [...errors], ...(taskLine === undefined ? {} : { taskLine }) }
    expect(endingOf(state, log)).toBe(ending)
  })

  it('is told in the words of the log where the status was lost', () => {
    expect(statusText(ended('unexpected status'), { taskLine: 'ERROR: job errors' })).toBe('job errors')
    expect(statusText(ended('OK'), { taskLine: 'ERROR: job errors' })).toBe('OK')
    expect(isLost(ended('unexpected status'))).toBe(true)
    expect(isLost(ended('OK'))).toBe(false)
  })
})

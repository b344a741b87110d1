import { describe, expect, it } from 'vitest'
import { stripVTControlCharacters } from 'node:util'
import { readHappenings, type SeenEvent } from '../../../../local/cli/run/run-events.ts'
import { advance, type RunEvent, nothingYet } from '../../../../local/cli/print/progress.ts'
import { renderProgress } from '../../../../local/cli/print/render-progress.ts'
import { paceSchema } from '../../../../functions/contracts/pace.ts'
import { item } from '../../../fakes/ports.ts'

const source = { sizeBytes: 200 * 2 ** 20, modifiedAt: '2026-11-22T02:01:00.000Z' }
const upload = { key: 'k', uploadId: 'u', partSizeBytes: 64 * 2 ** 20, partCount: 4, source }

function after(...runEvents: RunEvent[]) {
  return runEvents.reduce((progress, happening, index) => advance(progress, happening, index * 1000), nothingYet)
}

const lines = (progress: ReturnType<typeof after>, now: number, columns = 120) =>
  renderProgress(progress, now, columns).map(stripVTControlCharacters)

describe('the progress display', () => {
  it('shows the share of a dump and of a copy, with rate and time left', () => {
    const dumping = after(
      { kind: 'guest-step', id: '100', name: 'web', step: 'Backing up' },
      { kind: 'dumped', id: '100', percent: 45 },
    )
    expect(lines(dumping, 2000)[1]).toMatch(/100 web .*backing up ━+─+ {2}45 %/)
    const copying = after(
      { kind: 'guest-step', id: '100', name: 'web', step: 'Copy parts' },
      { kind: 'upload-opened', id: '100', key: 'k', sizeBytes: 200 * 2 ** 20 },
      { kind: 'copies-planned', id: '100', missingBytes: 136 * 2 ** 20 },
      { kind: 'copied', id: '100', bytes: 36 * 2 ** 20 },
    )
    expect(lines(copying, 3000)[1]).toMatch(/100\.0 MiB of 200\.0 MiB {2}36\.0 MiB\/s {2}3 s left/)
  })

  it('sums up what is copied of all files of a guest, and counts what is read of a disk only', () => {
    const MIB = 2 ** 20
    const first: RunEvent[] = [
      { kind: 'guest-step', id: '100', name: 'web', step: 'Copying' },
      { kind: 'upload-opened', id: '100', key: 'sdf', sizeBytes: 2 ** 40 },
      { kind: 'copies-planned', id: '100', missingBytes: 30 * MIB, totalBytes: 40 * MIB },
      { kind: 'copied', id: '100', bytes: 20 * MIB },
    ]
    expect(lines(after(...first), 4000)[1]).toMatch(/30\.0 MiB of 40\.0 MiB/)
    const second: RunEvent[] = [
      ...first,
      { kind: 'upload-opened', id: '100', key: 'xvda', sizeBytes: 2 ** 30 },
      { kind: 'copies-planned', id: '100', missingBytes: 60 * MIB, totalBytes: 60 * MIB },
      { kind: 'copied', id: '100', bytes: 10 * MIB },
    ]
    expect(lines(after(...second), 7000)[1]).toMatch(/50\.0 MiB of 100\.0 MiB {2}8\.0 MiB\/s {2}6 s left/)
    const anew: RunEvent[] = [
      ...second,
      { kind: 'upload-opened', id: '100', key: 'xvda', sizeBytes: 2 ** 30 },
      { kind: 'copies-planned', id: '100', missingBytes: 60 * MIB, totalBytes: 60 * MIB },
    ]
    expect(lines(after(...anew), 9000)[1]).toMatch(/40\.0 MiB of 100\.0 MiB/)
    const over = after(...second, { kind: 'guest-ended', id: '100', outcome: 'succeeded', reason: '' })
    expect(lines(over, 9000)[1]).toMatch(/archived, checksum matches {2}100\.0 MiB/)
  })

  it('shows rate and time left of a dump, and marks what is estimated', () => {
    const figures = { percent: 45.4, doneBytes: 9 * 2 ** 30, bytesPerSecond: 150 * 2 ** 20, secondsLeft: 75 }
    const dumped = (more: object) =>
      after(
        { kind: 'guest-step', id: '100', name: 'web', step: 'Backing up' },
        { kind: 'dumped', id: '100', figures: { ...figures, estimated: false, ...more } },
      )
    expect(lines(dumped({}), 2000)[1]).toMatch(/backing up ━+─+ {2}45 % {2}150\.0 MiB\/s {2}1 m 15 s left$/)
    expect(lines(dumped({ estimated: true }), 2000)[1]).toMatch(/~45 % {2}~150\.0 MiB\/s {2}~1 m 15 s left$/)
    const blind = dumped({ percent: undefined, secondsLeft: undefined, estimated: true })
    expect(lines(blind, 2000)[1]).toMatch(/backing up ~9\.0 GiB written {2}~150\.0 MiB\/s$/)
  })

  it('says what a guest waits for before its dump, until it begins', () => {
    const reason = 'Node pve1 dumps guest vm-101; its turn comes next.'
    const waiting: RunEvent[] = [
      { kind: 'guest-step', id: '100', name: 'web', step: 'Start backup' },
      { kind: 'waits-to-dump', id: '100', reason },
      { kind: 'guest-step', id: '100', name: 'web', step: 'Waiting for a turn to dump' },
    ]
    expect(lines(after(...waiting), 2000)[1]).toMatch(`waiting: ${reason}`)
    const begun = after(...waiting, { kind: 'guest-step', id: '100', name: 'web', step: 'Start backup' })
    expect(lines(begun, 4000)[1]).not.toMatch(reason)
  })

  it('takes what a later plan finds in S3 for copied where no one told of each part', () => {
    const copying = after(
      { kind: 'guest-step', id: '100', name: 'web', step: 'Copying' },
      { kind: 'upload-opened', id: '100', key: 'k', sizeBytes: 200 * 2 ** 20 },
      { kind: 'copies-planned', id: '100', missingBytes: 200 * 2 ** 20 },
      { kind: 'copies-planned', id: '100', missingBytes: 100 * 2 ** 20 },
    )
    expect(lines(copying, 2000)[1]).toMatch(/100\.0 MiB of 200\.0 MiB/)
  })

  it('keeps every line inside the terminal', () => {
    const long = after({ kind: 'guest-ended', id: '100', outcome: 'failed', reason: 'x'.repeat(500) })
    for (const line of lines(long, 0, 60)) expect(line.length).toBeLessThan(60)
  })

  it('shows running guests first and counts the rest', () => {
    const many = Array.from(
      { length: 30 },
      (_, index): RunEvent => ({ kind: 'guest-step', id: `${100 + index}`, name: '', step: 'Start backup' }),
    )
    const shown = lines(after({ kind: 'planned', guestCount: 30 }, ...many), 0)
    expect(shown[0]).toMatch(/0 of 30 guests done/)
    expect(shown.at(-1)).toMatch(/and 18 more/)
  })

  it('says what a step stumbled over until the next step begins', () => {
    const step = { kind: 'guest-step', id: '100', name: 'web', step: 'Copy parts' } as const
    const troubled = after(step, { kind: 'trouble', id: '100', step: 'Copy parts', error: 'ConnectionDropped: reset' })
    expect(lines(troubled, 0)[1]).toMatch(/\(ConnectionDropped: reset\)/)
    expect(lines(advance(troubled, step, 1), 0)[1]).not.toMatch(/reset/)
  })
})

const planned = {
  pace: paceSchema.parse({}),
  chunks: [{ firstPart: 2, lastPart: 4 }],
  order: { seconds: 45, partsInFlight: 4 },
  waitSeconds: 0,
  missingBytes: 136 * 2 ** 20,
  reason: 'One stream to begin with.',
}

describe('reading runEvents from a history', () => {
  const child = (id: number, previousEventId: number, type: string, details: SeenEvent['details']): SeenEvent => ({
    execution: 'child',
    id,
    previousEventId,
    type,
    details,
  })

  it('finds guest, state and answer, though branches interleave', () => {
    const read = readHappenings()
    const seen = [
      child(1, 0, 'ExecutionStarted', { input: item }),
      child(2, 1, 'TaskStateEntered', { name: 'Open upload' }),
      child(3, 2, 'TaskScheduled', {}),
      child(4, 1, 'WaitStateEntered', { name: 'Wait for backup' }),
      child(5, 3, 'TaskSucceeded', { output: { Payload: { upload } } }),
      child(6, 5, 'TaskStateEntered', { name: 'Plan copies' }),
      child(7, 6, 'TaskScheduled', {}),
      child(8, 7, 'TaskSucceeded', { output: { Payload: planned } }),
    ].flatMap(read)
    expect(seen).toEqual([
      { kind: 'guest-step', id: '100', name: 'web', step: 'Open upload' },
      { kind: 'guest-step', id: '100', name: 'web', step: 'Backing up' },
      { kind: 'upload-opened', id: '100', key: 'k', sizeBytes: 200 * 2 ** 20 },
      { kind: 'guest-step', id: '100', name: 'web', step: 'Copying' },
      { kind: 'copies-planned', id: '100', missingBytes: 136 * 2 ** 20 },
    ])
  })

  it('tell what a guest waits for', () => {
    const read = readHappenings()
    const answer = { waitSeconds: 60, reason: 'Node pve1 dumps guest vm-101; its turn comes next.' }
    const seen = [
      child(1, 0, 'ExecutionStarted', { input: item }),
      child(2, 1, 'TaskStateEntered', { name: 'Start backup' }),
      child(3, 2, 'TaskSucceeded', { output: { Payload: answer } }),
      child(4, 3, 'WaitStateEntered', { name: 'Wait for a turn to dump' }),
    ].flatMap(read)
    expect(seen).toEqual([
      { kind: 'guest-step', id: '100', name: 'web', step: 'Start backup' },
      { kind: 'waits-to-dump', id: '100', reason: answer.reason },
      { kind: 'guest-step', id: '100', name: 'web', step: 'Waiting for a turn to dump' },
    ])
  })

  it('keeps choices to itself and reports retries with their error', () => {
    const read = readHappenings()
    const seen = [
      child(1, 0, 'ChoiceStateEntered', { name: 'Backup done?' }),
      child(2, 1, 'TaskStateEntered', { name: 'Authenticate' }),
      child(3, 2, 'TaskFailed', { error: 'PlatformUnavailable', cause: '{"errorMessage":"refused"}' }),
    ].flatMap(read)
    expect(seen).toEqual([
      { kind: 'run-step', step: 'Authenticate' },
      { kind: 'trouble', id: undefined, step: 'Authenticate', error: 'PlatformUnavailable: refused' },
    ])
  })

  it('tells which try of a step is under way, of the run and of a guest, until the next step', () => {
    const read = readHappenings()
    const events = [
      child(2, 0, 'TaskStateEntered', { name: 'Plan run' }),
      child(3, 2, 'TaskScheduled', {}),
      child(4, 3, 'TaskFailed', { error: 'StoreUnavailable', cause: '{"errorMessage":"ECONNREFUSED"}' }),
      child(5, 4, 'TaskScheduled', {}),
      child(6, 5, 'TaskFailed', { error: 'StoreUnavailable', cause: '{"errorMessage":"ECONNREFUSED"}' }),
      child(7, 6, 'TaskScheduled', {}),
    ]
    const progress = after(...events.flatMap(read))
    expect(lines(progress, 0)[0]).toBe('Plan run  (try 3; before: StoreUnavailable: ECONNREFUSED)')
    expect(lines(advance(progress, { kind: 'run-step', step: 'Export each guest' }, 0), 0)[0]).toBe('Export each guest')
  })

  it('tells of a call that is repeated within a step, for a minute', () => {
    const progress = advance(
      nothingYet,
      { kind: 'call-repeated', reason: 'S3 at s3.lan, try 1 of 4: ECONNREFUSED' },
      5_000,
    )
    expect(lines(progress, 6_000)[1]).toMatch(/trying again: S3 at s3.lan, try 1 of 4: ECONNREFUSED/)
    expect(lines(progress, 66_000)).toHaveLength(1)
  })
})

describe('a restore, read from its history', () => {
  const event = (id: number, previousEventId: number, type: string, details: SeenEvent['details'] = {}): SeenEvent => ({
    execution: 'restore',
    id,
    previousEventId,
    type,
    details,
  })
  const plannedDelivery = (missingBytes: number) => ({ Payload: { ...planned, missingBytes } })

  it('is told in steps of its own, each once for the states between which it goes back and forth', () => {
    const read = readHappenings()
    const steps = ['Check target', 'Thaw archive', 'Deliver parts', 'Create guest', 'Check restore', 'Compare guest']
    const waits = ['Wait for thaw', 'Wait for a turn to deliver', 'Wait for guest']
    const legs = ['Thaw in legs', 'Guest in legs']
    const seen = [
      event(1, 0, 'ExecutionStarted', { input: { archive: '100', site: 'hq' } }),
      ...steps.map((name, index) => event(index + 2, 1, 'TaskStateEntered', { name })),
      ...waits.map((name, index) => event(index + 20, 1, 'WaitStateEntered', { name })),
      ...legs.map((name, index) => event(index + 30, 1, 'MapStateEntered', { name })),
    ].flatMap(read)
    expect(seen.map((happening) => ('step' in happening ? happening.step : ''))).toEqual([
      'Checking the target',
      'Waiting for S3 to thaw the archive',
      'Delivering',
      'Creating the guest',
      'Creating the guest',
      'Comparing the guest with its archive',
      'Waiting for S3 to thaw the archive',
      'Waiting for a turn to deliver',
      'Creating the guest',
      'Waiting for S3 to thaw the archive',
      'Creating the guest',
    ])
  })

  it('shows how much of the file is on the node, with rate and time left', () => {
    const read = readHappenings()
    const progress = after(
      ...[
        event(1, 0, 'TaskStateEntered', { name: 'Plan delivery' }),
        event(2, 1, 'TaskSucceeded', { output: plannedDelivery(200 * 2 ** 20) }),
      ].flatMap(read),
      { kind: 'copied', id: '9100', bytes: 100 * 2 ** 20 },
    )
    expect(lines(progress, 6000)).toEqual([
      expect.stringMatching(/^Delivering {2}━{10}─{10} {2}100\.0 MiB of 200\.0 MiB {2}20\.0 MiB\/s {2}5 s left$/),
    ])
    const waiting = advance(progress, { kind: 'run-step', step: 'Creating the guest' }, 7000)
    expect(lines(waiting, 7000)).toEqual(['Creating the guest'])
  })

  it('goes by what a later plan finds on the node, also where that is less', () => {
    const planOf = (missingBytes: number) => ({ kind: 'delivery-planned', missingBytes }) as const
    const whole = 200 * 2 ** 20
    const step = { kind: 'run-step', step: 'Delivering' } as const
    expect(lines(after(step, planOf(whole), planOf(whole / 4)), 3000)[0]).toMatch(/150\.0 MiB of 200\.0 MiB/)
    expect(lines(after(step, planOf(whole), planOf(0), planOf(whole)), 3000)[0]).toMatch(/0 B of 200\.0 MiB/)
  })

  it('tells under the same step what it stumbled over', () => {
    const read = readHappenings()
    const [, trouble] = [
      event(1, 0, 'TaskStateEntered', { name: 'Check restore' }),
      event(2, 1, 'TaskFailed', { error: 'PlatformUnavailable', cause: '{"errorMessage":"refused"}' }),
    ].flatMap(read)
    expect(trouble).toMatchObject({ kind: 'trouble', step: 'Creating the guest' })
  })
})

describe('the whole of a run', () => {
  const copying = (id: string, sizeBytes: number, bytes: number): RunEvent[] => [
    { kind: 'guest-step', id, name: '', step: 'Copying' },
    { kind: 'upload-opened', id, key: 'k', sizeBytes },
    { kind: 'copies-planned', id, missingBytes: sizeBytes },
    { kind: 'copied', id, bytes },
  ]
  const MIB = 2 ** 20

  it('has a bar over all guests, their bytes and the rate', () => {
    const events = [...copying('100', 100 * MIB, 50 * MIB), ...copying('101', 100 * MIB, 100 * MIB)]
    const progress = after({ kind: 'planned', guestCount: 3 }, ...events)
    expect(lines(progress, 13_000)[1]).toBe(
      `${'━'.repeat(10)}${'─'.repeat(10)}  150.0 MiB of 200.0 MiB so far  15.0 MiB/s`,
    )
  })

  it('has the time left once all guests are known', () => {
    const events = [...copying('100', 100 * MIB, 50 * MIB), ...copying('101', 100 * MIB, 100 * MIB)]
    const progress = after({ kind: 'planned', guestCount: 2 }, ...events)
    expect(lines(progress, 13_000)[1]).toMatch(/150\.0 MiB of 200\.0 MiB {2}15\.0 MiB\/s {2}3 s left$/)
  })

  it('is not told of one guest', () => {
    const progress = after({ kind: 'planned', guestCount: 1 }, ...copying('100', 100 * MIB, 50 * MIB))
    expect(lines(progress, 13_000)).toHaveLength(2)
  })

  it.each([8, 10, 24])('fits a terminal of %d rows with 400 guests', (rows) => {
    const many = Array.from({ length: 400 }, (_, index): RunEvent[] => copying(String(100 + index), 100 * MIB, MIB))
    const progress = after({ kind: 'planned', guestCount: 400 }, ...many.flat(), { kind: 'call-repeated', reason: 'x' })
    const shown = renderProgress(progress, 1_602_000, 80, rows)
    expect(shown.length).toBeLessThan(rows)
    expect(stripVTControlCharacters(shown.at(-1) ?? '')).toMatch(/… and \d+ more/)
  })
})

import { describe, expect, it } from 'vitest'
import { noticeSchema } from '../../../../functions/contracts/notice.ts'
import type { GuestOutcome } from '../../../../functions/contracts/report.ts'
import { takes } from '../../../../functions/domain/notices/choose-channel.ts'
import { noticeText, subjectOf } from '../../../../functions/domain/notices/notice-text.ts'
import { type EndedRun, runNotice } from '../../../../functions/domain/notices/run-notice.ts'

const guest = (id: string, outcome: GuestOutcome['outcome'] = 'succeeded'): GuestOutcome => ({
  id,
  name: `web${id}`,
  outcome,
  verdict: outcome === 'succeeded' ? 'archived' : 'GuestLocked',
  reason: outcome === 'succeeded' ? '' : 'It is locked.',
  artifacts: [],
  bytesSent: 0,
  seconds: 1,
})
const run = (guests: GuestOutcome[], more: Partial<EndedRun> = {}, notes: string[] = []): EndedRun => {
  const good = guests.filter(({ outcome }) => outcome === 'succeeded').length
  const outcome = good === guests.length && good > 0 ? 'succeeded' : good > 0 ? 'partial' : 'failed'
  return {
    report: { outcome, summary: `${good} of ${guests.length} guests archived.`, notes, guests },
    deployment: 'prod',
    runId: 'nightly',
    site: 'hq',
    endedAt: '2026-11-22T03:00:00.000Z',
    lastArchives: new Map(),
    failedBefore: new Set(),
    again: 'npx guestlift run --again runs/2026/11/22/nightly/',
    ...more,
  }
}

describe('the notice of a run', () => {
  it.each([
    ['all archived', [guest('1'), guest('2')], 'archived', 'info', '2 guests archived'],
    ['one missed', [guest('1'), guest('2', 'failed')], 'failed', 'error', 'web2 (2) not archived'],
    [
      'none archived',
      [guest('1', 'failed'), guest('2', 'skipped')],
      'failed',
      'critical',
      'web1 (1) and web2 (2) not archived, nor any other guest',
    ],
    ['nobody there', [], 'failed', 'critical', 'nothing was archived'],
  ] as const)('with %s says so in its subject', (_, guests, event, severity, words) => {
    const notice = runNotice(run([...guests]))
    expect(noticeSchema.parse(notice)).toMatchObject({ event, severity, subject: `Guestlift prod, site hq: ${words}` })
  })

  it('is good news where guests came back that the run before had missed', () => {
    const notice = runNotice(run([guest('1'), guest('2')], { failedBefore: new Set(['2']) }))
    expect(notice).toMatchObject({ event: 'recovered', severity: 'info', guests: [{ id: '2' }], guestCount: 1 })
    expect(notice.subject).toContain('web2 (2) archived again')
  })

  it('is no good news while another guest is missed', () => {
    const notice = runNotice(run([guest('1'), guest('2', 'failed')], { failedBefore: new Set(['1']) }))
    expect(notice).toMatchObject({ event: 'failed', guests: [{ id: '2' }] })
  })

  it('warns where an archived guest has a remark, or the run a note', () => {
    expect(runNotice(run([{ ...guest('1'), reason: 'Not all disks.' }]))).toMatchObject({ severity: 'warning' })
    expect(runNotice(run([guest('1')], {}, ['The catalogue is old.']))).toMatchObject({ severity: 'warning' })
  })

  it('says how old the last archive of a missed guest is, that there is none, or nothing where nobody looked', () => {
    const lastArchives = new Map([
      ['1', '2026-11-19T03:00:00.000Z'],
      ['2', null],
    ] as const)
    const failed = ['1', '2', '3'].map((id) => guest(id, 'failed'))
    const text = noticeText(runNotice(run(failed, { lastArchives })))
    expect(text).toContain('1 (web1): failed (GuestLocked). It is locked. Its last whole archive is 3 days old.')
    expect(text).toContain('2 (web2): failed (GuestLocked). It is locked. The bucket holds no whole archive of it.')
    expect(text).toMatch(/^3 \(web3\): failed \(GuestLocked\)\. It is locked\.$/m)
    expect(text).toContain('Next: npx guestlift run --again runs/2026/11/22/nightly/')
    expect(text).toContain('What to do: docs/operate.md#runfailed')
  })

  it('lists the first guests and counts all of them', () => {
    const notice = runNotice(run(Array.from({ length: 90 }, (_, index) => guest(String(index), 'failed'))))
    expect(noticeSchema.parse(notice)).toMatchObject({ guestCount: 90 })
    expect(noticeText(notice)).toContain('… and 70 more guests, which the report lists.')
    expect(notice.subject).toContain('web0 (0), web1 (1) and 88 more not archived')
  })

  it('names the same event by the same id', () => {
    const one = run([guest('1', 'failed')])
    expect(runNotice(one).id).toBe(runNotice(run([guest('1', 'failed')])).id)
    expect(runNotice({ ...one, runId: 'other' }).id).not.toBe(runNotice(one).id)
  })
})

it('a subject is one line of at most a hundred characters', () => {
  expect(subjectOf('a\r\nBcc: everybody@example.com')).toBe('a Bcc: everybody@example.com')
  expect(subjectOf('x'.repeat(300))).toHaveLength(100)
})

describe('a channel', () => {
  const notice = runNotice(run([guest('1'), guest('2', 'failed')]))
  const channel = { type: 'slack', url: 'https://hooks.example.com/x' } as const
  it('takes what is as bad as it asks for, or worse', () => {
    expect(takes({ ...channel, atLeast: 'error' }, notice)).toBe(true)
    expect(takes({ ...channel, atLeast: 'critical' }, notice)).toBe(false)
  })
  it('that takes bad news alone also hears that something came back, unless its events leave that out', () => {
    const good = runNotice(run([guest('1')], { failedBefore: new Set(['1']) }))
    expect(takes({ ...channel, atLeast: 'critical' }, good)).toBe(true)
    expect(takes({ ...channel, atLeast: 'critical', events: ['failed'] }, good)).toBe(false)
    expect(takes({ ...channel, atLeast: 'error' }, runNotice(run([guest('1')])))).toBe(false)
  })
  it('takes the events that it names alone', () => {
    expect(takes({ ...channel, atLeast: 'info', events: ['failed'] }, notice)).toBe(true)
    expect(takes({ ...channel, atLeast: 'info', events: ['recovered'] }, notice)).toBe(false)
  })
  it('takes every test', () => {
    expect(takes({ ...channel, atLeast: 'critical', events: ['failed'] }, { ...notice, event: 'test' })).toBe(true)
  })
})

import { describe, expect, it } from 'vitest'
import type { DrillReport } from '../../../../functions/contracts/drill.ts'
import type { GuestOutcome, RunReport } from '../../../../functions/contracts/report.ts'
import type { VerificationReport } from '../../../../functions/contracts/verification-report.ts'
import { prometheusText, type Sample } from '../../../../functions/domain/monitoring/prometheus.ts'
import {
  drillSamples,
  runSamples,
  verificationSamples,
} from '../../../../functions/domain/monitoring/report-samples.ts'

const startedAt = '2026-07-01T02:00:00.000Z'
const endedAt = '2026-07-01T03:00:00.000Z'
/** The lines without the help, each beginning with what differs. */
const lines = (samples: readonly Sample[]) =>
  prometheusText(samples)
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) =>
      line
        .replace('guestlift_', '')
        .replace(/site="hq",?/, '')
        .replace('{}', ''),
    )

describe('the figures of a run', () => {
  const outcome = (ended: GuestOutcome['outcome'], sizes: number[] = []): GuestOutcome => ({
    id: '1',
    name: 'web',
    outcome: ended,
    verdict: '',
    reason: '',
    artifacts: sizes.map((sizeBytes) => ({ key: 'k', sizeBytes, checksum: 'CRC32:AAAAAA==' })),
    bytesSent: 7,
    seconds: 1,
  })
  const report: RunReport = {
    version: 1,
    runId: 'r',
    site: 'hq',
    outcome: 'partial',
    summary: '',
    notes: [],
    startedAt,
    endedAt,
    guests: [
      outcome('succeeded', [10, 20]),
      outcome('succeeded', [30]),
      outcome('failed'),
      ...['skipped', 'skipped', 'skipped'].map(() => outcome('skipped')),
    ],
  }

  it('have one line for each outcome, of which one is true', () => {
    expect(lines(runSamples('hq', report, undefined))).toEqual([
      'run_last_start_timestamp_seconds 1782871200',
      'run_last_end_timestamp_seconds 1782874800',
      'run_last_duration_seconds 3600',
      'run_last_outcome{outcome="succeeded"} 0',
      'run_last_outcome{outcome="partial"} 1',
      'run_last_outcome{outcome="failed"} 0',
      'run_last_guests{outcome="succeeded"} 2',
      'run_last_guests{outcome="failed"} 1',
      'run_last_guests{outcome="skipped"} 3',
      'run_last_archived_bytes 60',
      'run_last_sent_bytes 42',
    ])
  })

  it('have no time below nothing, and the end of the last run that archived all', () => {
    const odd = { ...report, startedAt: endedAt, endedAt: startedAt }
    expect(lines(runSamples('hq', odd, report))).toEqual(
      expect.arrayContaining(['run_last_duration_seconds 0', 'run_last_success_timestamp_seconds 1782874800']),
    )
  })
})

describe('the figures of a verification', () => {
  it('are those of the asked site alone; overdue is only what nobody read', () => {
    const archive = (site: string, result: string, overdue: boolean) => ({ site, result, overdue })
    const report = {
      endedAt,
      archives: [
        archive('hq', 'accepted', true),
        archive('hq', 'accepted', false),
        archive('hq', 'refused', true),
        archive('hq', 'not-verified', true),
        archive('hq', 'not-verified', false),
        archive('hq', 'not-verified', false),
        archive('branch', 'accepted', true),
        archive('branch', 'not-verified', true),
      ],
      unread: [archive('hq', '', true), archive('hq', '', true), archive('hq', '', false), archive('branch', '', true)],
    } as unknown as VerificationReport
    expect(lines(verificationSamples('hq', report))).toEqual([
      'verification_last_end_timestamp_seconds 1782874800',
      'verification_last_archives{result="accepted"} 2',
      'verification_last_archives{result="refused"} 1',
      'verification_last_archives{result="not-verified"} 3',
      'verification_last_overdue_archives 3',
    ])
  })
})

describe('the figures of a drill', () => {
  it('tell what passed from what failed', () => {
    const rehearsals = [{ passed: true }, { passed: true }, { passed: false }]
    expect(lines(drillSamples({ site: 'hq', endedAt, rehearsals } as unknown as DrillReport))).toEqual([
      'drill_last_end_timestamp_seconds 1782874800',
      'drill_last_rehearsals{outcome="passed"} 2',
      'drill_last_rehearsals{outcome="failed"} 1',
    ])
  })
})

it('a figure without labels has no braces', () => {
  expect(prometheusText([{ name: 'guestlift_unreadable_records', labels: {}, value: 0 }])).toMatch(
    /\nguestlift_unreadable_records 0\n$/,
  )
})

import { describe, expect, it } from 'vitest'
import type { GuestOutcome } from '../../../../functions/contracts/report.ts'
import { tally } from '../../../../functions/domain/backup/tally.ts'

const guest = (id: string, outcome: GuestOutcome['outcome']): GuestOutcome => ({
  id,
  name: id,
  outcome,
  verdict: outcome === 'succeeded' ? 'archived' : 'BackupFailed',
  reason: '',
  artifacts: [],
  bytesSent: 0,
  seconds: 1,
})

describe('the tally', () => {
  it('succeeds only when every guest was archived', () => {
    expect(tally([guest('100', 'succeeded'), guest('101', 'succeeded')])).toMatchObject({ outcome: 'succeeded' })
  })

  it('is partial when some guest was archived and another failed or was skipped', () => {
    expect(tally([guest('100', 'succeeded'), guest('101', 'skipped')])).toMatchObject({
      outcome: 'partial',
      summary: '1 of 2 guests archived, 0 failed, 1 skipped: 101 (BackupFailed).',
    })
  })

  it('tells of those that failed only for being less than required, since their archives are stored', () => {
    const artifacts = [{ key: 'k', sizeBytes: 1, checksum: 'c' }]
    const lesser = { ...guest('101', 'failed'), verdict: 'GradeNotReached', artifacts }
    expect(tally([guest('100', 'succeeded'), lesser, guest('102', 'failed')])).toMatchObject({
      outcome: 'partial',
      summary:
        '1 of 3 guests archived, 2 failed (1 of them stored, but less than required), 0 skipped: 101 (GradeNotReached), 102 (BackupFailed).',
    })
  })

  it('fails when nothing was archived, also when everything was skipped', () => {
    expect(tally([guest('100', 'skipped')])).toMatchObject({ outcome: 'failed' })
    expect(tally([])).toMatchObject({ outcome: 'failed' })
  })
})

import { describe, expect, it } from 'vitest'
import { type RestoreRecord, restoreRecordSchema } from '../../../../functions/contracts/restore-record.ts'
import { restoreReportSchema } from '../../../../functions/contracts/restore-report.ts'
import { listPrices } from '../../../../functions/domain/prices/list-prices.ts'
import { refusalsOfTheId } from '../../../../functions/domain/restore/findings.ts'
import { restoreReport } from '../../../../functions/domain/restore/report.ts'

const whole: RestoreRecord = restoreRecordSchema.parse({
  version: 1,
  restoreId: 'r',
  startedAt: '2026-11-24T03:00:00.000Z',
  request: { archive: '100', site: 'hq', confirm: true },
  archive: {
    folder: 'archives/hq/vm-100/2026-11-22T02-00-07Z/',
    site: 'hq',
    platform: 'proxmox',
    platformVersion: '9.2.11',
    guest: { id: '100', kind: 'vm', name: 'web', node: 'pve1' },
    createdAt: '2026-11-22T02:00:07.000Z',
    fileName: 'f.vma.zst',
    key: 'k',
    etag: 'e',
    sizeBytes: 10 * 2 ** 30,
    crc32: 1,
  },
  token: '0f1e2d3c4b5a6978',
  target: { id: '9100', node: 'pve2' },
  storageClass: 'STANDARD',
  findings: [],
  warnings: [],
  comparison: { expected: [], differences: [] },
  bytesSent: 7,
  steps: {
    thawBegunAt: '2026-11-24T03:00:01.000Z',
    thawedAt: '2026-11-24T03:00:05.000Z',
    deliveryBegunAt: '2026-11-24T03:00:06.000Z',
    deliveredAt: '2026-11-24T03:00:16.000Z',
    createdAt: '2026-11-24T03:00:36.000Z',
    comparedAt: '2026-11-24T03:01:00.000Z',
  },
})
const end = { endedAt: '2026-11-24T03:02:00.000Z', error: null, left: [] }
const reported = (changes: Partial<RestoreRecord>, ending: Partial<Parameters<typeof restoreReport>[1]> = {}) =>
  restoreReportSchema.parse(restoreReport({ ...whole, ...changes }, { ...end, ...ending }))
const { comparison: _, ...withoutComparison } = whole
const { storageClass: __, ...neverChecked } = whole
const failed = { Error: 'RestoreFailed', Cause: 'It broke.' }

describe('the report of a restore', () => {
  it('tells of a guest as it was archived, and how long each step took until it was compared', () => {
    expect(reported({})).toMatchObject({
      outcome: 'succeeded',
      summary:
        'vm 100 (web) of 2026-11-22T02:00:07.000Z was restored as guest 9100 on site hq, node pve2 in 60 s, as it was archived.',
      bytes: 7,
      seconds: { thaw: 4, deliver: 10, create: 20, compare: 24, total: 60 },
    })
  })

  it('tells of whole disks what was made of them, and counts all of them', () => {
    const { fileName, key, etag, sizeBytes } = whole.archive
    const disk = { sizeBytes: 2 ** 30, crc32: 1, writtenBytes: 1, parts: 1, partBytes: 1 }
    const one = { fileName, key, etag, sizeBytes, crc32: 1, disk }
    const archive = { ...whole.archive, disks: [one, { ...one, fileName: 'other.raw.zst' }] }
    const made = [{ what: 'image' as const, ref: 'ami-1' }]
    const report = reported({ archive, made })
    expect(report.summary).toMatch(/was restored as image ami-1 on site hq, node pve2 in 60 s, as it was archived\.$/)
    expect(report.archive).toMatchObject({ fileName: 'f.vma.zst, other.raw.zst', sizeBytes: 20 * 2 ** 30 })
    expect(report).toMatchObject({ made, bringsDisks: true })
    const priced = restoreReport(
      { ...whole, archive, storageClass: 'STANDARD' },
      { endedAt: '2026-11-24T03:01:00.000Z', error: null, left: [], prices: listPrices },
    )
    const [way] = priced.price?.ways ?? []
    expect(way?.destination).toBe('same-region')
    expect(way?.items.map(({ what }) => what)).toContain('1 block written')
    const dry = reported({ archive, request: { ...whole.request, confirm: false, to: 'volume' } })
    expect(dry.summary).toContain('can be restored as 2 volumes on site hq')
  })

  it('leaves out the time of steps that never ended, and counts to the end then', () => {
    expect(reported({ steps: { deliveryBegunAt: '2026-11-24T03:00:06.000Z' } }, { error: failed }).seconds).toEqual({
      total: 120,
    })
  })

  it.each([
    [
      'with a difference',
      { comparison: { expected: [], differences: [{ key: 'memory', why: 'It differs.' }] } },
      ', with 1 difference from its archive.',
    ],
    [
      'that does not run, though it was to',
      { started: { running: false } },
      ", as it was archived, and it doesn't run.",
    ],
  ])('counts a guest %s as restored in part', (_what, changes, words) => {
    const { outcome, summary } = reported(changes)
    expect(outcome).toBe('partial')
    expect(summary.endsWith(words)).toBe(true)
  })

  it('holds each change that the comparison found, and none without one', () => {
    const change = { key: 'memory', archived: '512', made: '1024', why: 'It differs.' }
    expect(reported({ comparison: { expected: [change], differences: [change] } })).toMatchObject({
      expected: [change],
      differences: [change],
    })
    expect(restoreReport(withoutComparison, end)).toMatchObject({ expected: [], differences: [] })
  })

  it('counts no step as shorter than nothing, whatever clocks say', () => {
    const steps = { ...whole.steps, thawedAt: '2026-11-24T02:00:00.000Z', comparedAt: '2026-11-24T02:00:00.000Z' }
    expect(reported({ steps }).seconds).toMatchObject({ thaw: 0, total: 0 })
  })

  it('counts a guest that nothing was compared with as restored in part', () => {
    const report = restoreReport(withoutComparison, end)
    expect(report.outcome).toBe('partial')
    expect(report.summary).toContain("isn't known")
  })

  it('says whether the guest is there when something failed', () => {
    expect(reported({}, { error: failed })).toMatchObject({
      outcome: 'partial',
      summary: 'It broke. The guest is there: guest 9100 on site hq, node pve2. It was not compared with its archive.',
      error: { name: 'RestoreFailed', message: 'It broke.' },
    })
    expect(reported({ steps: {} }, { error: failed })).toMatchObject({ outcome: 'failed', summary: 'It broke.' })
  })

  it('points at what was left', () => {
    expect(reported({ steps: {} }, { error: failed, left: [{ what: 'a file' }] }).summary).toBe(
      'It broke. Something was left on the platform: look at the report.',
    )
  })

  it('says of a dry run what it would come to, with the first reason of several', () => {
    const request = { ...whole.request, confirm: false }
    expect(reported({ request })).toMatchObject({ outcome: 'succeeded', dryRun: true })
    expect(reported({ request }).summary).toBe(
      'Dry run: vm 100 (web) of 2026-11-22T02:00:07.000Z can be restored as guest 9100 on site hq, node pve2. Nothing was changed.',
    )
    const findings = [
      { name: 'space-tight', level: 'warning', message: 'Tight.' },
      { name: 'id-in-use', level: 'refusal', message: 'Taken.' },
      { name: 'no-space', level: 'refusal', message: 'Full.' },
    ] as const
    expect(reported({ request, findings: [...findings] })).toMatchObject({
      outcome: 'failed',
      summary:
        "Dry run: vm 100 (web) of 2026-11-22T02:00:07.000Z can't be restored as guest 9100 on site hq, node pve2 (2 reasons). Taken.",
    })
    expect(refusalsOfTheId(findings).map(({ name }) => name)).toEqual(['id-in-use'])
  })

  it('calls a guest without a name by its id alone', () => {
    const archive = { ...whole.archive, guest: { ...whole.archive.guest, name: '' } }
    expect(reported({ archive }).summary.startsWith('vm 100 of 2026')).toBe(true)
  })

  it('prices reading the archive where the store is AWS, and nowhere else', () => {
    const { price } = reported({}, { prices: listPrices })
    expect(price).toMatchObject({ storageClass: 'STANDARD', ways: [{ tier: 'immediate', destination: 'internet' }] })
    expect(price?.ways[0]?.mostDollars).toBeCloseTo(0.9, 1)
    expect(reported({}).price).toBeUndefined()
    expect(restoreReport(neverChecked, { ...end, prices: listPrices }).price).toBeUndefined()
  })
})

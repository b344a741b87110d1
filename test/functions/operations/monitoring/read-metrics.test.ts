import { readFileSync } from 'node:fs'
import parsePrometheus from 'parse-prometheus-text-format'
import { describe, expect, it } from 'vitest'
import { StoreUnavailable } from '../../../../functions/contracts/errors.ts'
import { lastCoverageKey } from '../../../../functions/domain/books/object-keys.ts'
import { bucketMetrics } from '../../../../functions/domain/monitoring/prometheus.ts'
import { readMetrics } from '../../../../functions/operations/monitoring/read-metrics.ts'
import { AuditedBucket } from '../../../fakes/audited-bucket.ts'
import { MemoryStore } from '../../../fakes/memory-store.ts'

const docs = (name: string) => readFileSync(new URL(`../../../../docs/${name}`, import.meta.url), 'utf8')
const odd = 'we"b\\ \n1'
const web = { id: '100', name: odd }

async function scene() {
  const store = new MemoryStore()
  const bucket = new AuditedBucket(store)
  const metrics = async (days = 14) => {
    const now = () => new Date('2026-07-03T12:00:00.000Z')
    const { text, unreadable } = await readMetrics(days, { store, keyPrefix: '', now, toolVersion: 'guestlift/1.2.3' })
    const families = parsePrometheus(text)
    const value = (name: string, labels: Record<string, string> = {}) =>
      families
        .find((family) => family.name === name)
        ?.metrics.find((one) => Object.entries(labels).every(([label, wanted]) => one.labels?.[label] === wanted))
        ?.value
    return { text, unreadable, families, value }
  }
  return { store, bucket, metrics }
}

/** A bucket in which everything has happened once. */
async function lived() {
  const { store, bucket, metrics } = await scene()
  await bucket.run('2026-07-01T02:00:00.000Z', [web])
  await bucket.run('2026-07-02T02:00:00.000Z', [web, { id: '101', outcome: 'failed' }])
  const at = '2026-07-02T12:00:00.000Z'
  await bucket.coverage(at, [{ id: '100', name: odd }])
  const check = JSON.parse((await store.readText('coverage/2026/07/02/check-2026-07-02.json'))?.text ?? '') as {
    guests: object[]
  }
  const rehearsal = { at, passed: true, summary: '', archiveCreatedAt: at, totalSeconds: 1, evidenceKey: 'k' }
  const guests = check.guests.map((guest) => ({
    ...guest,
    newestAt: '2026-07-02T02:00:00.000Z',
    lastVerifiedAt: at,
    rehearsal: { last: rehearsal, lastPassed: rehearsal },
  }))
  await bucket.put(lastCoverageKey('', 'hq'), { ...check, counts: { covered: 1, stale: 2 }, guests })
  const totals = { outcome: 'succeeded', summary: '', startedAt: at, endedAt: at, version: 1 }
  await bucket.put('verifications/2026/07/02/v1/report.json', {
    ...totals,
    verificationId: 'v1',
    accepted: 1,
    refused: 0,
    notVerified: 0,
    overdue: 0,
    readBytes: 1000,
    policy: {},
    unread: [],
    further: 0,
    furtherOverdue: 0,
    archives: [
      {
        folder: 'f/',
        site: 'hq',
        guest: { kind: 'vm', id: '100' },
        createdAt: at,
        sizeBytes: 1,
        overdue: false,
        due: '',
        result: 'accepted',
        reason: '',
      },
    ],
  })
  await bucket.put('drills/2026/07/02/d1/report.json', {
    ...totals,
    drillId: 'd1',
    site: 'hq',
    rehearsals: [],
    postponed: 0,
    unfit: [],
    notes: [],
  })
  await bucket.put('prunings/2026/07/02/p1/report.json', {
    ...totals,
    pruningId: 'p1',
    site: 'hq',
    dryRun: false,
    retention: { 'keep-last': 1 },
    told: [],
    done: true,
    guests: 1,
    troubled: 0,
    toRemove: 3,
    removed: 3,
    removedBytes: 3000,
    locked: 0,
  })
  return { store, bucket, metrics }
}

describe('the figures of a bucket', () => {
  it('are what the last reports say, as a parser of the format reads them', async () => {
    const { metrics } = await lived()
    const { value, text, unreadable } = await metrics()
    expect(unreadable).toEqual([])
    expect(text.endsWith('\n')).toBe(true)
    expect(value('guestlift_run_last_guests', { site: 'hq', outcome: 'succeeded' })).toBe('1')
    expect(value('guestlift_run_last_guests', { site: 'hq', outcome: 'failed' })).toBe('1')
    expect(value('guestlift_run_last_archived_bytes', { site: 'hq' })).toBe('1000')
    expect(value('guestlift_run_last_duration_seconds', { site: 'hq' })).toBe('3600')
    expect(value('guestlift_coverage_uncovered_guests', { site: 'hq' })).toBe('2')
    expect(value('guestlift_verification_last_archives', { result: 'accepted' })).toBe('1')
    expect(value('guestlift_pruning_last_removed_bytes', { site: 'hq' })).toBe('3000')
    expect(value('guestlift_build_info', { version: '1.2.3' })).toBe('1')
    expect(Number(value('guestlift_guest_newest_archive_timestamp_seconds', { id: '100' }))).toBe(
      Date.parse('2026-07-02T02:00:00.000Z') / 1000,
    )
  })

  it('keep one line for a name with quotes, backslashes and line feeds', async () => {
    const { metrics } = await lived()
    expect((await metrics()).text).toContain(String.raw`name="we\"b\\ \n1"`)
  })

  it('are all emitted, all in the docs, and all that alerts and the dashboard ask for', async () => {
    const { metrics } = await lived()
    const emitted = (await metrics()).families.map(({ name }) => name)
    expect(emitted.toSorted()).toEqual(Object.keys(bucketMetrics).toSorted())
    const named = (text: string) => [...new Set(text.match(/guestlift_[a-z_]+/g))]
    expect(named(docs('monitoring.md')).toSorted()).toEqual(emitted.toSorted())
    const dashboard = docs('grafana-dashboard.json')
    expect(named(dashboard).filter((name) => !emitted.includes(name))).toEqual([])
    const { panels } = JSON.parse(dashboard) as { panels: { id: number; targets: { expr: string }[] }[] }
    expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length)
    expect(panels.every(({ targets }) => targets.every(({ expr }) => expr.includes('guestlift_')))).toBe(true)
  })

  it('ask in the dashboard for no label that the figures lack', async () => {
    const { metrics } = await lived()
    const { families } = await metrics()
    const asked = [...docs('grafana-dashboard.json').matchAll(/(guestlift_[a-z_]+)\{([^}]*)\}/g)]
    expect(asked.length).toBeGreaterThan(10)
    for (const [, name, inner = ''] of asked) {
      const labels = Object.keys(families.find((family) => family.name === name)?.metrics[0]?.labels ?? {})
      for (const [, label = ''] of inner.matchAll(/(\w+)=~?/g))
        expect({ name, labels }).toEqual({ name, labels: expect.arrayContaining([label]) })
    }
  })

  it('claim nothing that no report says', async () => {
    const { bucket, metrics } = await scene()
    await bucket.run('2026-07-02T02:00:00.000Z', [{ id: '101', outcome: 'failed' }])
    await bucket.run('2026-07-01T02:00:00.000Z', [web], { reported: false })
    const { value, families } = await metrics()
    expect(value('guestlift_run_without_report')).toBe('1')
    expect(families.map(({ name }) => name)).not.toContain('guestlift_run_last_success_timestamp_seconds')
    expect(families.map(({ name }) => name)).not.toContain('guestlift_coverage_uncovered_guests')
  })

  it('lack what a broken record says, and count it', async () => {
    const { bucket, metrics } = await lived()
    await bucket.put(lastCoverageKey('', 'hq'), '{"version":')
    const { value, unreadable, families } = await metrics()
    expect(unreadable).toEqual(['coverage/hq.json'])
    expect(value('guestlift_unreadable_records')).toBe('1')
    expect(families.map(({ name }) => name)).not.toContain('guestlift_coverage_guests')
  })

  it('are those of the report that ended last, of a pruning that removed, of each site by itself', async () => {
    const { store, bucket, metrics } = await lived()
    const pruning = JSON.parse((await store.readText('prunings/2026/07/02/p1/report.json'))?.text ?? '') as object
    const put = (day: string, id: string, changes: object) =>
      bucket.put(`prunings/2026/07/${day}/${id}/report.json`, { ...pruning, pruningId: id, ...changes })
    // By their names they lie the other way round.
    await put('03', 'a', { endedAt: '2026-07-03T11:00:00.000Z', removed: 7 })
    await put('03', 'b', { endedAt: '2026-07-03T10:00:00.000Z', removed: 8 })
    await put('03', 'c', { endedAt: '2026-07-03T11:30:00.000Z', removed: 9, dryRun: true })
    await put('03', 'd', { endedAt: '2026-07-03T11:30:00.000Z', removed: 10, site: 'branch' })
    await put('03', 'verdicts', { endedAt: '2026-07-03T11:40:00.000Z', removed: 11 })
    await bucket.run('2026-06-30T02:00:00.000Z', [web])
    const { value } = await metrics()
    expect(value('guestlift_pruning_last_removed_archives', { site: 'hq' })).toBe('7')
    expect(value('guestlift_run_last_success_timestamp_seconds', { site: 'hq' })).toBe(
      String(Date.parse('2026-07-01T03:00:00.000Z') / 1000),
    )
    expect(value('guestlift_metrics_made_timestamp_seconds')).toBe(
      String(Date.parse('2026-07-03T12:00:00.000Z') / 1000),
    )
  })

  it('reach back as many days as asked, and no further', async () => {
    const { metrics } = await lived()
    const names = async (days: number) => (await metrics(days)).families.map(({ name }) => name)
    expect(await names(1)).toContain('guestlift_pruning_last_removed_archives')
    expect(await names(0)).not.toContain('guestlift_pruning_last_removed_archives')
  })

  it('are none where the bucket does not answer', async () => {
    const { store, metrics } = await lived()
    store.listFolders = () => Promise.reject(new StoreUnavailable('no answer'))
    await expect(metrics()).rejects.toThrow('no answer')
  })
})

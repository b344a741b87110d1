/**
 * Golden files: every shape of every record that was ever written, under the commit that began to write it so. They stay
 * for ever, and nobody changes one: a reader that can't read them can't read somebody's bucket.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { readManifestFacts, readVerification } from '../functions/domain/catalogue/manifest-facts.ts'
import { readText, type Shape } from '../functions/domain/books/stored-record.ts'
import { readIndex } from '../functions/operations/catalogue/catalogue-index.ts'
import * as shapes from '../functions/operations/books/shapes.ts'
import { recordText, requireRecord } from '../functions/operations/books/stored-json.ts'
import { MemoryStore } from './fakes/memory-store.ts'

const golden = fileURLToPath(new URL('golden', import.meta.url))

const shapeOf: Record<string, Shape<unknown>> = {
  manifest: shapes.manifestShape,
  verification: shapes.verificationShape,
  'kept-verdict': shapes.keptVerdictShape,
  'content-index': shapes.contentIndexShape,
  'content-index-line': shapes.indexedMemberShape,
  claim: shapes.claimShape,
  'upload-record': shapes.uploadRecordShape,
  'disk-plan': shapes.diskPlanShape,
  'allocation-map': shapes.allocationMapShape,
  'part-record': shapes.partRecordShape,
  'frame-list': shapes.frameListShape,
  'stream-ledger': shapes.streamLedgerShape,
  'dump-queue': shapes.dumpQueueShape,
  job: shapes.jobShape,
  'run-plan': shapes.runPlanShape,
  outcome: shapes.outcomeShape,
  'run-report': shapes.runReportShape,
  selection: shapes.selectionShape,
  progress: shapes.progressShape,
  evidence: shapes.evidenceShape,
  'pruning-plan': shapes.pruningPlanShape,
  'pruning-report': shapes.pruningReportShape,
  'retention-report': shapes.retentionShape,
  removal: shapes.removalShape,
  'pruning-lease': shapes.leaseShape,
  'clock-confirmation': shapes.clockConfirmationShape,
  pin: shapes.pinShape,
  'site-configuration': shapes.siteConfigurationShape,
  'site-book': shapes.siteBookShape,
  'sweep-report': shapes.sweepReportShape,
  'stray-report': shapes.strayReportShape,
  'coverage-report': shapes.coverageReportShape,
  'catalogue-index': shapes.catalogueIndexShape,
  'verification-plan': shapes.verificationPlanShape,
  'verification-unread': shapes.unreadShape,
  'verification-report': shapes.verificationReportShape,
  'restore-record': shapes.restoreRecordShape,
  'restore-lease': shapes.restoreLeaseShape,
  'restore-report': shapes.restoreReportShape,
  'drill-evidence': shapes.drillEvidenceShape,
  'drill-plan': shapes.drillPlanShape,
  'drill-report': shapes.drillReportShape,
  'rehearsal-book': shapes.rehearsalBookShape,
  'audit-report': shapes.auditReportShape,
}

const textOf = (shape: string, file: string) => readFileSync(join(golden, shape, file), 'utf8')
const cases = Object.entries(shapeOf).flatMap(([name, shape]) =>
  readdirSync(join(golden, name)).map((file) => ({ file: `${name}/${file}`, text: textOf(name, file), shape })),
)

/** Fields whose names are data. */
const tablesOf: Record<string, readonly string[]> = {
  'audit-report': ['read'],
  'coverage-report': ['counts'],
  'drill-evidence': ['seconds'],
  'drill-plan': ['bridges'],
}

/** A field of tomorrow in every object, at every level; a table of names is no object with fields. */
function withUnknown(value: unknown, key = '', tables: readonly string[] = []): unknown {
  if (Array.isArray(value)) return value.map((one) => withUnknown(one, '', tables))
  if (typeof value !== 'object' || value === null) return value
  const isTable = tables.includes(key)
  const fields = Object.fromEntries(
    Object.entries(value).map(([inner, its]) => [inner, withUnknown(its, inner, tables)]),
  )
  return isTable ? fields : { ...fields, ofTomorrow: { deep: [1, { deeper: true }] } }
}

const read = (shape: Shape<unknown>, text: string, unknown: 'kept' | 'left-out' = 'left-out') =>
  requireRecord({ bucket: 'b' }, 'some/key.json', shape, text, unknown)

describe('records that were written once', () => {
  it('has golden files of every shape that operations know', () => {
    const known = new Set<unknown>(Object.values(shapeOf))
    expect(Object.entries(shapes).filter(([, shape]) => !known.has(shape))).toEqual([])
    expect(cases.length).toBeGreaterThanOrEqual(Object.keys(shapeOf).length)
  })

  it.each(cases)('are read as they are: $file', ({ text, shape }) => {
    expect(read(shape, text)).toMatchObject(JSON.parse(text) as object)
  })

  it.each(cases)(
    'are read with fields of a newer version at every level, and written back with them: $file',
    ({ file, text, shape }) => {
      const newer = withUnknown(JSON.parse(text), '', tablesOf[file.split('/')[0] ?? ''])
      const plain = read(shape, text)
      expect(read(shape, JSON.stringify(newer))).toMatchObject(plain as object)
      const held = read(shape, JSON.stringify(newer), 'kept')
      expect(JSON.parse(recordText(shape, held, true))).toEqual(JSON.parse(JSON.stringify(held)))
      expect(JSON.parse(recordText(shape, held, true))).toMatchObject(newer as object)
      // Nobody here makes up fields: a record that wasn't held is written strictly.
      expect(() => recordText(shape, held)).toThrow(/was not written, since it breaks its shape/)
    },
  )

  it.each(cases)(
    'are refused with a higher version, which names key, version and what to do: $file',
    ({ text, shape }) => {
      const value: unknown = JSON.parse(text)
      const newer = Array.isArray(value) ? { items: value } : (value as object)
      const writtenBy = 'guestlift/7.0.0'
      expect(() => read(shape, JSON.stringify({ ...newer, writtenBy, version: shape.version + 1 }))).toThrow(
        expect.objectContaining({
          name: 'RecordTooNew',
          message: expect.stringMatching(
            new RegExp(
              `s3://b/some/key\\.json was left as it is\\. It has version ${shape.version + 1}, written by guestlift/7\\.0\\.0, .*Update Guestlift \\(functions and command line\\)`,
            ),
          ),
        }),
      )
    },
  )

  it.each(cases)(
    'are refused when they are cut short, empty or something else, never taken for empty: $file',
    ({ text, shape }) => {
      const compact = JSON.stringify(JSON.parse(text))
      const cuts = [0, 1, Math.floor(compact.length / 2), compact.length - 1].map((end) => compact.slice(0, end))
      for (const broken of [...cuts, 'null', '"text"', '0', '{}', '{"version":1}', '<html></html>']) {
        const unreadable = expect.objectContaining({
          name: 'RecordUnreadable',
          message: expect.stringMatching(
            /^The .* s3:\/\/b\/some\/key\.json can't be read: .*\. It was left as it is\. /,
          ),
        })
        expect(() => read(shape, broken), broken).toThrow(unreadable)
      }
    },
  )

  it.each(readdirSync(join(golden, 'manifest')))('give the catalogue its facts: manifest/%s', (file) => {
    const archive = { site: 'hq', guest: { kind: 'vm' as const, id: '100' }, keyedAt: '2026-11-22T02:00:07.000Z' }
    const text = textOf('manifest', file)
    const newer = JSON.stringify(withUnknown(JSON.parse(text)))
    expect(readManifestFacts(text, archive)).toMatchObject({ name: 'web', runId: 'run-1' })
    expect(readManifestFacts(newer, archive)).toEqual(readManifestFacts(text, archive))
    const tooNew = JSON.stringify({ ...(JSON.parse(text) as object), version: 2 })
    expect(readManifestFacts(tooNew, archive)).toEqual({
      unreadable: expect.stringMatching(/It has version 2, written by guestlift\/0\.1\.0.*Update Guestlift/),
    })
    expect(readManifestFacts(text.slice(0, -3), archive)).toEqual({ unreadable: expect.stringMatching(/cut short/) })
  })

  it.each(readdirSync(join(golden, 'verification')))('give the catalogue a verdict: verification/%s', (file) => {
    const text = textOf('verification', file)
    expect(readVerification(JSON.stringify(withUnknown(JSON.parse(text))))).toEqual(readVerification(text))
    const tooNew = JSON.stringify({ ...(JSON.parse(text) as object), version: 2 })
    expect(readVerification(tooNew)).toMatchObject({ state: 'unreadable', reason: expect.stringMatching(/Update/) })
  })

  it('counts an index of an older or newer version as none: it is a copy, and written anew', async () => {
    const older = [1, 2, 3, 4]
      .map((version) => `catalogue-index-v${version}`)
      .flatMap((folder) => readdirSync(join(golden, folder)).map((file) => textOf(folder, file)))
    const newer = JSON.stringify({ ...(JSON.parse(older[0] ?? '') as object), version: 6 })
    for (const text of [...older, newer]) {
      expect('value' in readText(shapes.catalogueIndexShape, text)).toBe(false)
      const store = new MemoryStore()
      await store.writeText('catalogue/hq/vm-100.json', text)
      const index = await readIndex('hq', { kind: 'vm', id: '100' }, { store, keyPrefix: '' })
      expect(index).toMatchObject({ damaged: false, archives: new Map() })
    }
  })
})

import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import {
  type BackupEvidence,
  backupEvidenceSchema,
  type EvidenceSource,
  verdictNameSchema,
  verdictSchema,
} from '../../../../functions/contracts/evidence.ts'
import { sourceArtifactSchema } from '../../../../functions/contracts/nouns.ts'
import { judgeProxmox as judge } from '../../../fakes/judge.ts'

const listed = {
  artifactRef: 'nas:backup/vzdump-qemu-100-2026_11_22-02_00_07.vma.zst',
  fileName: 'vzdump-qemu-100-2026_11_22-02_00_07.vma.zst',
  sizeBytes: 1_000_000,
  createdAt: '2026-11-22T02:00:07.000Z',
  location: {
    node: 'pve1',
    path: '/mnt/pve/nas/dump/vzdump-qemu-100-2026_11_22-02_00_07.vma.zst',
    storage: 'nas',
    volume: 'backup/vzdump-qemu-100-2026_11_22-02_00_07.vma.zst',
  },
}
const good: BackupEvidence = {
  jobRef: 'job-1',
  jobStartedAt: '2026-11-22T02:00:05.000Z',
  exitStatus: 'OK',
  ending: 'ok',
  warnings: [],
  errors: [],
  guestFinished: true,
  logComplete: true,
  archiveName: listed.fileName,
  listed,
  listedAgainSizeBytes: listed.sizeBytes,
  notes: 'before the upgrade',
}

/** The contract's shape, but for times: a verdict must not trust them to be readable. */
const backupEvidenceShape = backupEvidenceSchema.extend({
  listed: z.object({ ...sourceArtifactSchema.shape, createdAt: z.string() }).optional(),
})

/** The good evidence with changes; `undefined` takes a piece away. */
type Changes = { [Key in keyof BackupEvidence]?: BackupEvidence[Key] | undefined }

function evidence(changes: Changes): BackupEvidence {
  const merged = { ...good, ...changes }
  return backupEvidenceShape.parse(
    Object.fromEntries(Object.entries(merged).filter(([, value]) => value !== undefined)),
  )
}

/** One of several. */
const disk: EvidenceSource = { artifact: listed, listedAgainSizeBytes: listed.sizeBytes }

describe('the verdict on an archive of several sources', () => {
  const other = { ...disk, artifact: { ...listed, artifactRef: 'nas:backup/other', fileName: 'data/other.raw' } }
  const of = (...sources: EvidenceSource[]) => judge({ ...good, sources })

  it('is good when each of them is', () => {
    expect(of(disk, other)).toEqual({
      name: 'archived',
      good: true,
      reason: 'The job finished, and 2 files are the archive it made.',
    })
  })

  it('is as bad as the worst of them', () => {
    expect(of(disk, { ...other, listedAgainSizeBytes: 1 }).name).toBe('archive-still-growing')
    expect(of({ artifact: listed }, other).name).toBe('archive-missing')
    const old = { ...other.artifact, createdAt: '2020-01-01T00:00:00.000Z' }
    expect(of(disk, { ...other, artifact: old }).name).toBe('archive-older-than-job')
  })

  it.each([
    ['a name twice, in capitals', { fileName: listed.fileName.toUpperCase() }],
    ['a way out of the folder', { fileName: '../other.raw' }],
    ["the manifest's name", { fileName: 'manifest.json' }],
    ['a time of its own', { createdAt: '2026-11-22T02:00:08.000Z' }],
  ])('is not good with %s', (_, change) => {
    expect(of(disk, { ...other, artifact: { ...other.artifact, ...change } }).name).toBe('archive-inconsistent')
  })
})

describe('the verdict on a backup', () => {
  it('is archived when everything agrees', () => {
    expect(judge(good)).toEqual({
      name: 'archived',
      good: true,
      reason: `The job finished, and ${listed.fileName} is the archive it made.`,
    })
  })

  it.each<[string, Changes, string, RegExp]>([
    [
      'warnings are good, and the first is told',
      { exitStatus: 'WARNINGS: 2', ending: 'warnings', warnings: ['hook failed', 'hook failed again'] },
      'archived-with-warnings',
      /WARNINGS: 2, first: hook failed\)/,
    ],
    [
      'warnings of which the log holds none are still warnings',
      { exitStatus: 'WARNINGS: 1', ending: 'warnings' },
      'archived-with-warnings',
      /WARNINGS: 1/,
    ],
    [
      'errors inside a job that ended well are told',
      { errors: ['cannot remove snapshot'] },
      'archived-with-warnings',
      /cannot remove snapshot/,
    ],
    [
      'job errors',
      { exitStatus: 'job errors', ending: 'errors', guestFailure: 'no space left', guestFinished: false },
      'backup-failed',
      /no space left/,
    ],
    [
      'job errors without a word about this guest, even if it was finished',
      { exitStatus: 'job errors', ending: 'errors' },
      'backup-failed',
      /job errors/,
    ],
    [
      "a failure of this guest outweighs the job's good status",
      { guestFailure: 'guest agent hangs' },
      'backup-failed',
      /guest agent hangs/,
    ],
    ['a guest that the log never finished', { guestFinished: false }, 'backup-failed', /doesn't say/],
    [
      'interrupted by signal',
      { exitStatus: 'interrupted by signal', ending: 'interrupted' },
      'job-interrupted',
      /interrupted by signal/,
    ],
    [
      'unexpected status',
      { exitStatus: 'unexpected status', ending: 'unknown', advice: 'Unlock the guest.' },
      'job-lost',
      /unexpected status.*may still be locked\. Unlock the guest\./,
    ],
    ['a cut log', { logComplete: false }, 'log-incomplete', /cut or gone/],
    ['no archive named', { archiveName: undefined }, 'archive-unnamed', /names no archive/],
    ['an archive that is not listed', { listed: undefined }, 'archive-missing', /doesn't list/],
    [
      'another archive than the named one',
      { listed: { ...listed, fileName: 'vzdump-qemu-100-2026_11_21-02_00_07.vma.zst' } },
      'archive-missing',
      /doesn't list/,
    ],
    ['an archive that vanishes', { listedAgainSizeBytes: undefined }, 'archive-missing', /once and a moment later/],
    ['a size that moves', { listedAgainSizeBytes: 1_000_001 }, 'archive-still-growing', /1000000 bytes, then 1000001/],
    [
      'a size that moves from nothing',
      { listed: { ...listed, sizeBytes: 0 }, listedAgainSizeBytes: 5 },
      'archive-still-growing',
      /0 bytes/,
    ],
    ['nothing in it', { listed: { ...listed, sizeBytes: 0 }, listedAgainSizeBytes: 0 }, 'archive-empty', /is empty/],
    [
      'an archive of an hour ago',
      { listed: { ...listed, createdAt: '2026-11-22T01:00:07.000Z' } },
      'archive-older-than-job',
      /belongs to another backup/,
    ],
    [
      'an archive of a minute ago',
      { listed: { ...listed, createdAt: '2026-11-22T01:59:04.000Z' } },
      'archive-older-than-job',
      /2026-11-22T01:59:04/,
    ],
    [
      'a time that cannot be read',
      { listed: { ...listed, createdAt: 'yesterday' } },
      'archive-older-than-job',
      /yesterday/,
    ],
  ])('%s', (_, changes, name, reason) => {
    const verdict = judge(evidence(changes))
    expect(verdict.name).toBe(name)
    expect(verdict.reason).toMatch(reason)
    expect(verdict.good).toBe(name.startsWith('archived'))
  })

  it.each([
    ['the same second', '2026-11-22T02:00:05.000Z'],
    ['a second earlier, by rounding', '2026-11-22T02:00:04.000Z'],
    ['hours later, after waiting for another job', '2026-11-22T07:30:00.000Z'],
  ])('accepts an archive of %s as the job', (_, createdAt) => {
    expect(judge(evidence({ listed: { ...listed, createdAt } })).name).toBe('archived')
  })

  it('has a case here for every name', () => {
    const changes = [
      {},
      { ending: 'warnings' },
      { ending: 'errors' },
      { ending: 'interrupted' },
      { ending: 'unknown' },
      { logComplete: false },
      { archiveName: undefined },
      { listed: undefined },
      { listed: { ...listed, createdAt: '2020-01-01T00:00:00.000Z' } },
      { listedAgainSizeBytes: 1 },
      { listed: { ...listed, sizeBytes: 0 }, listedAgainSizeBytes: 0 },
      { sources: [disk, disk] },
    ] satisfies Changes[]
    expect(new Set(changes.map((change) => judge(evidence(change)).name))).toEqual(new Set(verdictNameSchema.options))
  })

  it('is never good when a required piece of evidence is absent or wrong', () => {
    const harms = fc.constantFrom<Changes>(
      { ending: 'errors' },
      { ending: 'interrupted' },
      { ending: 'unknown' },
      { guestFailure: 'broken' },
      { guestFinished: false },
      { logComplete: false },
      { archiveName: undefined },
      { archiveName: 'another.vma' },
      { listed: undefined },
      { listedAgainSizeBytes: undefined },
      { listedAgainSizeBytes: 999 },
      { listed: { ...listed, sizeBytes: 0 }, listedAgainSizeBytes: 0 },
      { listed: { ...listed, createdAt: '2026-11-21T02:00:07.000Z' } },
    )
    const harmless = fc.record({
      warnings: fc.array(fc.string()),
      errors: fc.array(fc.string()),
      exitStatus: fc.constantFrom('OK', 'WARNINGS: 1', ''),
      notes: fc.string(),
      advice: fc.string(),
    })
    fc.assert(
      fc.property(harmless, fc.array(harms, { minLength: 1 }), (base, changes) => {
        const verdict = judge(evidence(changes.reduce<Changes>((all, change) => ({ ...all, ...change }), base)))
        expect(verdict.good).toBe(false)
        expect(verdict.name.startsWith('archived')).toBe(false)
        expect(verdict.reason.length).toBeGreaterThan(10)
        verdictSchema.parse(verdict)
      }),
    )
  })

  it('is good whatever the warnings say, as long as everything agrees', () => {
    fc.assert(
      fc.property(fc.array(fc.string()), fc.constantFrom('ok' as const, 'warnings' as const), (warnings, ending) => {
        expect(judge(evidence({ warnings, ending })).good).toBe(true)
      }),
    )
  })

  it('is good with what the job requires and the archive lacks, each told, and with a warning where nothing is required', () => {
    const grade = {
      consistency: 'crash',
      reason: 'The agent is dead.',
      expected: 'file-system',
      gaps: [{ name: 'snapshots', what: 'its snapshots' }],
    } as const
    const graded = evidence({ grade: { ...grade, gaps: [...grade.gaps] } })
    const required = { consistency: 'file-system', complete: true, accept: [] } as const
    const verdict = judge(graded, { mode: 'snapshot', require: { ...required, accept: [] } })
    expect(verdict).toMatchObject({ name: 'archived-with-warnings', good: true })
    expect(verdict.unmet).toEqual([
      'It is crash consistent, and the job requires file-system consistent: The agent is dead.',
      'It lacks its snapshots.',
    ])
    for (const sentence of verdict.unmet ?? []) expect(verdict.reason).toContain(sentence)
    const unasked = judge(graded, { mode: 'snapshot' })
    expect(unasked).toMatchObject({ name: 'archived-with-warnings', good: true })
    expect(unasked).not.toHaveProperty('unmet')
    expect(unasked.reason).toContain('It is crash consistent and not file-system consistent: The agent is dead.')
    expect(
      judge(graded, { mode: 'snapshot', require: { consistency: 'crash', complete: false, accept: ['snapshots'] } }),
    ).toMatchObject({ name: 'archived' })
  })

  it('is no better for what the job requires when the backup is bad', () => {
    const require = { consistency: 'application', complete: true, accept: [] } as const
    const verdict = judge(evidence({ ending: 'unknown' }), { mode: 'stop', require: { ...require, accept: [] } })
    expect(verdict).toMatchObject({ name: 'job-lost', good: false })
    expect(verdict).not.toHaveProperty('unmet')
  })

  it('is unmet where older evidence tells no grade and the job requires one', () => {
    const require = { consistency: 'crash', complete: false, accept: [] } as const
    expect(judge(good, { mode: 'snapshot', require: { ...require, accept: [] } }).unmet).toHaveLength(1)
  })

  it('says why another mode was taken, in the words of the platform', () => {
    const used = { mode: 'suspend', modeBecause: 'some volumes do not support snapshots' } as const
    expect(judge(evidence({ used }), { mode: 'snapshot' }).reason).toContain(
      'It was asked for in mode snapshot and was made in mode suspend (some volumes do not support snapshots).',
    )
  })
})

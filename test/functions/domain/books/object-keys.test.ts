import { describe, expect, it } from 'vitest'
import * as keys from '../../../../functions/domain/books/object-keys.ts'

const guest = { id: '100', kind: 'vm', name: 'web', node: 'pve1' } as const

describe('object keys', () => {
  it('put an archive under site, guest and its own time', () => {
    const folder = keys.archiveFolder('', 'hq', guest, '2026-11-22T02:00:00.000Z')
    expect(folder).toBe('archives/hq/vm-100/2026-11-22T02-00-00Z/')
    expect(keys.artifactKey(folder, 'a.vma.zst')).toBe('archives/hq/vm-100/2026-11-22T02-00-00Z/a.vma.zst')
  })

  it('put a run under its day', () => {
    expect(keys.runPrefix('p/', 'run-1', '2026-11-02T23:59:59.999Z')).toBe('p/runs/2026/11/02/run-1/')
  })

  it('keep the prefix in front and only once', () => {
    expect(keys.uploadRecordKey('p/', 'p/archives/hq/vm-100/t/a')).toBe('p/uploads/archives/hq/vm-100/t/a.json')
    expect(keys.claimKey('p/', 'hq', guest)).toBe('p/claims/hq/vm-100.json')
  })
  it('put a sweep’s report under its day', () => {
    expect(keys.sweepReportKey('p/', 'sweep-1', '2026-11-02T23:59:59.999Z')).toBe('p/sweeps/2026/11/02/sweep-1.json')
  })

  it('tell whose archive a file is of, as they were made', () => {
    for (const [prefix, site, kind, id] of [
      ['', 'hq', 'vm', '100'],
      ['p/q/', 'branch-2', 'container', 'i-0abc_1'],
    ] as const) {
      const folder = keys.archiveFolder(prefix, site, { ...guest, kind, id }, '2026-11-22T02:00:00.000Z')
      for (const file of ['a b+ü.vma.zst', 'data/2026-11-22T02-00-00Z/a']) {
        const key = keys.artifactKey(folder, file)
        expect(keys.readArtifactKey(prefix, key)).toEqual({ site, guest: { kind, id }, folder })
        expect(keys.folderOf(key)).toBe(folder)
      }
    }
  })

  it.each([
    'archives/hq/vm-100/2026-11-22T02-00-00Z/',
    'archives/hq/vm-100/2026-11-22T02-00-00Z',
    'archives/hq/vm-/2026-11-22T02-00-00Z/a',
    'archives/hq/disk-100/2026-11-22T02-00-00Z/a',
    'archives/hq-/vm-100/2026-11-22T02-00-00Z/a',
    'archives/hq/vm-100/2026-11-22T02:00:00Z/a',
    'archives/hq/vm-100/2026-11-22T02-00-00Z/a/',
    'p/archives/hq/vm-100/2026-11-22T02-00-00Z/a',
    'x/archives/hq/vm-100/2026-11-22T02-00-00Z/a',
  ])('know %s for none of ours', (key) => {
    expect(keys.readArtifactKey('', key)).toBeUndefined()
  })

  it('take nothing outside the prefix for ours', () => {
    expect(keys.readArtifactKey('p/', 'archives/hq/vm-100/2026-11-22T02-00-00Z/a')).toBeUndefined()
    expect(keys.readArtifactKey('p/', 'archives/p/archives/hq/vm-100/2026-11-22T02-00-00Z/a')).toBeUndefined()
  })

  it('lead from an upload’s record back to the file', () => {
    const key = 'p/archives/hq/vm-100/2026-11-22T02-00-00Z/a.json'
    const record = keys.uploadRecordKey('p/', key)
    expect(record.startsWith(keys.uploadRecordsPrefix('p/'))).toBe(true)
    expect(keys.recordedKey('p/', record)).toBe(key)
  })
})

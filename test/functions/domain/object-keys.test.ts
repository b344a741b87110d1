import { describe, expect, it } from 'vitest'
import * as keys from '../../../functions/domain/object-keys.ts'

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
})

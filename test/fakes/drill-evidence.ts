import type { DrillEvidence } from '../../functions/contracts/drill.ts'

/** Evidence of a rehearsal of VM 100 that passed. */
export function evidenceOf(restoreId: string, changes: Partial<DrillEvidence> = {}): DrillEvidence {
  return {
    version: 1,
    restoreId,
    startedAt: '2026-11-20T02:00:00.000Z',
    endedAt: '2026-11-20T02:05:00.000Z',
    passed: true,
    summary: 'Drill passed: vm 100 (web) works.',
    site: 'hq',
    guest: { kind: 'vm', id: '100', name: 'web' },
    archive: {
      folder: 'archives/hq/vm-100/2026-11-19T02-00-07Z/',
      createdAt: '2026-11-19T02:00:07.000Z',
      fileName: 'vzdump-qemu-100-2026_11_19-02_00_07.vma.zst',
      sizeBytes: 10,
    },
    target: { site: 'hq', node: 'pve1', id: '9900' },
    checks: [{ name: 'restored', passed: true, seen: 'The platform made the guest from the archive.' }],
    seconds: { total: 245 },
    left: [],
    reportKey: `restores/2026/11/20/${restoreId}/report.json`,
    ...changes,
  }
}

/** A restore's report, as the workflow leaves it: vm 100 came back as 9100 on another node, as it was archived. */
import type { RestoreReport } from '../../functions/contracts/restore-report.ts'

export const restored: RestoreReport = {
  version: 1,
  restoreId: 'cli-1',
  startedAt: '2026-11-24T03:00:00.000Z',
  endedAt: '2026-11-24T03:02:10.000Z',
  outcome: 'succeeded',
  dryRun: false,
  summary:
    'vm 100 (web) of 2026-11-22T02:00:07.000Z was restored as guest 9100 on site hq, node pve2 in 130 s, as it was archived.',
  guest: { id: '100', kind: 'vm', name: 'web', node: 'pve1' },
  archive: {
    folder: 'archives/hq/vm-100/2026-11-22T02-00-07Z/',
    fileName: 'vzdump-qemu-100-2026_11_22-02_00_07.vma.zst',
    sizeBytes: 2 * 2 ** 30,
  },
  target: { site: 'hq', id: '9100', node: 'pve2', storages: ['local-lvm'] },
  bytes: 2 * 2 ** 30,
  seconds: { deliver: 64, create: 60, compare: 4, total: 130 },
  differences: [],
  expected: [],
  findings: [],
  warnings: [],
  left: [],
}

/** The same as a dry run that nothing stands against. */
export const foreseen: RestoreReport = {
  ...restored,
  dryRun: true,
  summary:
    'Dry run: vm 100 (web) of 2026-11-22T02:00:07.000Z can be restored as guest 9100 on site hq, node pve2. Nothing was changed.',
  target: { site: 'hq', id: '9100', node: 'pve2', storages: [] },
  bytes: 0,
  seconds: { total: 3 },
}

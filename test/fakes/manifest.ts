import type { Manifest } from '../../functions/contracts/manifest.ts'
import type { Guest } from '../../functions/contracts/nouns.ts'
import { goodEvidence, stored } from './evidence.ts'
import { item } from './ports.ts'

/** A manifest of guest 100 at site hq with files of these sizes. */
export function manifestOf(createdAt: string, sizes: readonly number[], guest: Guest = item.guest): Manifest {
  return {
    version: 1,
    writtenBy: 'guestlift/0.1.0',
    writtenAt: createdAt,
    runId: 'run-1',
    site: 'hq',
    platform: 'proxmox',
    platformVersion: '9.2.11',
    guest,
    createdAt,
    backup: item.backup,
    verdict: { name: 'archived', good: true, reason: '' },
    evidence: goodEvidence,
    artifacts: sizes.map((sizeBytes) => ({
      ...stored,
      sizeBytes,
      source: { ...stored.source, artifactRef: 'ref', path: '/path' },
    })),
    sideFiles: [],
  }
}

import { describe, expect, it } from 'vitest'
import { archiveFolder, artifactKey, manifestKey } from '../../../functions/domain/object-keys.ts'
import { lastStored } from '../../../functions/operations/last-stored.ts'
import { fakePorts, item } from '../../fakes/ports.ts'
import { goodEvidence } from '../../fakes/evidence.ts'

async function keep(ports: ReturnType<typeof fakePorts>, createdAt: string, sizes: number[], text?: string) {
  const folder = archiveFolder('p/', 'hq', item.guest, createdAt)
  const source = { sizeBytes: 1, modifiedAt: createdAt, artifactRef: 'a', path: '/a' }
  const manifest = {
    version: 1,
    writtenBy: 'guestlift/0.1.0',
    writtenAt: createdAt,
    runId: 'r',
    site: 'hq',
    platform: 'proxmox',
    platformVersion: '9.2.11',
    guest: item.guest,
    createdAt,
    backup: item.backup,
    verdict: { name: 'archived', good: true, reason: '' },
    evidence: goodEvidence,
    artifacts: sizes.map((sizeBytes) => ({
      key: 'k',
      fileName: 'f',
      sizeBytes,
      checksum: 'CRC32:AAAAAA==',
      partSizeBytes: 1,
      partCount: 1,
      source,
      bytesSent: 0,
    })),
    sideFiles: [],
  }
  await ports.store.writeText(artifactKey(folder, 'f'), 'bytes')
  await ports.store.writeText(manifestKey(folder), text ?? JSON.stringify(manifest))
}

describe('the newest archive of a guest in the bucket', () => {
  const ports = () => ({ ...fakePorts(), keyPrefix: 'p/' })

  it('is the last that has a manifest, with the sum of its files', async () => {
    const its = ports()
    await keep(its, '2026-11-20T02:00:00.000Z', [5])
    await keep(its, '2026-11-21T02:00:00.000Z', [10, 20])
    await its.store.writeText('p/archives/hq/vm-100/2026-11-22T02-00-00Z/half.vma.zst', 'no manifest')
    await its.store.writeText('p/archives/hq/vm-1001/2026-11-23T02-00-00Z/manifest.json', '{}')
    expect(await lastStored('hq', item.guest, its)).toEqual({
      createdAt: '2026-11-21T02:00:00.000Z',
      sizeBytes: 30,
      compress: 'zstd',
    })
  })

  it('is none where there is none, or none that can be read', async () => {
    const its = ports()
    expect(await lastStored('hq', item.guest, its)).toBeUndefined()
    await keep(its, '2026-11-20T02:00:00.000Z', [5], 'no JSON')
    expect(await lastStored('hq', item.guest, its)).toBeUndefined()
    await keep(its, '2026-11-21T02:00:00.000Z', [5], '{"version":2}')
    expect(await lastStored('hq', item.guest, its)).toBeUndefined()
  })
})

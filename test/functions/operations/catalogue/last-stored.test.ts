import { describe, expect, it } from 'vitest'
import { archiveFolder, artifactKey, manifestKey } from '../../../../functions/domain/books/object-keys.ts'
import { lastStored } from '../../../../functions/operations/catalogue/last-stored.ts'
import { fakePorts, item } from '../../../fakes/ports.ts'
import { manifestOf } from '../../../fakes/manifest.ts'

async function keep(
  ports: ReturnType<typeof fakePorts>,
  createdAt: string,
  sizes: number[],
  text?: string,
  its: object = {},
) {
  const folder = archiveFolder('p/', 'hq', item.guest, createdAt)
  await ports.store.writeText(artifactKey(folder, 'f'), 'bytes')
  await ports.store.writeText(manifestKey(folder), text ?? JSON.stringify({ ...manifestOf(createdAt, sizes), ...its }))
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

  it('is the last that was made, whatever the clock of the platform said', async () => {
    const its = ports()
    await keep(its, '2031-11-20T02:00:00.000Z', [5], undefined, { writtenAt: '2026-11-20T02:10:00.000Z' })
    await keep(its, '2026-11-21T02:00:00.000Z', [10])
    expect(await lastStored('hq', item.guest, its)).toMatchObject({ createdAt: '2026-11-21T02:00:00.000Z' })
  })

  it('is none of another guest that had the id', async () => {
    const its = ports()
    const guest = { ...item.guest, identity: { id: 'smbios:1' } }
    await keep(its, '2026-11-20T02:00:00.000Z', [5], undefined, { guest })
    expect(await lastStored('hq', guest, its)).toMatchObject({ sizeBytes: 5 })
    expect(await lastStored('hq', { ...guest, identity: { id: 'smbios:2' } }, its)).toBeUndefined()
    expect(await lastStored('hq', item.guest, its)).toMatchObject({ sizeBytes: 5 })
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

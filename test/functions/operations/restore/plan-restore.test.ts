import { describe, expect, it } from 'vitest'
import { manifestKey, verificationKey } from '../../../../functions/domain/books/object-keys.ts'
import { openBed, RESTORE, STARTED_AT } from './bed.ts'

describe('planning a restore', () => {
  it('writes down which object is restored as what, and is the same when it is asked again', async () => {
    const bed = await openBed()
    expect(await bed.plan()).toEqual({ restore: RESTORE, confirmed: true, drill: false })
    const first = await bed.record()
    expect(first).toMatchObject({
      restoreId: 'restore-1',
      target: { id: '9100', node: 'pve1' },
      archive: { folder: bed.folder, key: bed.key, sizeBytes: 10, platform: 'proxmox' },
    })
    await bed.plan()
    expect(await bed.record()).toEqual(first)
  })

  it('is a dry run unless a person confirms it, and keeps id and node of the archive unless told', async () => {
    const bed = await openBed()
    expect(await bed.plan({ confirm: false, id: undefined })).toMatchObject({ confirmed: false })
    expect((await bed.record()).target).toEqual({ id: '100', node: 'pve1' })
  })

  it('takes a day to its end', async () => {
    const bed = await openBed()
    await bed.plan({ at: '2026-11-22' })
    expect((await bed.record()).request.at).toBe('2026-11-22T23:59:59.999Z')
    const none = await openBed()
    await expect(none.plan({ at: '2026-11-21' })).rejects.toMatchObject({ name: 'ArchiveUnknown' })
  })

  it.each([
    ['a field that nobody knows', { vmid: '9100' }],
    ['an id that no platform has', { id: '../1' }],
    ['a moment that is none', { at: 'yesterday' }],
    ['no site', { site: undefined }],
  ])('refuses %s, and begins nothing', async (_what, changes) => {
    const bed = await openBed()
    await expect(bed.plan(changes)).rejects.toMatchObject({ name: 'InvalidJob' })
    expect(await bed.record()).toBeNull()
  })

  it('refuses an archive that its verification refused, unless a person insists', async () => {
    const bed = await openBed()
    const findings = [{ code: 'damaged', message: 'Cluster 7 is missing.' }]
    const verification = {
      version: 1,
      verifiedAt: STARTED_AT,
      tool: 't',
      result: 'refused',
      findings,
      notes: [],
      evidence: [],
    }
    await bed.ports.store.writeText(verificationKey(bed.folder), JSON.stringify(verification))
    await expect(bed.plan()).rejects.toMatchObject({
      name: 'RestoreRefused',
      message: expect.stringContaining('Cluster 7 is missing.') as unknown,
    })
    await bed.plan({ despiteRefused: true })
    expect((await bed.record()).warnings).toEqual([
      'The archive was restored although its verification refused it: Cluster 7 is missing.',
    ])
  })

  it('takes no verdict that it can not read for an acquittal', async () => {
    const bed = await openBed()
    await bed.ports.store.writeText(verificationKey(bed.folder), '<html>')
    await expect(bed.plan()).rejects.toMatchObject({ name: 'RecordUnreadable' })
  })

  it('refuses an object that is another than the manifest names', async () => {
    const bed = await openBed()
    await bed.ports.store.writeText(bed.key, 'an archivE')
    await expect(bed.plan()).rejects.toMatchObject({ name: 'ArchiveConflict' })
  })

  it('takes an object of which the store knows no checksum, and none of another size', async () => {
    const bed = await openBed()
    const head = bed.ports.store.head.bind(bed.ports.store)
    const without = async (key: string, sizeBytes?: number) => {
      const found = await head(key)
      if (found === undefined) return undefined
      return { etag: found.etag, sizeBytes: sizeBytes ?? found.sizeBytes }
    }
    bed.ports.store.head = (key) => without(key, 11)
    await expect(bed.plan()).rejects.toMatchObject({
      name: 'ArchiveConflict',
      message: expect.stringContaining(`s3://memory/${bed.key} isn't the object`) as unknown,
    })
    bed.ports.store.head = (key) => without(key)
    expect(await bed.plan()).toMatchObject({ confirmed: true })
  })

  it('refuses an archive of disks, which no platform restores from', async () => {
    const bed = await openBed()
    const key = manifestKey(bed.folder)
    const manifest = JSON.parse((await bed.ports.store.readText(key))?.text ?? '') as { artifacts: { key: string }[] }
    const [file] = manifest.artifacts
    const artifacts = [file, { ...file, key: `${file?.key}.2` }]
    await bed.ports.store.writeText(`${bed.key}.2`, 'an archive')
    await bed.ports.store.writeText(key, JSON.stringify({ ...manifest, artifacts }))
    await expect(bed.plan()).rejects.toMatchObject({ name: 'RestoreRefused' })
  })
})

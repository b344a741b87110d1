import { describe, expect, it } from 'vitest'
import { PlatformUnavailable, TargetUnwritable } from '../../../../functions/contracts/errors.ts'
import { checkTarget } from '../../../../functions/operations/restore/check-target.ts'
import { thawArchive } from '../../../../functions/operations/restore/thaw-archive.ts'
import { openBed, WORK } from './bed.ts'

describe('checking the target', () => {
  it('takes the id for the restore, and settles where the file goes', async () => {
    const bed = await openBed()
    await bed.plan()
    expect(await checkTarget(WORK, bed.ports)).toEqual({ frozen: false, imports: false })
    const record = await bed.record()
    expect(record.place).toMatchObject({ node: 'pve1', storage: 'local', folder: '/dump' })
    expect(record.place?.fileName).toContain(record.token)
    const lease = JSON.parse((await bed.ports.store.readText('restores/open/hq/9100.json'))?.text ?? '{}') as unknown
    expect(lease).toMatchObject({ restoreId: 'restore-1', execution: WORK.execution })
  })

  it('refuses with every reason at once, and gives them to the report', async () => {
    const bed = await openBed()
    await bed.plan()
    bed.restores.findings = [
      { name: 'id-in-use', level: 'refusal', message: 'Id 9100 is taken.' },
      { name: 'space-tight', level: 'warning', message: 'Space is tight.' },
    ]
    bed.delivery.freeBytes = 1
    await expect(checkTarget(WORK, bed.ports)).rejects.toMatchObject({
      name: 'RestoreRefused',
      message: expect.stringMatching(/^Id 9100 is taken\. Site hq, node pve1: \/dump has 1 bytes free/) as unknown,
    })
    expect((await bed.record()).findings.map(({ name }) => name)).toEqual([
      'id-in-use',
      'space-tight',
      'delivery-unfit',
    ])
  })

  it('tells a way that is closed for good from one that is closed for the moment', async () => {
    const bed = await openBed()
    await bed.plan({ confirm: false })
    bed.delivery.check = () => Promise.reject(new TargetUnwritable('no right there'))
    await checkTarget(WORK, bed.ports)
    expect((await bed.record()).findings).toEqual([
      { name: 'delivery-unfit', level: 'refusal', message: 'no right there' },
    ])
    bed.delivery.check = () => Promise.reject(new PlatformUnavailable('restarting'))
    await expect(checkTarget(WORK, bed.ports)).rejects.toMatchObject({ name: 'PlatformUnavailable' })
  })

  it('remembers whom a restore may replace, and nobody where it may not', async () => {
    const present = { id: '9100', kind: 'vm', name: 'old', node: 'pve1', nodeOffline: false } as const
    const replacing = await openBed()
    replacing.restores.present = present
    await replacing.plan({ replace: true })
    await checkTarget(WORK, replacing.ports)
    expect((await replacing.record()).replaces).toEqual({ id: '9100', kind: 'vm', name: 'old', node: 'pve1' })
    const beside = await openBed()
    beside.restores.present = present
    await beside.plan()
    await checkTarget(WORK, beside.ports)
    expect((await beside.record()).replaces).toBeUndefined()
  })

  it('lets one restore at a time have an id', async () => {
    const bed = await openBed()
    await bed.plan()
    await checkTarget(WORK, bed.ports)
    const other = { ...WORK, execution: 'arn:restore:two' }
    await expect(checkTarget(other, bed.ports)).rejects.toMatchObject({ name: 'RestoreRefused' })
    bed.pass(1_300)
    expect(await checkTarget(other, bed.ports)).toEqual({ frozen: false, imports: false })
    await expect(checkTarget(WORK, bed.ports)).rejects.toMatchObject({ name: 'RestoreRefused' })
  })

  it('refuses a site of another platform, and one that brings no guests back', async () => {
    const other = await openBed()
    await other.plan()
    Object.assign(other.provider, { platform: 'vsphere' })
    await expect(checkTarget(WORK, other.ports)).rejects.toMatchObject({ name: 'RestoreRefused' })
    const unable = await openBed()
    await unable.plan()
    Object.assign(unable.provider, { restores: undefined })
    await expect(checkTarget(WORK, unable.ports)).rejects.toMatchObject({ name: 'RestoreRefused' })
  })
})

describe('an archive in Glacier', () => {
  it('is refused until a person says how it is to be thawed', async () => {
    const bed = await openBed()
    bed.ports.store.cold.set(bed.key, { storageClass: 'GLACIER', state: 'frozen' })
    await bed.plan()
    await expect(checkTarget(WORK, bed.ports)).rejects.toMatchObject({
      message: expect.stringContaining('Say how: thaw with tier bulk, standard or expedited.') as unknown,
    })
  })

  it('is refused when it is gone by then', async () => {
    const bed = await openBed()
    await bed.plan({ confirm: false })
    await bed.ports.store.remove(bed.key)
    await checkTarget(WORK, bed.ports)
    expect((await bed.record()).findings).toEqual([
      { name: 'archive-unfit', level: 'refusal', message: `s3://memory/${bed.key} is gone. Restore another archive.` },
    ])
  })

  it('is asked for once, and waited for until it can be read', async () => {
    const bed = await openBed()
    bed.ports.store.cold.set(bed.key, { storageClass: 'DEEP_ARCHIVE', state: 'frozen' })
    await bed.plan({ thaw: { tier: 'bulk' } })
    expect(await checkTarget(WORK, bed.ports)).toEqual({ frozen: true, imports: false })
    expect(await thawArchive(WORK, bed.ports)).toEqual({ waitSeconds: 900 })
    bed.pass(900)
    expect(await thawArchive(WORK, bed.ports)).toEqual({ waitSeconds: 900 })
    bed.ports.store.cold.set(bed.key, { storageClass: 'DEEP_ARCHIVE', state: 'readable' })
    bed.pass(900)
    expect(await thawArchive(WORK, bed.ports)).toEqual({ readable: true })
    expect(await checkTarget(WORK, bed.ports)).toEqual({ frozen: false, imports: false })
    const { steps } = await bed.record()
    expect((Date.parse(steps.thawedAt ?? '') - Date.parse(steps.thawBegunAt ?? '')) / 1000).toBe(1_800)
  })

  it('is warned about while its thawed copy is short of its end', async () => {
    const bed = await openBed()
    const readable = (readableUntil: string) => ({ storageClass: 'GLACIER', state: 'readable' as const, readableUntil })
    bed.ports.store.cold.set(bed.key, readable('2026-11-25T00:00:00.000Z'))
    await bed.plan()
    expect(await checkTarget(WORK, bed.ports)).toEqual({ frozen: false, imports: false })
    expect((await bed.record()).findings).toMatchObject([
      { level: 'warning', message: expect.stringContaining('can be read until 2026-11-25T00:00:00.000Z') as unknown },
    ])
    // Two days and no less.
    bed.ports.store.cold.set(bed.key, readable('2026-11-26T03:00:00.000Z'))
    await checkTarget(WORK, bed.ports)
    expect((await bed.record()).findings).toEqual([])
  })

  it('is given up when it can not be read after days', async () => {
    const bed = await openBed()
    bed.ports.store.cold.set(bed.key, { storageClass: 'GLACIER', state: 'frozen' })
    await bed.plan({ thaw: { tier: 'bulk' } })
    await checkTarget(WORK, bed.ports)
    await thawArchive(WORK, bed.ports)
    bed.pass(4 * 86_400 + 1)
    await expect(thawArchive(WORK, bed.ports)).rejects.toMatchObject({ name: 'ObjectFrozen' })
  })
})

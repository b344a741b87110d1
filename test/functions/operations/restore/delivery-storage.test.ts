import { describe, expect, it } from 'vitest'
import type { DiskImports } from '../../../../functions/providers/capabilities/disk-imports.ts'
import type { StorageRecord, Storages } from '../../../../functions/providers/capabilities/storages.ts'
import { diskStorage, fileStorage } from '../../../../functions/operations/restore/delivery-storage.ts'

const order = { site: 'hq', node: 'pve1' }
const importing = (...found: { storage: string; freeBytes: number }[]): DiskImports =>
  ({
    disksIn: () => [],
    storagesFor: async (node: string) => (node === 'pve1' ? found : []),
  }) as unknown as DiskImports
const record = (storage: string, freeBytes: number, backupsAreFiles = true) =>
  ({ storage, freeBytes, backupsAreFiles, type: 'dir' }) as unknown as StorageRecord
const keeping = (...found: StorageRecord[]) => {
  const storages: Partial<Storages> = { privileges: 'Datastore.Audit', forBackups: async () => found }
  return { storages: storages as Storages }
}

describe('the storage for disks', () => {
  it('is the one with most room, and of two alike the first by name', async () => {
    const [a, b, c] = ['a', 'b', 'c'].map((storage) => ({ storage, freeBytes: storage === 'c' ? 1 : 2 }))
    if (a === undefined || b === undefined || c === undefined) throw new Error('there are three')
    expect(await diskStorage(order, importing(c, b, a))).toBe('a')
    expect(await diskStorage(order, importing(a, b))).toBe('a')
    expect(await diskStorage(order, importing(a, { ...c, freeBytes: 3 }))).toBe('c')
  })

  it('has to be there', async () => {
    await expect(diskStorage(order, importing())).rejects.toMatchObject({
      name: 'StorageUnusable',
      message:
        'Site hq, node pve1: the account is shown no storage that takes disks to import. Allow that content on one, or restore with delivery "pull" or "sftp".',
    })
  })
})

describe("the storage for an archive's file", () => {
  it('is the one with most room of those that keep files', async () => {
    const found = [record('small', 1), record('large', 2), record('pbs', 9, false)]
    expect(await fileStorage(order, keeping(...found))).toBe('large')
  })

  it('has to be there, and which right shows one is said', async () => {
    await expect(fileStorage(order, keeping())).rejects.toMatchObject({
      name: 'StorageUnusable',
      message:
        'Site hq, node pve1: the account is shown no storage that keeps backups as files. Name one with deliveryStorage, or grant Datastore.Audit on one.',
    })
    await expect(fileStorage(order, {})).rejects.toThrow(/Name one with deliveryStorage\.$/)
  })
})

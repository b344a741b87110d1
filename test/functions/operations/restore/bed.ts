/** A bucket with one archive, a site that brings guests back, and a node in memory: what the operations of a restore need. */
import { crc32 } from 'node:zlib'
import type { RestoreRecord } from '../../../../functions/contracts/restore-record.ts'
import type { RestoreReport } from '../../../../functions/contracts/restore-report.ts'
import { archiveFolder, manifestKey, restorePrefix } from '../../../../functions/domain/books/object-keys.ts'
import { crc32ToBase64 } from '../../../../functions/domain/transfer/crc32.ts'
import { planRestore } from '../../../../functions/operations/restore/plan-restore.ts'
import { FakeRestores } from '../../../fakes/fake-restores.ts'
import { manifestOf } from '../../../fakes/manifest.ts'
import { MemoryDelivery } from '../../../fakes/memory-delivery.ts'
import { fakePorts, item } from '../../../fakes/ports.ts'

export const FILE_NAME = 'vzdump-qemu-100-2026_11_22-02_00_07.vma.zst'
export const STARTED_AT = '2026-11-24T03:00:00.000Z'
export const RESTORE = { id: 'restore-1', startedAt: STARTED_AT }
export const WORK = { restore: RESTORE, execution: 'arn:restore:one' }
export const REQUEST = { archive: 'hq/vm-100', site: 'hq', id: '9100', confirm: true }

export type Bed = Awaited<ReturnType<typeof openBed>>

/** @param body the archive's bytes */
export async function openBed(body: Buffer = Buffer.from('an archive')) {
  const ports = fakePorts()
  ports.clock.now = new Date(STARTED_AT)
  const restores = new FakeRestores()
  const delivery = new MemoryDelivery()
  const provider = Object.assign(ports.fakeProvider, { restores })
  provider.storageRecords = [
    {
      storage: 'local',
      node: 'pve1',
      type: 'dir',
      content: ['backup'],
      takesBackups: true,
      backupsAreFiles: true,
      enabled: true,
      active: true,
      shared: false,
      totalBytes: 1e12,
      freeBytes: 5e11,
    },
  ]
  const createdAt = '2026-11-22T02:00:07.000Z'
  const folder = archiveFolder('', 'hq', item.guest, createdAt)
  const key = `${folder}${FILE_NAME}`
  const manifest = manifestOf(createdAt, [body.length])
  const artifacts = manifest.artifacts.map((artifact) => ({
    ...artifact,
    key,
    fileName: FILE_NAME,
    checksum: `CRC32:${crc32ToBase64(crc32(body))}`,
  }))
  const { store } = ports
  // Large ones aren't worth a checksum for their tag.
  store.objects.set(key, { body, etag: '"archive"' })
  const configuration = { name: 'qemu-server.conf', text: 'memory: 512\n' }
  await store.writeText(manifestKey(folder), JSON.stringify({ ...manifest, artifacts, configuration }))
  const prefix = restorePrefix('', RESTORE.id, STARTED_AT)
  const json = async (name: string): Promise<unknown> =>
    JSON.parse((await store.readText(`${prefix}${name}`))?.text ?? 'null')
  return {
    ports: { ...ports, delivery: async () => delivery },
    folder,
    key,
    restores,
    delivery,
    provider,
    plan: (changes: Record<string, unknown> = {}) =>
      planRestore({ restoreId: RESTORE.id, startedAt: STARTED_AT, request: { ...REQUEST, ...changes } }, ports),
    record: async () => (await json('restore.json')) as RestoreRecord,
    report: async () => (await json('report.json')) as RestoreReport,
    pass: (seconds: number) => {
      ports.clock.now = new Date(ports.clock.now.getTime() + seconds * 1000)
    },
  }
}

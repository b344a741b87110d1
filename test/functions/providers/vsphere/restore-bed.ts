/** An archived guest of the lab, and all that a restore of it does, as the workflow asks for it. */
import { crc32 } from 'node:zlib'
import type { Guest } from '../../../../functions/contracts/nouns.ts'
import { vsphereAccessSchema } from '../../../../functions/contracts/vsphere-access.ts'
import type {
  BroughtDisks,
  DiskRestores,
  IntendedDisks,
} from '../../../../functions/providers/capabilities/disk-restores.ts'
import type { VsphereSite } from '../../../../functions/providers/vsphere/config.ts'
import { openVsphere } from '../../../../functions/providers/vsphere/provider.ts'
import { openDatastoreWriter } from '../../../../functions/writers/datastore/datastore.ts'
import type { FileDiskWriter } from '../../../../functions/writers/disk-writer.ts'
import type { VsphereLabOptions } from '../../../../local/labs/vsphere/lab.ts'
import { MIB, options, SITE, type VsphereBed, vsphereBed, WEB } from './bed.ts'

export const TOKEN = '0f1e2d3c4b5a6978'
export const never = new AbortController().signal
const SIZES = [8 * MIB, 4 * MIB]

export interface RestoreBed extends VsphereBed {
  restores: DiskRestores
  writer: FileDiskWriter
  /** What its disks held. */
  disks: readonly Buffer[]
  intended(target?: Partial<IntendedDisks['target']>, token?: string): IntendedDisks
  /** The disks are there, and proved. */
  brought(intended: IntendedDisks): Promise<BroughtDisks>
  close(): Promise<void>
}

/** @param auth of an account of its own that restores; without it, that of backups does */
export async function restoreBed(given: VsphereLabOptions = {}, auth?: VsphereSite['auth']): Promise<RestoreBed> {
  const bed = await vsphereBed(given)
  const { provider, lab, site } = bed
  const guest: Guest = await bed.guest()
  const { jobRef } = await provider.start(guest, options(), 'aaaaaaaaaaaaaaaa')
  await bed.ended(jobRef)
  const { sideFiles } = await provider.gather(jobRef, guest, 'local')
  for (const { id } of lab.control.snapshots()) lab.control.removeSnapshot(id)
  const disks = SIZES.map((size, index) => Buffer.from(lab.control.readDisk(WEB, 2000 + index, 0, size)))
  const files = new Map(
    sideFiles.map((file) => [
      file.name.replace(/^side\//, ''),
      'text' in file ? Buffer.from(file.text) : Buffer.from(file.base64, 'base64'),
    ]),
  )
  const deps = { now: () => new Date(), sleep: async () => undefined }
  const its = auth === undefined ? site : { ...site, auth }
  const writer = openDatastoreWriter(SITE, vsphereAccessSchema.parse(its), deps)
  const restorer = openVsphere(SITE, its, { ...deps, log: () => undefined })
  const { diskRestores: restores } = restorer
  if (restores === undefined) throw new Error('vSphere brings disks back')
  return {
    ...bed,
    restores,
    writer,
    disks,
    intended: (target = {}, token = TOKEN) => ({
      archive: {
        guest,
        disks: ['web01.raw.zst', 'web01_1.raw.zst'].map((fileName, at) => ({ fileName, sizeBytes: SIZES[at] ?? 0 })),
        description: files.get('guest.json')?.toString(),
        origin: 's3://archives/archives/vc1/vm-web/',
      },
      target: { node: guest.node, to: 'guest', guest: { unique: false }, ...target },
      token,
    }),
    brought: async (intended) => {
      const { disks: wanted, findings } = await restores.checkTarget(intended)
      if (wanted.length === 0) throw new Error(JSON.stringify(findings))
      const all: BroughtDisks['disks'][number][] = []
      for (const [at, disk] of wanted.entries()) {
        const bytes = disks[at] ?? Buffer.alloc(0)
        const fill = { ...disk, token: intended.token }
        const ref = await writer.begin(fill)
        await writer.put(fill, () => inChunks(bytes), never)
        if ((await writer.sumOf(fill, never)) !== crc32(bytes)) throw new Error(`${ref} holds other bytes`)
        all.push({ ...disk, ref })
      }
      return { ...intended, disks: all, sideFiles: files }
    },
    close: async () => {
      await writer.close()
      await restorer.close()
      await bed.close()
    },
  }
}

export async function* inChunks(bytes: Buffer, size = 2 ** 20): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}

import { randomBytes } from 'node:crypto'
import { crc32 } from 'node:zlib'
import type { AllocationMap } from '../../../../functions/contracts/disk-archive.ts'
import type { SourceArtifact, SourceIdentity } from '../../../../functions/contracts/nouns.ts'
import type { TaskInput } from '../../../../functions/contracts/tasks.ts'
import type { Upload } from '../../../../functions/contracts/upload.ts'
import { ConnectionDropped, ShortRead } from '../../../../functions/contracts/errors.ts'
import type { Reader, Route } from '../../../../functions/readers/reader.ts'
import { execution, type FakePorts, fakePorts, item } from '../../../fakes/ports.ts'

export const PART_BYTES = 1000

/** A source in memory behind a route that can be told to fail. */
export class FakeSource implements Route {
  body: Buffer
  modifiedAt = '2026-11-22T02:10:00.000Z'
  /** Where the platform knows which blocks of a disk were written. */
  map: AllocationMap | undefined
  /** Reads at these positions fail this often with a cut connection. */
  readonly cuts = new Map<number, number>()
  /** A connection that was asked for more is cut. */
  bytesPerConnection = Number.POSITIVE_INFINITY
  readonly readPositions: number[] = []
  opened = 0
  closed = 0
  /** Called before each read. */
  beforeRead: (positionBytes: number) => void | Promise<void> = () => undefined

  constructor(body: Buffer) {
    this.body = body
  }

  endOf(node: string): string {
    return node
  }

  async check(): Promise<void> {}

  async open(): Promise<Reader> {
    this.opened++
    const { map } = this
    let broken = false
    let left = this.bytesPerConnection
    const alive = (): void => {
      if (broken) throw new ConnectionDropped('cut by the test')
    }
    return {
      opened: { sizeBytes: this.body.length, modifiedAt: this.modifiedAt },
      stat: async (): Promise<SourceIdentity> => {
        alive()
        return { sizeBytes: this.body.length, modifiedAt: this.modifiedAt }
      },
      read: async (positionBytes, target, signal) => {
        await this.beforeRead(positionBytes)
        signal?.throwIfAborted()
        alive()
        this.readPositions.push(positionBytes)
        const cuts = this.cuts.get(positionBytes) ?? 0
        if (cuts > 0) {
          this.cuts.set(positionBytes, cuts - 1)
          broken = true
        }
        left -= target.length
        if (left < 0) broken = true
        alive()
        if (positionBytes + target.length > this.body.length) throw new ShortRead('the test source ended')
        this.body.copy(target, 0, positionBytes)
        return crc32(target)
      },
      ...(map === undefined ? {} : { allocation: async () => map }),
      close: async () => {
        this.closed++
      },
    }
  }
}

export interface Scene {
  ports: FakePorts
  source: FakeSource
  artifact: SourceArtifact
  key: string
  recordKey: string
}

/** Ports over a memory store and a source of `sizeBytes` random bytes. */
export function scene(sizeBytes = 10 * PART_BYTES - 1): Scene {
  const source = new FakeSource(randomBytes(sizeBytes))
  const ports = { ...fakePorts(), route: async () => source }
  const artifact: SourceArtifact = {
    artifactRef: 'local:backup/vzdump-qemu-100-2026_11_22-02_00_00.vma.zst',
    fileName: 'vzdump-qemu-100-2026_11_22-02_00_00.vma.zst',
    sizeBytes,
    createdAt: '2026-11-22T02:00:00.000Z',
    location: {
      node: 'pve1',
      path: '/var/lib/vz/dump/vzdump-qemu-100-2026_11_22-02_00_00.vma.zst',
      storage: 'local',
      volume: 'backup/vzdump-qemu-100-2026_11_22-02_00_00.vma.zst',
    },
  }
  const key = `archives/hq/vm-100/2026-11-22T02-00-00Z/${artifact.fileName}`
  return { ports, source, artifact, key, recordKey: `uploads/${key}.json` }
}

/** An upload of the scene's source in small parts, opened in its store. */
export async function smallUpload({ ports, source, key }: Scene): Promise<Upload> {
  return {
    key,
    uploadId: await ports.store.createUpload(key),
    partSizeBytes: PART_BYTES,
    partCount: Math.max(1, Math.ceil(source.body.length / PART_BYTES)),
    source: { sizeBytes: source.body.length, modifiedAt: source.modifiedAt },
  }
}

/** Put a part's right bytes into the store, as an earlier call would have. */
export async function putPart({ ports, source }: Scene, upload: Upload, partNumber: number): Promise<void> {
  const body = source.body.subarray((partNumber - 1) * PART_BYTES, partNumber * PART_BYTES)
  await ports.store.putPart(upload.key, upload.uploadId, partNumber, body, crc32(body))
}

export function copyInput(
  { artifact }: Scene,
  upload: Upload,
  changes: Partial<TaskInput<'CopyParts'>> = {},
): TaskInput<'CopyParts'> {
  const chunk = { firstPart: 1, lastPart: upload.partCount }
  const order = { seconds: 600, partsInFlight: 4 }
  return { item, execution, artifact, upload, chunk, order, ...changes }
}

import type { TaskInput } from '../../contracts/tasks.ts'
import type { Pacer } from './pacer.ts'
import type { PartMover } from './part-mover.ts'
import type { Ports } from '../ports.ts'
import { SourceSession } from './source-session.ts'

type Needs = Pick<Ports, 'store' | 'route' | 'now' | 'sleep' | 'log'>

/** Reads each part into memory and sends it from there, so that it can be sent again. */
export class PullParts implements PartMover {
  readonly #store: Ports['store']
  readonly #upload: TaskInput<'CopyParts'>['upload']
  readonly #source: SourceSession
  readonly #pacer: Pacer
  /** One for each lane, used for part after part. */
  readonly #buffers: Buffer[] = []

  constructor(ports: Needs, { item, artifact, upload }: TaskInput<'CopyParts'>, pacer: Pacer) {
    this.#store = ports.store
    this.#upload = upload
    this.#pacer = pacer
    this.#source = new SourceSession(ports, item.site, artifact, upload.source)
  }

  get drops(): number {
    return this.#source.drops
  }

  assertUnchanged(signal: AbortSignal): Promise<void> {
    return this.#source.assertUnchanged(signal)
  }

  async move(
    lane: number,
    partNumber: number,
    { positionBytes, sizeBytes }: { positionBytes: number; sizeBytes: number },
    signal: AbortSignal,
  ): Promise<{ throttles: number }> {
    const body = this.#buffer(lane).subarray(0, sizeBytes)
    const crc32 = await this.#pacer.inSlices(body, signal, (at, slice) =>
      this.#source.read(positionBytes + at, slice, signal),
    )
    return this.#store.putPart(this.#upload.key, this.#upload.uploadId, partNumber, body, crc32, signal)
  }

  close(): Promise<void> {
    return this.#source.close()
  }

  #buffer(lane: number): Buffer {
    const { partSizeBytes, source } = this.#upload
    return (this.#buffers[lane] ??= Buffer.allocUnsafeSlow(Math.min(partSizeBytes, source.sizeBytes)))
  }
}

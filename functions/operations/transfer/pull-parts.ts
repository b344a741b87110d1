import type { TaskInput } from '../../contracts/tasks.ts'
import { type PartEncoder, type ReadSource, Scratch } from '../../domain/encoding/part-encoder.ts'
import type { Pacer } from './pacer.ts'
import type { MovedPart, PartMover } from './part-mover.ts'
import { writePartRecord } from '../books/part-records.ts'
import type { Ports } from '../ports.ts'
import { type ProvedUpload, provedUpload } from './proved-upload.ts'
import { SourceSession } from './source-session.ts'

type Needs = Pick<Ports, 'store' | 'keyPrefix' | 'route' | 'now' | 'sleep' | 'log'>

/** Makes each part in memory of what it reads, and sends it from there, so that it can be sent again. */
export class PullParts implements PartMover {
  readonly #ports: Needs
  readonly #upload: TaskInput<'CopyParts'>['upload']
  readonly #sending: ProvedUpload
  readonly #encoder: PartEncoder
  readonly #source: SourceSession
  readonly #pacer: Pacer
  /** One for each lane, used for part after part. */
  readonly #scratches: Scratch[] = []

  constructor(ports: Needs, { item, artifact, upload }: TaskInput<'CopyParts'>, encoder: PartEncoder, pacer: Pacer) {
    this.#ports = ports
    this.#upload = upload
    this.#sending = provedUpload(upload, ports)
    this.#encoder = encoder
    this.#pacer = pacer
    this.#source = new SourceSession(ports, item.site, artifact, upload.source)
  }

  get drops(): number {
    return this.#source.drops
  }

  get billedReads(): number | undefined {
    return this.#source.billedReads
  }

  assertUnchanged(signal: AbortSignal): Promise<void> {
    return this.#source.assertUnchanged(signal)
  }

  async move(lane: number, partNumber: number, signal: AbortSignal): Promise<MovedPart> {
    const read: ReadSource = (positionBytes, target) =>
      this.#pacer.inSlices(target, signal, (at, slice) => this.#source.read(positionBytes + at, slice, signal))
    const scratch = (this.#scratches[lane] ??= new Scratch())
    const part = await this.#encoder.encode(partNumber, read, scratch, signal)
    const { sizeBytes, record } = part
    // S3's list doesn't know what a part stands for: its record has to be there before it.
    if (record !== undefined) await writePartRecord(this.#ports, this.#upload.key, record)
    const { throttles } = await this.#sending.send(part, signal)
    return { sentBytes: sizeBytes, readBytes: this.#encoder.partOfSource(partNumber).readBytes, throttles }
  }

  close(): Promise<void> {
    return this.#source.close()
  }
}

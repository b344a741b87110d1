import { SourceUnreadable } from '../../contracts/errors.ts'
import type { TaskInput } from '../../contracts/tasks.ts'
import type { Pacer } from './pacer.ts'
import type { Pusher } from '../../readers/reader.ts'
import type { PartEncoder } from '../../domain/encoding/part-encoder.ts'
import type { MovedPart, PartMover } from './part-mover.ts'
import type { Ports } from '../ports.ts'
import { type ProvedUpload, provedUpload } from './proved-upload.ts'
import { Reconnecting } from './reconnecting.ts'
import { assertSourceUnchanged } from './source-identity.ts'
import { pinned } from './source-session.ts'

type Needs = Pick<Ports, 'store' | 'keyPrefix' | 'route' | 'now' | 'sleep' | 'log'>

/** Has the node send each part, which are bytes of the source then; none of them comes here. */
export class PushParts implements PartMover {
  readonly #sending: ProvedUpload
  readonly #task: TaskInput<'CopyParts'>
  readonly #encoder: PartEncoder
  readonly #pacer: Pacer
  readonly #session: Reconnecting<Pusher>

  constructor(ports: Needs, task: TaskInput<'CopyParts'>, encoder: PartEncoder, pacer: Pacer) {
    this.#sending = provedUpload(task.upload, ports)
    this.#task = task
    this.#encoder = encoder
    this.#pacer = pacer
    const { item, artifact, upload } = task
    const open = async (): Promise<Pusher> => {
      const route = await ports.route(item.site)
      if (route.openPusher === undefined) throw new SourceUnreadable(`the route of site ${item.site} can't push`)
      return route.openPusher(artifact.location)
    }
    this.#session = new Reconnecting(ports, item.site, pinned(open, upload.source, artifact))
  }

  get drops(): number {
    return this.#session.drops
  }

  async assertUnchanged(signal: AbortSignal): Promise<void> {
    const { upload, artifact } = this.#task
    assertSourceUnchanged(await this.#session.use((pusher) => pusher.stat(), signal), upload.source, artifact)
  }

  async move(_lane: number, partNumber: number, signal: AbortSignal): Promise<MovedPart> {
    const range = this.#encoder.partOfSource(partNumber)
    await this.#pacer.turn(range.sizeBytes, signal)
    const { throttles } = await this.#session.use(
      (pusher) =>
        pusher.push(
          range,
          (sums) => this.#sending.presign(partNumber, { ...sums, sizeBytes: range.sizeBytes }),
          signal,
        ),
      signal,
    )
    return { sentBytes: range.sizeBytes, readBytes: range.readBytes, throttles }
  }

  close(): Promise<void> {
    return this.#session.close()
  }
}

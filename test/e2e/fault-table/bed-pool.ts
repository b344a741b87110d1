import { synthesise } from '../../../local/run/assembly.ts'
import { type Bed, type BedKind, openBed } from './bed.ts'

/** Opens beds as they are asked for, lends each to one fault at a time, and keeps it for the next. */
export class BedPool {
  readonly #free = new Map<BedKind, Bed[]>()
  readonly #all: Promise<Bed>[] = []
  /** Once for all beds: they try the same version, and two can't synthesise at once in one process. */
  #app: Promise<string> | undefined

  async use<T>(kind: BedKind, work: (bed: Bed) => Promise<T>): Promise<T> {
    const bed = this.#free.get(kind)?.pop() ?? (await this.#open(kind))
    try {
      return await work(bed)
    } finally {
      this.#free.set(kind, [...(this.#free.get(kind) ?? []), bed])
    }
  }

  /** Ends everything that the beds started, whatever is under way. */
  async close(): Promise<void> {
    const opened = await Promise.allSettled(this.#all)
    await Promise.all(opened.map(async (each) => (each.status === 'fulfilled' ? each.value.close() : undefined)))
  }

  #open(kind: BedKind): Promise<Bed> {
    this.#app ??= synthesise(() => undefined)
    const opening = this.#app.then((app) => openBed(kind, app))
    this.#all.push(opening)
    return opening
  }
}

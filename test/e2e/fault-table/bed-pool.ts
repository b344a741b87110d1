import { synthesise } from '../../../local/run/assembly.ts'
import { type Bed, type BedKind, openBed } from './bed.ts'

/** Opens beds as they are asked for, lends each to one fault at a time, and keeps it for the next. */
export class BedPool {
  readonly #free = new Map<BedKind, Bed[]>()
  readonly #all: Promise<Bed>[] = []
  /** Once for all beds: they try the same version, and two can't synthesise at once in one process. */
  #app: Promise<string> | undefined
  readonly #most: Readonly<Partial<Record<BedKind, number>>>
  readonly #lent = new Map<BedKind, number>()
  /** Faults that wait for a bed of a kind, first come first served. */
  readonly #waiting = new Map<BedKind, (() => void)[]>()

  /** @param most beds of a kind that there may be at once; as many as are asked for, if left out */
  constructor(most: Readonly<Partial<Record<BedKind, number>>> = {}) {
    this.#most = most
  }

  async use<T>(kind: BedKind, work: (bed: Bed) => Promise<T>): Promise<T> {
    await this.#turn(kind)
    try {
      const bed = this.#free.get(kind)?.pop() ?? (await this.#open(kind))
      try {
        return await work(bed)
      } finally {
        this.#free.set(kind, [...(this.#free.get(kind) ?? []), bed])
      }
    } finally {
      this.#endTurn(kind)
    }
  }

  /** Ends everything that the beds started, whatever is under way. */
  async close(): Promise<void> {
    const opened = await Promise.allSettled(this.#all)
    await Promise.all(opened.map(async (each) => (each.status === 'fulfilled' ? each.value.close() : undefined)))
  }

  async #turn(kind: BedKind): Promise<void> {
    const lent = this.#lent.get(kind) ?? 0
    if (lent < (this.#most[kind] ?? Number.POSITIVE_INFINITY)) this.#lent.set(kind, lent + 1)
    else await new Promise<void>((resolve) => this.#waiting.set(kind, [...(this.#waiting.get(kind) ?? []), resolve]))
  }

  /** The turn goes to the next who waits; that bed stays lent. */
  #endTurn(kind: BedKind): void {
    const [next, ...others] = this.#waiting.get(kind) ?? []
    this.#waiting.set(kind, others)
    if (next === undefined) this.#lent.set(kind, (this.#lent.get(kind) ?? 1) - 1)
    else next()
  }

  #open(kind: BedKind): Promise<Bed> {
    this.#app ??= synthesise(() => undefined)
    const opening = this.#app.then((app) => openBed(kind, app))
    this.#all.push(opening)
    return opening
  }
}

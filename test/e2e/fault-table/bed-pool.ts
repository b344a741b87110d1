/** Opens beds as they are asked for, lends each to one fault at a time, and keeps it for the next. */
export class BedPool<Kind extends string, Bed extends { close(): Promise<void> }> {
  readonly #free = new Map<Kind, Bed[]>()
  readonly #all: Promise<Bed>[] = []
  readonly #openBed: (kind: Kind) => Promise<Bed>
  readonly #most: Readonly<Partial<Record<Kind, number>>>
  readonly #lent = new Map<Kind, number>()
  /** Faults that wait for a bed of a kind, first come first served. */
  readonly #waiting = new Map<Kind, (() => void)[]>()

  /** @param most beds of a kind that there may be at once; as many as are asked for, if left out */
  constructor(openBed: (kind: Kind) => Promise<Bed>, most: Readonly<Partial<Record<Kind, number>>>) {
    this.#openBed = openBed
    this.#most = most
  }

  async use<T>(kind: Kind, work: (bed: Bed) => Promise<T>): Promise<T> {
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

  async #turn(kind: Kind): Promise<void> {
    const lent = this.#lent.get(kind) ?? 0
    if (lent < (this.#most[kind] ?? Number.POSITIVE_INFINITY)) this.#lent.set(kind, lent + 1)
    else await new Promise<void>((resolve) => this.#waiting.set(kind, [...(this.#waiting.get(kind) ?? []), resolve]))
  }

  /** The turn goes to the next who waits; that bed stays lent. */
  #endTurn(kind: Kind): void {
    const [next, ...others] = this.#waiting.get(kind) ?? []
    this.#waiting.set(kind, others)
    if (next === undefined) this.#lent.set(kind, (this.#lent.get(kind) ?? 1) - 1)
    else next()
  }

  #open(kind: Kind): Promise<Bed> {
    const opening = this.#openBed(kind)
    this.#all.push(opening)
    return opening
  }
}

/** What is asked for once and kept. Those who ask meanwhile get the same answer. */
export class Kept<Value> {
  readonly #make: () => Promise<Value>
  readonly #isFinal: (error: unknown) => boolean
  #made: Promise<Value> | undefined

  /** @param isFinal failures that are kept, too: the same question would only fail again, or do harm */
  constructor(make: () => Promise<Value>, isFinal: (error: unknown) => boolean = () => false) {
    this.#make = make
    this.#isFinal = isFinal
  }

  get(): Promise<Value> {
    return (this.#made ??= this.#ask())
  }

  /** The value, where there is one. */
  async peek(): Promise<Value | undefined> {
    return this.#made?.catch(() => undefined)
  }

  /** It isn't good any more; a newer one than `value` stays. */
  async forget(value: Value): Promise<void> {
    const made = this.#made
    if ((await this.peek()) === value && this.#made === made) this.#made = undefined
  }

  async #ask(): Promise<Value> {
    try {
      return await this.#make()
    } catch (error) {
      if (!this.#isFinal(error)) this.#made = undefined
      throw error
    }
  }
}

import type { Finding } from '../contracts/verification.ts'

/** More findings than this say nothing new about an archive, and fill memory. */
const MOST_FINDINGS = 50

/** A fault after which nothing that follows can be understood: reading this layer ends here. */
export class Damage extends Error {
  readonly finding: Finding
  constructor(code: string, message: string, of: 'file' | 'content', offset: number) {
    super(message)
    this.finding = { code, message, of, offset }
  }
}

/** Collects findings that reading can go on after; counts those beyond the first fifty. */
export class Findings {
  readonly #found: Finding[] = []
  #further = 0

  add(finding: Finding): void {
    if (this.#found.length < MOST_FINDINGS) this.#found.push(finding)
    else this.#further += 1
  }

  get list(): Finding[] {
    if (this.#further === 0) return [...this.#found]
    return [...this.#found, { code: 'more', message: `and ${this.#further} further findings` }]
  }
}

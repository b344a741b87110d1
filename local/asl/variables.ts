import { StateFailure } from './errors.ts'
import { type Json, jsonBytes } from './json.ts'
import { LIMITS } from './limits.ts'

/**
 * The variables of one scope. The states of an inline Map's iteration or of a Parallel's branch read the variables around them,
 * but what they assign stays with them. A distributed Map's children start with a scope without parent: they see none of their parent's.
 */
export class Variables {
  readonly #own = new Map<string, Json>()
  readonly #outer: Variables | undefined

  constructor(outer?: Variables) {
    this.#outer = outer
  }

  /** Everything that is visible from here, inner names before outer ones. */
  visible(): Record<string, Json> {
    const all = this.#outer?.visible() ?? {}
    for (const [name, value] of this.#own) all[name] = value
    return all
  }

  /** Throws `States.DataLimitExceeded` when the variables in sight exceed 10 MiB; nothing is assigned then. */
  assign(values: Readonly<Record<string, Json>>): void {
    const after = { ...this.visible(), ...values }
    if (jsonBytes(after) > LIMITS.variablesBytes) {
      throw new StateFailure(
        'States.DataLimitExceeded',
        'The size of the variables exceeds the maximum number of bytes service limit.',
      )
    }
    for (const [name, value] of Object.entries(values)) this.#own.set(name, value)
  }
}

import { readFileSync } from 'node:fs'
import type { Mutant } from './mutants.ts'

/** A mutant that behaves as the file does, and why. Known by its lines, wherever they stand in the file. */
export interface Equivalent {
  file: string
  before: string
  after: string
  reason: string
}

export function readEquivalents(path: string): Equivalent[] {
  return JSON.parse(readFileSync(path, 'utf8')) as Equivalent[]
}

export function isKnown(equivalents: readonly Equivalent[], mutant: Mutant): boolean {
  return equivalents.some((one) => matches(one, mutant))
}

function matches(one: Equivalent, { file, before, after }: Mutant): boolean {
  return one.file === file && one.before === before && one.after === after
}

/**
 * Entries about these files that are no longer true: the line is gone or reads otherwise, some test notices the change by
 * now, or no reason is given.
 */
export function stale(
  equivalents: readonly Equivalent[],
  files: readonly string[],
  mutants: readonly Mutant[],
  killed: readonly Mutant[],
): Equivalent[] {
  return equivalents.filter((one) => {
    if (!files.includes(one.file)) return false
    const own = mutants.filter((mutant) => matches(one, mutant))
    return own.length === 0 || one.reason.trim() === '' || own.every((mutant) => killed.includes(mutant))
  })
}

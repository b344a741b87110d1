import { type GuestSelection, SELECTION_KEYS, type SelectionKey } from '../../contracts/selection.ts'

/** Keys of a selection that a platform doesn't know, as a job spells them: `pools`, `exclude.tags`. */
export function unknownKeys(selection: GuestSelection, known: readonly SelectionKey[]): string[] {
  const foreign = SELECTION_KEYS.filter((key) => !known.includes(key))
  return [
    ...foreign.filter((key) => selection[key] !== undefined),
    ...foreign.filter((key) => selection.exclude?.[key] !== undefined).map((key) => `exclude.${key}`),
  ]
}

/** Where a person who receives an alarm or a notice reads on. */

/** Relative to the repository's root: each deployment comes from a checkout, which has the page of its own version. */
const PAGE = 'docs/operate.md'

/** Headings of the page, as anchors. A test asserts that each is there, and that each is linked. */
export type RunbookSection =
  | 'an-execution-ended-badly'
  | 'nosuccess'
  | 'nothingarchived'
  | 'guestsuncovered'
  | 'a-queue-is-not-empty'
  | 'ends-of-executions'
  | 'notice-of-a-clean-up'

/** `What to do: docs/operate.md#nosuccess`: the last sentence of an alarm, or a line of a notice. */
export function whatToDo(section: RunbookSection): string {
  return `What to do: ${PAGE}#${section}`
}

/** `1 archive`, `2 archives`. */
export function counted(count: number, thing: string): string {
  return `${count} ${nounFor(count, thing)}`
}

/** `archive` of one, `archives` of several, for a number that stands by itself. */
export function nounFor(count: number, thing: string): string {
  return count === 1 ? thing : `${thing}s`
}

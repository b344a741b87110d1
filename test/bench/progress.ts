/** Progress goes to standard error, so that standard output holds the result alone. */
export function note(text: string): void {
  process.stderr.write(`${text}\n`)
}

/** Something to tell the person at the command line in a sentence, without a stack. */
export class CliError extends Error {
  override readonly name = 'CliError'
}

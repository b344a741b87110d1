/** Something to tell the person at the command line in a sentence, without a stack. */
export class CliError extends Error {
  override readonly name: string = 'CliError'
}

/** The command line asks for what can't be meant. Nothing was done. */
export class UsageError extends CliError {
  override readonly name = 'UsageError'
}

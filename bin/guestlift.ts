import { CommanderError } from 'commander'
import { GuestliftError } from '../functions/contracts/errors.ts'
import { CliError } from '../local/cli/cli-error.ts'
import { exitCodeOfError, exitCodes } from '../local/cli/exit-codes.ts'
import { outliveReaders } from '../local/cli/lost-terminal.ts'
import { guestliftProgram } from '../local/cli/program.ts'
import { listenForStop } from '../local/cli/stop-signals.ts'
import { AssemblyError } from '../local/synthesised.ts'

/** Errors whose message says it all: ours, and AWS's answers (no credentials, no permission, no such thing). */
function isForPeople(error: unknown): error is Error {
  const fromAws = error instanceof Error && ('$metadata' in error || error.name === 'CredentialsProviderError')
  return fromAws || error instanceof CliError || error instanceof GuestliftError || error instanceof AssemblyError
}

outliveReaders()
const stop = listenForStop()
try {
  await guestliftProgram(stop).parseAsync()
} catch (error) {
  if (error instanceof CommanderError) process.exitCode = error.exitCode === 0 ? 0 : exitCodes.usage
  else {
    // What is started for the command (the app's synthesis, for one) hears of a signal too, and fails of it.
    process.exitCode = stop.interrupt.aborted ? exitCodes.interrupted : exitCodeOfError(error)
    console.error(isForPeople(error) ? `guestlift: ${error.message}` : error)
    if (process.argv.includes('--json')) {
      const reason = error instanceof Error ? error.message : String(error)
      console.log(JSON.stringify({ outcome: 'failed', summary: reason, notes: [], guests: [] }))
    }
  }
} finally {
  stop.release()
}

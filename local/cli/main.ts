import { CommanderError } from 'commander'
import { GuestliftError } from '../../functions/contracts/errors.ts'
import { DeploymentConfigError } from '../../lib/deployment-config.ts'
import { AssemblyError } from '../run/synthesised.ts'
import { CliError } from '../run/cli-error.ts'
import { exitCodeOfError, exitCodes } from './exit-codes.ts'
import { useUtc } from './print/own-time.ts'
import { guestliftProgram } from './program.ts'
import { applySettings } from './settings/apply-settings.ts'
import { readOwnSettings } from './settings/config-command.ts'
import { listenForStop } from './stop-signals.ts'

/** Errors whose message says it all: ours, and AWS's answers (no credentials, no permission, no such thing). */
function isForPeople(error: unknown): error is Error {
  const fromAws = error instanceof Error && ('$metadata' in error || error.name === 'CredentialsProviderError')
  const ours = [CliError, GuestliftError, AssemblyError, DeploymentConfigError]
  return fromAws || ours.some((one) => error instanceof one)
}

/** Commands that have nothing that settings could say. */
function standsAlone(command: string | undefined): boolean {
  return ['config', 'demo', 'help', 'completion', 'exit-codes', 'platforms', 'prices', undefined].includes(command)
}

/** Run one command to its end: prints what it has to say, and leaves its code in `process.exitCode`. Throws nothing. */
export async function runCommandLine(words: readonly string[]): Promise<void> {
  const stop = listenForStop()
  try {
    // Words are read by it, so it has to hold before.
    if (words.includes('--utc')) useUtc()
    const program = guestliftProgram(stop)
    // Help, and the command that shows what is wrong with settings, work whatever they are.
    if (!words.some((word) => ['--help', '-h', '--version', '-V'].includes(word)) && !standsAlone(words[0])) {
      applySettings(program, await readOwnSettings())
    }
    await program.parseAsync(words, { from: 'user' })
  } catch (error) {
    if (error instanceof CommanderError) process.exitCode = error.exitCode === 0 ? 0 : exitCodes.usage
    else {
      // What is started for the command (the app's synthesis, for one) hears of a signal too, and fails of it.
      process.exitCode = stop.interrupt.aborted ? exitCodes.interrupted : exitCodeOfError(error)
      console.error(isForPeople(error) ? `guestlift: ${error.message}` : error)
      if (words.includes('--json')) {
        const reason = error instanceof Error ? error.message : String(error)
        console.log(JSON.stringify({ outcome: 'failed', summary: reason, notes: [], guests: [] }))
      }
    }
  } finally {
    stop.release()
  }
}
